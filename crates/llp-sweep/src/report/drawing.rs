//! A drawing as a list of shapes, before it is a file or a part of a page.
//!
//! Coordinates are pixels from the top left corner.

use super::color::Color;

pub(super) type Position = (f64, f64);

/// Width of a character of the font against its size, on average and rather too wide.
const CHARACTER_WIDTH: f64 = 0.58;

/// The alignment of a text at its position.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The shape of a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    TriangleDown,
    Cross,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub(super) color: Color,
    pub(super) width: f64,
}

/// What a drawing consists of.
#[derive(Debug)]
pub(super) enum Shape {
    /// Open, not filled.
    Line { points: Vec<Position>, stroke: Stroke },
    /// Closed and filled; `opacity` in `[0, 1]`.
    Polygon { corners: Vec<Position>, fill: Color, opacity: f64, stroke: Option<Stroke> },
    /// Filled, with an outline.
    Circle { center: Position, r: f64, fill: Color, stroke: Stroke },
    /// Filled circles of radius `r` without an outline, many of them.
    Dots { centers: Vec<Position>, r: f64, color: Color },
    /// One line of text.
    Text { at: Position, content: String, size: u32, anchor: Anchor, color: Color },
}

/// A drawing in the making.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<Shape>,
}

impl Drawing {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, shapes: Vec::new() }
    }

    pub(super) fn line(&mut self, points: &[Position], stroke: Stroke) {
        self.shapes.push(Shape::Line { points: points.to_vec(), stroke });
    }

    /// A horizontal line in dashes. The back ends of files disagree on the length of theirs.
    pub(super) fn dashes(&mut self, (left, y): Position, right: f64, stroke: Stroke) {
        const DASH: f64 = 5.0;
        const GAP: f64 = 4.0;
        let starts = std::iter::successors(Some(left), |start| Some(start + DASH + GAP));
        for start in starts.take_while(|start| *start < right) {
            self.line(&[(start, y), ((start + DASH).min(right), y)], stroke);
        }
    }

    /// A filled area without an outline; `opacity` in `[0, 1]`.
    pub(super) fn area(&mut self, corners: &[Position], fill: Color, opacity: f64) {
        self.shapes.push(Shape::Polygon { corners: corners.to_vec(), fill, opacity, stroke: None });
    }

    /// Many points.
    pub(super) fn dots(&mut self, centers: Vec<Position>, r: f64, color: Color) {
        self.shapes.push(Shape::Dots { centers, r, color });
    }

    /// A marker of a radius of about `r`, filled with `fill` and outlined with `outline`.
    pub(super) fn marker(&mut self, marker: Marker, (x, y): Position, r: f64, fill: Color, outline: Color) {
        let stroke = Stroke { color: outline, width: 1.5 };
        let corners: &[Position] = match marker {
            Marker::Circle => return self.shapes.push(Shape::Circle { center: (x, y), r, fill, stroke }),
            Marker::Cross => {
                self.line(&[(x - r, y - r), (x + r, y + r)], stroke);
                return self.line(&[(x - r, y + r), (x + r, y - r)], stroke);
            }
            Marker::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::Triangle => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
            Marker::Diamond => &[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)],
            Marker::TriangleDown => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
        };
        let corners = corners.iter().map(|(dx, dy)| (x + r * dx, y + r * dy)).collect();
        self.shapes.push(Shape::Polygon { corners, fill, opacity: 1.0, stroke: Some(stroke) });
    }

    pub(super) fn text(&mut self, at: Position, content: &str, size: u32, anchor: Anchor, color: Color) {
        self.shapes.push(Shape::Text { at, content: content.to_owned(), size, anchor, color });
    }
}

/// About how wide a text is.
pub(super) fn text_width(content: &str, size: u32) -> f64 {
    content.chars().count() as f64 * f64::from(size) * CHARACTER_WIDTH
}

/// Breaks a text into lines of at most `width` pixels, as far as its words allow.
pub(super) fn wrap(content: &str, size: u32, width: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in content.split_whitespace() {
        let last = lines.len() - 1;
        let longer = if lines[last].is_empty() { word.to_owned() } else { format!("{} {word}", lines[last]) };
        if lines[last].is_empty() || text_width(&longer, size) <= width {
            lines[last] = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
