//! The likelihood of proportions that are rounded, noisy, within bounds or partly unknown.

use llp_ot::Imprecision;

use crate::counts::{CountWeights, log_factorials, make_possible, weigh_counts};
use crate::kl::coarsened;
use crate::mean::MeanPrediction;
use crate::op::Bag;

/// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
pub(crate) fn of_bag(logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
    let n_classes = bag.proportions.len();
    let n = logits.len() / n_classes;
    let mean = MeanPrediction::new(logits, n_classes);
    let weights = match bag.imprecision {
        Imprecision::Intervals { low, high } => within_bounds(n, low, high),
        Imprecision::StandardErrors(errors) if errors.iter().any(|e| *e > 0.0 && e.is_finite()) => {
            with_errors(n, bag.proportions, errors)
        }
        Imprecision::Exact | Imprecision::StandardErrors(_) => {
            let (cross_entropy, expected) = coarsened(&mean, bag);
            mean.backward(&expected, gradient);
            return cross_entropy - log_arrangements(n, bag) / n as f64;
        }
    };
    let found = weigh_counts(n, &mean.logs(), &weights);
    let expected: Vec<f64> = found.expected.iter().map(|count| count / n as f64).collect();
    mean.backward(&expected, gradient);
    -found.log_probability / n as f64
}

/// Logarithm of the number of ways to give the instances their classes, unknown ones taken as one.
fn log_arrangements(n: usize, bag: Bag<'_>) -> f64 {
    let (unknown, known) = bag.unknown_and_known();
    let rest: f64 = unknown.iter().map(|&class| bag.proportions[class]).sum();
    let log_factorials = log_factorials(n);
    let of_share = |share: f64| log_factorials[whole_count(share * n as f64).min(n)];
    let of_known: f64 = known.iter().map(|&class| of_share(bag.proportions[class])).sum();
    log_factorials[n] - of_known - of_share(rest)
}

fn within_bounds(n: usize, low: &[f64], high: &[f64]) -> Vec<CountWeights> {
    // Shares are exact to about 1e-7 if they were in single precision somewhere.
    let slack = 1e-6 * n as f64;
    let range = |(low, high): (&f64, &f64)| {
        let (low, high) = (low * n as f64, high * n as f64);
        let (first, last) = (whole_count((low - slack).ceil()), whole_count((high + slack).floor()).min(n));
        if first <= last { (first, last) } else { (last, first) } // the whole counts on either side
    };
    let mut ranges: Vec<_> = low.iter().zip(high).map(range).collect();
    make_possible(n, &mut ranges);
    let weights = |(first, last)| CountWeights { first, log_weights: vec![0.0; last - first + 1] };
    ranges.into_iter().map(weights).collect()
}

fn with_errors(n: usize, proportions: &[f64], errors: &[f64]) -> Vec<CountWeights> {
    /// In instances.
    const SMALLEST_ERROR: f64 = 0.1;
    let n_instances = n as f64;
    let weights = |(z, error): (&f64, &f64)| {
        let error = (error * n_instances).max(SMALLEST_ERROR);
        let log_weight = |k: usize| -((z * n_instances - k as f64) / error).powi(2) / 2.0;
        CountWeights { first: 0, log_weights: (0..=n).map(log_weight).collect() }
    };
    proportions.iter().zip(errors).map(weights).collect()
}

#[expect(clippy::cast_sign_loss, reason = "the argument of the cast is at least 0")]
fn whole_count(count: f64) -> usize {
    count.round().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integrated over all shares that noise can give, the likelihood is 1: the weights are normal densities but for
    /// their constant.
    #[test]
    fn the_likelihood_of_noisy_shares_integrates_to_one() {
        let (errors, step) = ([0.2, 0.3], 0.05);
        let log_p: [f64; 2] = [0.3_f64.ln(), 0.7_f64.ln()];
        let shares: Vec<f64> = (-60..80).map(|i| f64::from(i) * step).collect();
        let mut integral = 0.0;
        for first in &shares {
            for second in &shares {
                let weights = with_errors(3, &[*first, *second], &errors);
                integral += weigh_counts(3, &log_p, &weights).log_probability.exp() * step * step;
            }
        }
        // The trapezoid rule has an error far below rounding for functions that fall off like these.
        let constant = std::f64::consts::TAU * errors[0] * errors[1];
        assert!((integral / constant - 1.0).abs() < 1e-9, "{integral} {constant}");
    }
}
