//! The minimum of a function of one variable, without derivatives.

/// A place and the value there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Minimum {
    pub(super) x: f64,
    pub(super) value: f64,
}

/// The neighbors of the best place of a grid; at an end, that end itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bracket {
    pub(super) below: f64,
    pub(super) above: f64,
}

/// The cells of an even grid of `n` places, at least 2, around the one of the smallest value.
pub(super) fn grid_minimum(f: impl Fn(f64) -> f64, low: f64, high: f64, n: usize) -> Bracket {
    let place = |i: usize| low + (high - low) * i as f64 / (n - 1) as f64;
    let values: Vec<f64> = (0..n).map(|i| f(place(i))).collect();
    let best = (0..n).min_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0);
    Bracket { below: place(best.saturating_sub(1)), above: place((best + 1).min(n - 1)) }
}

/// Golden-section search in `[low, high]`, until the bracket is no wider than `tolerance`: finds the minimum of a
/// function with one, at the cost of one evaluation for each narrowing by 0.618.
pub(super) fn golden_section(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64, tolerance: f64) -> Minimum {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let at = |x: f64| Minimum { x, value: f(x) };
    let mut left = at(high - ratio * (high - low));
    let mut right = at(low + ratio * (high - low));
    while high - low > tolerance {
        if left.value <= right.value {
            high = right.x;
            right = left;
            left = at(high - ratio * (high - low));
        } else {
            low = left.x;
            left = right;
            right = at(low + ratio * (high - low));
        }
    }
    if left.value <= right.value { left } else { right }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The minimum of any parabola, kink or slope on an interval is found to the tolerance.
        #[test]
        fn minima_are_found(lowest in -3.0..3.0_f64) {
            let inside = lowest.clamp(-2.0, 2.0);
            for f in [|x: f64| x * x, f64::abs, |x: f64| x.exp() - x] {
                let found = golden_section(|x| f(x - lowest), -2.0, 2.0, 1e-4);
                prop_assert!((found.x - inside).abs() < 1e-4, "{found:?}");
                let bracket = grid_minimum(|x| f(x - lowest), -2.0, 2.0, 9);
                prop_assert!(bracket.below - 1e-12 <= inside && inside <= bracket.above + 1e-12);
            }
        }
    }
}
