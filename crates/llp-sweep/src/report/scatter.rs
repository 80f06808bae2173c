//! Small panels on the bags of one run: predicted against known shares, residuals, confidence against accuracy.

use super::axis::Axis;
use super::color::Color;
use super::drawing::{Anchor, Drawing, Marker, Position};
use super::insight::{BagFit, Confidence, Part};
use super::panel::{Panel, SMALL, WIDTH, thinned};

/// The color of the points of a part.
pub(super) fn color(part: Part) -> Color {
    match part {
        Part::HeldOut => Color::Category(1),
        Part::Training => Color::Category(0),
    }
}

/// The radius of the points of a part.
fn radius(part: Part) -> f64 {
    match part {
        Part::HeldOut => 2.4,
        Part::Training => 1.4,
    }
}

/// Predicted against known shares of a class, with the diagonal where both are equal. Above many bags, they are thinned
/// out evenly.
pub(super) fn shares(name: &str, bags: &[&BagFit], class: usize) -> Drawing {
    let pairs = |part: Part| -> Vec<Position> {
        let of_part = bags.iter().filter(|bag| bag.part == part);
        thinned(of_part.filter_map(|bag| Some((bag.known[class]?, bag.predicted[class]))).collect())
    };
    let [training, held_out] = [Part::Training, Part::HeldOut].map(pairs);
    let all = training.iter().chain(&held_out);
    let largest = all.flat_map(|(known, predicted)| [*known, *predicted]).fold(0.05, f64::max);
    let axis = Axis::from_zero(largest.min(1.0));
    let mut panel = Panel::new(name, "known share", axis.clone(), axis);
    panel.line(&[(0.0, 0.0), (largest, largest)], Color::Muted, 1.0);
    for (part, points) in [(Part::Training, training), (Part::HeldOut, held_out)] {
        panel.dots(points.into_iter(), radius(part), color(part));
    }
    panel.drawing
}

/// Standardized residuals beyond this are in the outermost bars.
const RESIDUAL_MAX: f64 = 4.0;
const N_BARS: usize = 16;

/// How often the standardized residuals of a part have each size, beside the normal distribution that right
/// probabilities would lead to.
pub(super) fn residuals(bags: &[&BagFit], part: Part) -> Drawing {
    let mut counts = [0.0; N_BARS];
    let width = 2.0 * RESIDUAL_MAX / N_BARS as f64;
    for bag in bags {
        for residual in (0..bag.known.len()).filter_map(|class| bag.standardized(class)) {
            let place = ((residual + RESIDUAL_MAX) / width).floor().clamp(0.0, N_BARS as f64 - 1.0);
            counts[place as usize] += 1.0;
        }
    }
    let n: f64 = counts.iter().sum::<f64>().max(1.0);
    let densities = counts.map(|count| count / (n * width));
    let normal = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let y = Axis::from_zero(densities.iter().copied().fold(normal(0.0), f64::max));
    let ticks = vec![-4.0, -2.0, 0.0, 2.0, 4.0];
    let x = Axis { range: (-RESIDUAL_MAX, RESIDUAL_MAX), ticks };
    let title = format!("Residuals of {} bags", part.as_str());
    let mut panel = Panel::new(&title, "(known − predicted) / deviation", x, y);
    for (place, density) in densities.into_iter().enumerate() {
        let left = -RESIDUAL_MAX + place as f64 * width;
        panel.bar([left, left + width], density, color(part));
    }
    let curve: Vec<Position> =
        (0..=80).map(|at| f64::from(at) / 10.0 - RESIDUAL_MAX).map(|x| (x, normal(x))).collect();
    panel.line(&curve, Color::Text, 1.5);
    panel.drawing
}

/// Accuracy over confidence of labelled instances, with the diagonal of right confidence; points are larger where
/// instances are many.
pub(super) fn reliability(bins: &[Confidence]) -> Drawing {
    let axis = Axis::from_zero(1.0);
    let mut panel = Panel::new("Accuracy of test instances", "confidence", axis.clone(), axis);
    panel.line(&[(0.0, 0.0), (1.0, 1.0)], Color::Muted, 1.0);
    let points: Vec<Position> = bins.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
    let most = bins.iter().map(|bin| bin.n_instances).max().unwrap_or(1).max(1);
    for (bin, point) in bins.iter().zip(&points) {
        let r = 2.0 + 4.0 * (f64::from(bin.n_instances) / f64::from(most)).sqrt();
        let at = panel.at(*point);
        panel.drawing.marker(Marker::Circle, at, r, Color::Category(0), Color::Category(0));
    }
    panel.drawing
}

/// What the colors of points mean.
pub(super) fn legend(parts: &[Part]) -> Drawing {
    let mut drawing = Drawing::new(WIDTH, 20.0);
    for (place, part) in parts.iter().enumerate() {
        let x = 8.0 + 120.0 * place as f64;
        drawing.dots(vec![(x, 10.0)], 1.6 * radius(*part), color(*part));
        drawing.text((x + 9.0, 14.0), &format!("{} bags", part.as_str()), SMALL, Anchor::Start, Color::Text);
    }
    drawing
}
