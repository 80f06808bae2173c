//! Small panels of learning curves: one thin line for each seed, and a bold one for their mean.

use super::canvas::{Anchor, Canvas, Stroke};
use super::ink::Ink;

/// What a panel shows.
#[derive(Debug)]
pub(super) struct Curves {
    pub(super) title: &'static str,
    /// The values of each seed, one for each epoch from 1.
    pub(super) seeds: Vec<Vec<f64>>,
    pub(super) ink: Ink,
    /// The ends of the axis, where they are given; else they follow the values.
    pub(super) range: Option<(f64, f64)>,
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
/// Above the lower nine tenths of the values, the axis goes on for at most so many times their extent: a single peak must
/// not flatten all the rest.
const HEADROOM: f64 = 2.0;

/// Draws a panel.
pub(super) fn draw(curves: &Curves) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    let n_epochs = curves.seeds.iter().map(Vec::len).min().unwrap_or(0);
    let (low, high) = curves.range.unwrap_or_else(|| range_of(&curves.seeds));
    let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    let x = |epoch: usize| LEFT + width * epoch as f64 / n_epochs.max(1) as f64;
    let y = |value: f64| TOP + height * (1.0 - ((value - low) / (high - low)).clamp(0.0, 1.0));
    let thin = |ink| Stroke { ink, width: 1.0 };
    canvas.text((LEFT, 13.0), curves.title, SMALL, Anchor::Start, Ink::Text);
    for tick in ticks(low, high) {
        canvas.line(&[(LEFT, y(tick)), (WIDTH - RIGHT, y(tick))], thin(Ink::Rule));
        canvas.text((LEFT - 5.0, y(tick) + 4.0), &tick_text(tick), SMALL, Anchor::End, Ink::Muted);
    }
    for (epoch, anchor) in [(1, Anchor::Start), (n_epochs, Anchor::End)] {
        let label = if epoch == 1 { "epoch 1".to_owned() } else { epoch.to_string() };
        canvas.text((x(epoch), HEIGHT - 10.0), &label, SMALL, anchor, Ink::Muted);
    }
    canvas.line(&[(LEFT, TOP), (LEFT, TOP + height), (WIDTH - RIGHT, TOP + height)], thin(Ink::Text));
    let mut line = |values: &dyn Fn(usize) -> f64, width: f64| {
        let points: Vec<_> = shown(n_epochs).map(|epoch| (x(epoch), y(values(epoch - 1)))).collect();
        canvas.line(&points, Stroke { ink: curves.ink, width });
    };
    let n_seeds = curves.seeds.len();
    if n_seeds > 1 {
        curves.seeds.iter().for_each(|seed| line(&|epoch| seed[epoch], 0.6));
    }
    line(&|epoch| curves.seeds.iter().map(|seed| seed[epoch]).sum::<f64>() / n_seeds as f64, 2.0);
    canvas
}

/// The epochs that are drawn, the last one among them.
fn shown(n_epochs: usize) -> impl Iterator<Item = usize> {
    let step = n_epochs.div_ceil(N_POINTS).max(1);
    (1..=n_epochs).filter(move |epoch| (n_epochs - epoch).is_multiple_of(step))
}

/// Where an axis for these values begins and ends.
fn range_of(seeds: &[Vec<f64>]) -> (f64, f64) {
    let mut values: Vec<f64> = seeds.iter().flatten().copied().collect();
    values.sort_by(f64::total_cmp);
    let (Some(&low), Some(&high)) = (values.first(), values.last()) else { return (0.0, 1.0) };
    let most = values[values.len() * 9 / 10];
    let high = high.min(most + HEADROOM * (most - low));
    // Equal values have no extent of their own.
    let extent = if high > low { high - low } else { low.abs().max(1.0) };
    (low - 0.05 * extent, high + 0.05 * extent)
}

/// Multiples of 1, 2 or 5 times a power of ten in a range, at most five.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let unit = 10_f64.powf(((high - low) / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * unit).into_iter().find(|step| (high - low) / step < 5.0);
    let step = step.unwrap_or(high - low);
    let first = (low / step).ceil();
    (0..5).map(|n| (first + f64::from(n)) * step).filter(|tick| *tick <= high).collect()
}

fn tick_text(tick: f64) -> String {
    if tick == 0.0 || (0.001..1e5).contains(&tick.abs()) {
        let text = format!("{tick:.4}");
        return text.trim_end_matches('0').trim_end_matches('.').replace('-', "−");
    }
    format!("{tick:.0e}")
}
