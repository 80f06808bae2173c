//! The drawing library (kuva) behind a few shapes: the only module that names it.
//!
//! Its own plots and axes are not used, only its scene and its two back ends, which agree with each other and bring
//! their font along. Coordinates are pixels from the top left corner.

use kuva::backend::raster::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::color::Color;
use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

pub(super) type Position = (f64, f64);
pub(super) type Rgb = (u8, u8, u8);

pub(super) const BLACK: Rgb = (0x1a, 0x1a, 0x1a);
pub(super) const GRAY: Rgb = (0x6b, 0x6b, 0x6b);
pub(super) const PALE: Rgb = (0xe4, 0xe4, 0xe4);
pub(super) const WHITE: Rgb = (0xff, 0xff, 0xff);

/// PNG pixels per unit: sharp in print at the width of a column.
const PNG_SCALE: f32 = 3.0;
/// Width of a character of the font against its size, on average and rather too wide.
const CHARACTER_WIDTH: f64 = 0.58;

/// Where a text stands against its position.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The shape of a marker.
#[derive(Debug, Clone, Copy)]
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
    pub(super) color: Rgb,
    pub(super) width: f64,
}

/// A finished drawing in both formats.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) svg: String,
    pub(super) png: Vec<u8>,
}

/// A drawing in the making.
pub(super) struct Canvas {
    scene: Scene,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        let mut scene = Scene::new(width, height);
        scene.font_family = Some("DejaVu Sans, Verdana, Helvetica, Arial, sans-serif".to_owned());
        Self { scene }
    }

    pub(super) fn line(&mut self, points: &[Position], stroke: Stroke) {
        self.scene.add(Primitive::PolyLine {
            points: points.to_vec(),
            stroke: color(stroke.color),
            stroke_width: stroke.width,
            stroke_dasharray: None,
        });
    }

    /// A horizontal line in dashes. The back ends disagree on the length of theirs.
    pub(super) fn dashes(&mut self, (left, y): Position, right: f64, stroke: Stroke) {
        const DASH: f64 = 5.0;
        const GAP: f64 = 4.0;
        let starts = std::iter::successors(Some(left), |start| Some(start + DASH + GAP));
        for start in starts.take_while(|start| *start < right) {
            self.line(&[(start, y), ((start + DASH).min(right), y)], stroke);
        }
    }

    /// A filled area without an outline; `opacity` in `[0, 1]`.
    pub(super) fn area(&mut self, corners: &[Position], fill: Rgb, opacity: f64) {
        self.polygon(corners, fill, Color::None, 0.0, Some(opacity));
    }

    /// A marker of a radius of about `r`, filled with `fill` and outlined with `outline`.
    pub(super) fn marker(&mut self, marker: Marker, (x, y): Position, r: f64, fill: Rgb, outline: Rgb) {
        let corners: &[Position] = match marker {
            Marker::Circle => {
                let (cx, cy, stroke) = (x, y, Some(color(outline)));
                let (fill, fill_opacity, stroke_width) = (color(fill), None, Some(1.5));
                return self.scene.add(Primitive::Circle {
                    cx,
                    cy,
                    r,
                    fill,
                    fill_opacity,
                    stroke,
                    stroke_width,
                });
            }
            Marker::Cross => {
                let stroke = Stroke { color: outline, width: 1.5 };
                self.line(&[(x - r, y - r), (x + r, y + r)], stroke);
                return self.line(&[(x - r, y + r), (x + r, y - r)], stroke);
            }
            Marker::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::Triangle => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
            Marker::Diamond => &[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)],
            Marker::TriangleDown => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
        };
        let corners: Vec<_> = corners.iter().map(|(dx, dy)| (x + r * dx, y + r * dy)).collect();
        self.polygon(&corners, fill, color(outline), 1.5, None);
    }

    pub(super) fn text(&mut self, (x, y): Position, content: &str, size: u32, anchor: Anchor, ink: Rgb) {
        let anchor = match anchor {
            Anchor::Start => TextAnchor::Start,
            Anchor::Middle => TextAnchor::Middle,
            Anchor::End => TextAnchor::End,
        };
        let (content, color) = (content.to_owned(), Some(color(ink)));
        self.scene.add(Primitive::Text { x, y, content, size, anchor, rotate: None, bold: false, color });
    }

    /// The drawing as SVG and PNG.
    pub(super) fn finish(self) -> Result<Drawing, String> {
        // The back end gives width and height only; a page that shows the file smaller needs the view box to scale it.
        let view_box = format!("<svg viewBox=\"0 0 {} {}\" ", self.scene.width, self.scene.height);
        let svg = SvgBackend::default().render_scene(&self.scene).replacen("<svg ", &view_box, 1);
        let png = RasterBackend::new().with_scale(PNG_SCALE).render_scene(&self.scene)?;
        Ok(Drawing { svg, png })
    }

    fn polygon(
        &mut self,
        corners: &[Position],
        fill: Rgb,
        stroke: Color,
        stroke_width: f64,
        opacity: Option<f64>,
    ) {
        let corners: Vec<_> = corners.iter().map(|(x, y)| format!("{x:.2} {y:.2}")).collect();
        let d = format!("M {} Z", corners.join(" L "));
        let fill = Some(color(fill));
        let path = PathData { d, fill, stroke, stroke_width, opacity, stroke_dasharray: None };
        self.scene.add(Primitive::Path(Box::new(path)));
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

fn color((r, g, b): Rgb) -> Color {
    Color::Rgb(r, g, b)
}
