//! Expectation and maximization with multinomial responsibilities.

use crate::op::Bag;
use crate::softmax::log_softmax;

/// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
pub(crate) fn of_bag(logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
    let n_classes = bag.proportions.len();
    let n = (logits.len() / n_classes) as f64;
    let log_probs = log_softmax(logits, n_classes);
    let q = responsibilities(&log_probs, bag.proportions);
    let mut loss = 0.0;
    for ((out, q), log_p) in gradient.iter_mut().zip(&q).zip(&log_probs) {
        *out = (log_p.exp() - q) / n;
        if *q > 0.0 {
            loss -= q * log_p / n;
        }
    }
    loss
}

/// Probable labels, `[instance, class]` as `log_probs`.
fn responsibilities(log_probs: &[f64], proportions: &[f64]) -> Vec<f64> {
    /// Of a sum, what rounding leaves of it when its only term is taken away.
    const ROUNDING: f64 = 1e-15;
    let k = proportions.len();
    let mut sums = vec![0.0; k];
    for row in log_probs.chunks_exact(k) {
        sums.iter_mut().zip(row).for_each(|(sum, log_p)| *sum += log_p.exp());
    }
    let mut q = Vec::with_capacity(log_probs.len());
    for row in log_probs.chunks_exact(k) {
        let log_weight = |class: usize| {
            let others = (sums[class] - row[class].exp()).max(sums[class] * ROUNDING).max(f64::MIN_POSITIVE);
            row[class] + proportions[class].ln() - others.ln()
        };
        let start = q.len();
        q.extend((0..k).map(log_weight));
        let max = q[start..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        q[start..].iter_mut().for_each(|value| *value = (*value - max).exp());
        let sum: f64 = q[start..].iter().sum();
        q[start..].iter_mut().for_each(|value| *value /= sum);
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the responsibilities held, the gradient is the central difference of the value.
    #[test]
    fn the_gradient_is_that_of_the_maximization() {
        let logits = [0.3, -1.2, 0.8, 2.0, 0.1, -0.7, -0.4, 0.9, 0.0];
        let proportions = [1.0 / 3.0, 2.0 / 3.0, 0.0];
        let q = responsibilities(&log_softmax(&logits, 3), &proportions);
        let value = |logits: &[f64]| -> f64 {
            log_softmax(logits, 3).iter().zip(&q).map(|(log_p, q)| -q * log_p / 3.0).sum()
        };
        let imprecision = llp_ot::Imprecision::Exact;
        let bag = Bag { index: 0, proportions: &proportions, imprecision: &imprecision };
        let mut gradient = [0.0; 9];
        let loss = of_bag(&logits, bag, &mut gradient);
        assert!((loss - value(&logits)).abs() < 1e-12);
        for index in 0..9 {
            let moved = |by: f64| {
                let mut logits = logits;
                logits[index] += by;
                value(&logits)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((gradient[index] - difference).abs() < 1e-9, "{index}");
        }
    }
}
