//! Line charts in panels: a measure over something, with a legend beside them and a caption below.

use super::axis::{Axis, tick_text};
use super::color::Color;
use super::drawing::{Anchor, Drawing, Marker, Position, Stroke, text_width, wrap};

/// Several panels with common axes.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) title: String,
    pub(super) x_label: String,
    pub(super) x_scale: Scale,
    pub(super) legend_title: String,
    /// What the reference line of each panel is.
    pub(super) reference_label: String,
    pub(super) panels: Vec<Panel>,
    pub(super) caption: String,
}

impl Figure {
    /// Whether any panel has something to show.
    pub(super) fn has_points(&self) -> bool {
        self.panels.iter().flat_map(|panel| &panel.lines).any(|line| !line.points.is_empty())
    }
}

/// How the horizontal axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// From 0, with round numbers as ticks.
    Linear,
    /// Each doubling takes the same room; the ticks are the values that occur.
    Log2,
}

#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    /// What the vertical axis shows.
    pub(super) y_label: String,
    pub(super) y_axis: Axis,
    pub(super) lines: Vec<Line>,
    /// Height of a dashed horizontal line.
    pub(super) reference: Option<f64>,
    /// What is not drawn.
    pub(super) note: String,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) label: String,
    /// The same in every panel.
    pub(super) color: Color,
    pub(super) points: Vec<Point>,
}

/// A point, in the units of its panel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    /// One standard deviation.
    pub(super) sd: Option<f64>,
    pub(super) mark: Mark,
}

/// The data behind a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// All that was planned.
    Solid,
    /// Less than was planned: drawn hollow.
    Hollow,
    /// Nothing: drawn as a cross that no line leads to.
    Absent,
}

/// The room around the area inside the axes.
const LEFT: f64 = 48.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 52.0;
const TITLE: f64 = 34.0;
const CAPTION_LINE: f64 = 15.0;
const CAPTION: u32 = 10;
const SMALL: u32 = 11;
const NORMAL: u32 = 13;
const LARGE: u32 = 16;

const REFERENCE: Stroke = Stroke { color: Color::Muted, width: 1.2 };

/// How panels are arranged: how many in a row, and the size of the area inside their axes.
struct Arrangement {
    /// Room above the first row.
    above: f64,
    columns: usize,
    width: f64,
    height: f64,
}

impl Arrangement {
    fn of(n_panels: usize, above: f64) -> Self {
        match n_panels {
            0 | 1 => Self { above, columns: 1, width: 420.0, height: 280.0 },
            2 | 4 => Self { above, columns: 2, width: 340.0, height: 250.0 },
            _ => Self { above, columns: 3, width: 270.0, height: 220.0 },
        }
    }

    /// The upper left corner of the area of the panel of this index.
    fn origin(&self, index: usize) -> Position {
        let (row, column) = (index / self.columns, index % self.columns);
        let x = LEFT + column as f64 * (LEFT + self.width + RIGHT);
        (x, self.above + TOP + row as f64 * (TOP + self.height + BOTTOM))
    }

    /// The right and the lower end of all panels with their room.
    fn extent(&self, n_panels: usize) -> (f64, f64) {
        let rows = n_panels.div_ceil(self.columns).max(1);
        let width = self.columns as f64 * (LEFT + self.width + RIGHT);
        (width, self.above + rows as f64 * (TOP + self.height + BOTTOM))
    }
}

/// Draws a figure with its title and its caption, as a file by itself.
pub(super) fn draw(figure: &Figure) -> Drawing {
    let width = width(figure);
    let caption = wrap(&figure.caption, CAPTION, width - 2.0 * RIGHT);
    let (mut drawing, bottom) = body(figure, TITLE, (caption.len() as f64 + 1.0) * CAPTION_LINE);
    drawing.text((RIGHT, 26.0), &figure.title, LARGE, Anchor::Start, Color::Text);
    for (index, line) in caption.iter().enumerate() {
        let y = bottom + (index as f64 + 0.8) * CAPTION_LINE;
        drawing.text((RIGHT, y), line, CAPTION, Anchor::Start, Color::Muted);
    }
    drawing
}

/// Draws a figure without title and caption, which the page around it has.
pub(super) fn draw_bare(figure: &Figure) -> Drawing {
    body(figure, 0.0, 0.0).0
}

fn width(figure: &Figure) -> f64 {
    let n_panels = figure.panels.len();
    Arrangement::of(n_panels, 0.0).extent(n_panels).0 + legend_width(figure) + RIGHT
}

/// Panels and legend, with room above and below; and where the room below begins.
fn body(figure: &Figure, above: f64, below: f64) -> (Drawing, f64) {
    let arrangement = Arrangement::of(figure.panels.len(), above);
    let (panels_width, bottom) = arrangement.extent(figure.panels.len());
    let mut drawing = Drawing::new(width(figure), bottom + below);
    for (index, panel) in figure.panels.iter().enumerate() {
        Axes::new(figure, &arrangement, index).draw(&mut drawing, figure, panel);
    }
    draw_legend(&mut drawing, figure, (panels_width, above + TOP));
    (drawing, bottom)
}

/// The mapping of one panel's values to positions.
struct Axes<'a> {
    origin: Position,
    width: f64,
    height: f64,
    scale: Scale,
    /// Smallest and largest place on the horizontal axis.
    range: (f64, f64),
    x_ticks: Vec<f64>,
    y_axis: &'a Axis,
}

impl<'a> Axes<'a> {
    /// The axes of the panel of this index, wide enough for the points of all panels.
    fn new(figure: &'a Figure, arrangement: &Arrangement, index: usize) -> Self {
        let scale = figure.x_scale;
        let points = figure.panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.points);
        let mut values: Vec<f64> = points.map(|point| point.x).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let (first, last) = (values.first().copied().unwrap_or(1.0), values.last().copied().unwrap_or(1.0));
        let (range, x_ticks) = match scale {
            Scale::Linear => ((0.0, last), round_ticks(last)),
            Scale::Log2 => ((first.log2() - 0.4, last.log2() + 0.4), values),
        };
        let Arrangement { width, height, .. } = *arrangement;
        let (origin, y_axis) = (arrangement.origin(index), &figure.panels[index].y_axis);
        Self { origin, width, height, scale, range, x_ticks, y_axis }
    }

    fn x(&self, value: f64) -> f64 {
        let place = if self.scale == Scale::Log2 { value.log2() } else { value };
        self.origin.0 + self.width * (place - self.range.0) / (self.range.1 - self.range.0)
    }

    fn y(&self, value: f64) -> f64 {
        self.origin.1 + self.height * (1.0 - self.y_axis.place(value))
    }

    fn at(&self, point: &Point) -> Position {
        (self.x(point.x), self.y(point.y))
    }

    fn draw(&self, drawing: &mut Drawing, figure: &Figure, panel: &Panel) {
        let (left, top) = self.origin;
        let (right, bottom, middle) = (left + self.width, top + self.height, left + self.width / 2.0);
        drawing.text((middle, top - 30.0), &panel.title, NORMAL, Anchor::Middle, Color::Text);
        drawing.text((left - 28.0, top - 12.0), &panel.y_label, SMALL, Anchor::Start, Color::Muted);
        drawing.text((right, top - 12.0), &panel.note, SMALL, Anchor::End, Color::Muted);
        for &tick in &self.y_axis.ticks {
            let y = self.y(tick);
            drawing.line(&[(left, y), (right, y)], thin(Color::Rule));
            drawing.text((left - 7.0, y + 4.0), &tick_text(tick), SMALL, Anchor::End, Color::Text);
        }
        for tick in &self.x_ticks {
            let x = self.x(*tick);
            drawing.line(&[(x, bottom), (x, bottom + 4.0)], thin(Color::Text));
            drawing.text((x, bottom + 17.0), &tick.to_string(), SMALL, Anchor::Middle, Color::Text);
        }
        drawing.text((middle, bottom + 35.0), &figure.x_label, SMALL, Anchor::Middle, Color::Muted);
        if let Some(reference) = panel.reference {
            drawing.dashes((left, self.y(reference)), right, REFERENCE);
        }
        panel.lines.iter().for_each(|line| self.draw_spread(drawing, line));
        panel.lines.iter().for_each(|line| self.draw_line(drawing, line));
        // The frame comes last, over the ends of lines.
        drawing.line(&[(left, top), (left, bottom), (right, bottom)], thin(Color::Text));
    }

    /// The band of one standard deviation, and a bar at each point, which also shows where there is no neighbor.
    fn draw_spread(&self, drawing: &mut Drawing, line: &Line) {
        let color = line.color;
        let spread: Vec<(&Point, f64)> = present(line).filter_map(|point| Some((point, point.sd?))).collect();
        let upper = spread.iter().map(|(point, sd)| (self.x(point.x), self.y(point.y + sd)));
        let lower = spread.iter().map(|(point, sd)| (self.x(point.x), self.y(point.y - sd)));
        for (top, bottom) in upper.clone().zip(lower.clone()) {
            drawing.line(&[top, bottom], thin(color));
        }
        if spread.len() > 1 {
            drawing.area(&upper.chain(lower.rev()).collect::<Vec<_>>(), color, 0.2);
        }
    }

    fn draw_line(&self, drawing: &mut Drawing, line: &Line) {
        let (color, marker) = (line.color, line.color.marker());
        let path: Vec<Position> = present(line).map(|point| self.at(point)).collect();
        if path.len() > 1 {
            drawing.line(&path, Stroke { color, width: 2.0 });
        }
        // A single point would not be seen without a marker.
        let marker = marker.or_else(|| (path.len() == 1).then_some(Marker::Circle));
        for point in &line.points {
            match (marker, point.mark) {
                (_, Mark::Absent) => drawing.marker(Marker::Cross, self.at(point), 4.5, color, color),
                (Some(marker), Mark::Solid) => drawing.marker(marker, self.at(point), 4.0, color, color),
                (Some(marker), Mark::Hollow) => {
                    drawing.marker(marker, self.at(point), 4.0, Color::Page, color);
                }
                (None, _) => {}
            }
        }
    }
}

fn draw_legend(drawing: &mut Drawing, figure: &Figure, (x, top): Position) {
    let mut y = top + 4.0;
    drawing.text((x, y), &figure.legend_title, SMALL, Anchor::Start, Color::Muted);
    for (label, color) in legend(figure) {
        y += 19.0;
        let marker = color.marker();
        drawing.line(&[(x, y - 4.0), (x + 22.0, y - 4.0)], Stroke { color, width: 2.0 });
        if let Some(marker) = marker {
            drawing.marker(marker, (x + 11.0, y - 4.0), 4.0, color, color);
        }
        drawing.text((x + 29.0, y), label, SMALL, Anchor::Start, Color::Text);
    }
    if figure.panels.iter().any(|panel| panel.reference.is_some()) {
        y += 19.0;
        drawing.dashes((x, y - 4.0), x + 23.0, REFERENCE);
        drawing.text((x + 29.0, y), &figure.reference_label, SMALL, Anchor::Start, Color::Text);
    }
}

/// The labels of all panels, each once, in the order of their first appearance.
fn legend(figure: &Figure) -> Vec<(&str, Color)> {
    let mut entries: Vec<(&str, Color)> = Vec::new();
    for line in figure.panels.iter().flat_map(|panel| &panel.lines) {
        if !entries.iter().any(|(label, _)| *label == line.label) {
            entries.push((&line.label, line.color));
        }
    }
    entries
}

fn legend_width(figure: &Figure) -> f64 {
    let labels = legend(figure).into_iter().map(|(label, _)| text_width(label, SMALL) + 29.0);
    let others =
        [text_width(&figure.legend_title, SMALL) * 1.1, text_width(&figure.reference_label, SMALL) + 29.0];
    labels.chain(others).fold(0.0, f64::max)
}

/// The points that represent data.
fn present(line: &Line) -> impl DoubleEndedIterator<Item = &Point> {
    line.points.iter().filter(|point| point.mark != Mark::Absent)
}

/// Multiples of 1, 2 or 5 times a power of ten from 0 to `last`, at most six.
fn round_ticks(last: f64) -> Vec<f64> {
    let steps = (0..).map(|power| 10_f64.powi(power)).flat_map(|unit| [unit, 2.0 * unit, 5.0 * unit]);
    let step = steps.into_iter().find(|step| last / step <= 5.0).unwrap_or(1.0);
    (0_u32..=5).map(|n| f64::from(n) * step).filter(|tick| *tick <= last).collect()
}

fn thin(color: Color) -> Stroke {
    Stroke { color, width: 1.0 }
}
