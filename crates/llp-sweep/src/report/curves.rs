//! Small panels of learning curves: one thin line for each seed, and a bold one for their mean.

use super::axis::{Axis, tick_text};
use super::color::Color;
use super::drawing::{Anchor, Drawing, Stroke};

/// What a panel shows.
#[derive(Debug)]
pub(super) struct Curves {
    pub(super) title: String,
    /// The values of each seed, one for each epoch from 1.
    pub(super) seeds: Vec<Vec<f64>>,
    pub(super) color: Color,
    /// The vertical axis.
    pub(super) axis: Axis,
}

const WIDTH: f64 = 250.0;
const HEIGHT: f64 = 165.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 26.0;
const SMALL: u32 = 11;
/// Points of a line: more are not seen at this size.
const N_POINTS: usize = 120;

/// Draws a panel.
pub(super) fn draw(curves: &Curves) -> Drawing {
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    let n_epochs = curves.seeds.iter().map(Vec::len).min().unwrap_or(0);
    let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    let x = |epoch: usize| LEFT + width * epoch as f64 / n_epochs.max(1) as f64;
    let y = |value: f64| TOP + height * (1.0 - curves.axis.place(value));
    let thin = |color| Stroke { color, width: 1.0 };
    // The longest title has more room from the very left.
    drawing.text((0.0, 13.0), &curves.title, SMALL, Anchor::Start, Color::Text);
    for &tick in &curves.axis.ticks {
        drawing.line(&[(LEFT, y(tick)), (WIDTH - RIGHT, y(tick))], thin(Color::Rule));
        drawing.text((LEFT - 5.0, y(tick) + 4.0), &tick_text(tick), SMALL, Anchor::End, Color::Muted);
    }
    for (epoch, anchor) in [(1, Anchor::Start), (n_epochs, Anchor::End)] {
        let label = if epoch == 1 { "epoch 1".to_owned() } else { epoch.to_string() };
        drawing.text((x(epoch), HEIGHT - 10.0), &label, SMALL, anchor, Color::Muted);
    }
    drawing.line(&[(LEFT, TOP), (LEFT, TOP + height), (WIDTH - RIGHT, TOP + height)], thin(Color::Text));
    let mut line = |values: &dyn Fn(usize) -> f64, width: f64| {
        let points: Vec<_> = shown(n_epochs).map(|epoch| (x(epoch), y(values(epoch - 1)))).collect();
        drawing.line(&points, Stroke { color: curves.color, width });
    };
    let n_seeds = curves.seeds.len();
    if n_seeds > 1 {
        curves.seeds.iter().for_each(|seed| line(&|epoch| seed[epoch], 0.6));
    }
    line(&|epoch| curves.seeds.iter().map(|seed| seed[epoch]).sum::<f64>() / n_seeds as f64, 2.0);
    drawing
}

/// The epochs that are drawn, the last one among them.
fn shown(n_epochs: usize) -> impl Iterator<Item = usize> {
    let step = n_epochs.div_ceil(N_POINTS).max(1);
    (1..=n_epochs).filter(move |epoch| (n_epochs - epoch).is_multiple_of(step))
}
