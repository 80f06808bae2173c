//! A small figure with two axes, one of several side by side in a page.

use super::axis::{Axis, tick_text};
use super::color::Color;
use super::drawing::{Anchor, Drawing, Position, Stroke, text_width};

pub(super) const WIDTH: f64 = 250.0;
const HEIGHT: f64 = 225.0;
const LEFT: f64 = 42.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 40.0;
pub(super) const SMALL: u32 = 11;
/// Bags of each part that a panel shows: more of them are a cloud.
const N_POINTS: usize = 400;

/// A panel with an axis below and one at the left.
pub(super) struct Panel {
    pub(super) drawing: Drawing,
    x: Axis,
    y: Axis,
}

impl Panel {
    pub(super) fn new(title: &str, below: &str, x: Axis, y: Axis) -> Self {
        let mut drawing = Drawing::new(WIDTH, HEIGHT);
        drawing.text((LEFT, 13.0), &shortened(title), SMALL, Anchor::Start, Color::Text);
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let thin = |color| Stroke { color, width: 1.0 };
        let mut panel = Self { drawing, x, y };
        for tick in panel.y.ticks.clone() {
            let y = panel.at((0.0, tick)).1;
            panel.drawing.line(&[(LEFT, y), (right, y)], thin(Color::Rule));
            panel.drawing.text((LEFT - 5.0, y + 4.0), &tick_text(tick), SMALL, Anchor::End, Color::Muted);
        }
        for tick in panel.x.ticks.clone() {
            let x = panel.at((tick, 0.0)).0;
            panel.drawing.line(&[(x, bottom), (x, bottom + 4.0)], thin(Color::Text));
            panel.drawing.text((x, bottom + 16.0), &tick_text(tick), SMALL, Anchor::Middle, Color::Muted);
        }
        panel.drawing.text((right, HEIGHT - 8.0), below, SMALL, Anchor::End, Color::Muted);
        panel.drawing.line(&[(LEFT, TOP), (LEFT, bottom), (right, bottom)], thin(Color::Text));
        panel
    }

    pub(super) fn at(&self, (x, y): Position) -> Position {
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        (LEFT + width * self.x.place(x), TOP + height * (1.0 - self.y.place(y)))
    }

    pub(super) fn line(&mut self, points: &[Position], color: Color, width: f64) {
        let points: Vec<Position> = points.iter().map(|point| self.at(*point)).collect();
        self.drawing.line(&points, Stroke { color, width });
    }

    pub(super) fn bar(&mut self, [left, right]: [f64; 2], height: f64, color: Color) {
        let corners = [(left, 0.0), (left, height), (right, height), (right, 0.0)];
        let corners: Vec<Position> = corners.iter().map(|corner| self.at(*corner)).collect();
        self.drawing.area(&corners, color, 0.55);
    }

    pub(super) fn dots(&mut self, points: impl Iterator<Item = Position>, r: f64, color: Color) {
        let points = points.map(|point| self.at(point)).collect();
        self.drawing.dots(points, r, color);
    }
}

/// A title that fits its panel.
fn shortened(title: &str) -> String {
    let fits = |text: &str| text_width(text, SMALL) <= WIDTH - LEFT - RIGHT;
    if fits(title) {
        return title.to_owned();
    }
    let mut text: String = title.to_owned();
    while !fits(&text) {
        text.pop();
    }
    text + "…"
}

/// At most [`N_POINTS`] of them, evenly spaced.
pub(super) fn thinned<T: Copy>(points: Vec<T>) -> Vec<T> {
    let n = points.len();
    if n <= N_POINTS {
        return points;
    }
    (0..N_POINTS).map(|place| points[place * n / N_POINTS]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long titles lose their end; many points are thinned out, the first one stays.
    #[test]
    fn panels_do_not_overflow() {
        assert_eq!(shortened("frog"), "frog");
        let long = shortened(&"wide ".repeat(40));
        assert!(long.ends_with('…') && text_width(&long, SMALL) < WIDTH - LEFT);
        let many = thinned((0..1000).collect());
        assert!(many.len() == N_POINTS && many[0] == 0 && many.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(thinned(vec![1, 2]), [1, 2]);
    }
}
