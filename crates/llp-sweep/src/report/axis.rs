//! Where an axis begins and ends, and which values it names.

/// Above the lower nine tenths of the values, an axis goes on for at most this many times their extent: a single peak
/// must not flatten all the rest.
const HEADROOM: f64 = 2.0;

/// An axis of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// The first and the last value.
    pub(super) range: (f64, f64),
    /// The values that are named.
    pub(super) ticks: Vec<f64>,
}

impl Axis {
    /// From 0 to 100 percent.
    pub(super) fn percent() -> Self {
        Self { range: (0.0, 100.0), ticks: vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0] }
    }

    /// From 0 to a largest value.
    pub(super) fn from_zero(largest: f64) -> Self {
        let range = (0.0, largest);
        Self { range, ticks: ticks(range) }
    }

    /// Wide enough for these values, but for single peaks.
    pub(super) fn around(values: Vec<f64>) -> Self {
        let range = range_of(values);
        Self { range, ticks: ticks(range) }
    }

    /// Where a value is: 0 at the beginning, 1 at the end, where everything beyond is cut off.
    pub(super) fn place(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }
}

fn range_of(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let (Some(&low), Some(&high)) = (values.first(), values.last()) else { return (0.0, 1.0) };
    let most = values[values.len() * 9 / 10];
    let high = high.min(most + HEADROOM * (most - low));
    // Equal values have no extent of their own.
    let extent = if high > low { high - low } else { low.abs().max(1.0) };
    (low - 0.05 * extent, high + 0.05 * extent)
}

/// Multiples of 1, 2 or 5 times a power of ten in a range, at most five.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let unit = 10_f64.powf(((high - low) / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * unit).into_iter().find(|step| (high - low) / step < 5.0);
    let step = step.unwrap_or(high - low);
    let first = (low / step).ceil();
    (0..5).map(|n| (first + f64::from(n)) * step).filter(|tick| *tick <= high).collect()
}

/// The name of a value.
pub(super) fn tick_text(tick: f64) -> String {
    if tick == 0.0 || (0.001..1e5).contains(&tick.abs()) {
        let text = format!("{tick:.4}");
        return text.trim_end_matches('0').trim_end_matches('.').replace('-', "−");
    }
    format!("{tick:.0e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks are inside the axis, two to five of them, and their names differ.
    #[test]
    fn ticks_are_few_and_inside() {
        for values in [vec![0.9521, 0.8294], vec![-3.0, 1e4], vec![2.0], vec![0.0, 0.0], vec![1.31, 1.312]] {
            let axis = Axis::around(values.clone());
            let names: std::collections::BTreeSet<_> =
                axis.ticks.iter().map(|tick| tick_text(*tick)).collect();
            assert!(
                (2..=5).contains(&axis.ticks.len()) && names.len() == axis.ticks.len(),
                "{values:?} {axis:?}"
            );
            assert!(axis.ticks.iter().all(|tick| (axis.range.0..=axis.range.1).contains(tick)), "{axis:?}");
        }
    }
}
