//! The debiased square loss.

use crate::BagTargets;
use crate::op::Bag;
use crate::softmax::log_softmax;

/// How far the mean prediction for a batch is from the class prior.
pub(crate) struct BatchMean {
    /// The difference, `[class]`.
    difference: Vec<f64>,
    /// The derivative of what all bags together subtract, by the probabilities of any instance, `[class]`.
    slope: Vec<f64>,
}

impl BatchMean {
    /// For the logits of all instances, `[instance, class]`.
    pub(crate) fn new(logits: &[f64], targets: &BagTargets) -> Self {
        let n = targets.n_instances() as f64;
        let mut difference: Vec<f64> = targets.prior().iter().map(|prior| -prior).collect();
        add_mean(&probabilities(logits, targets.n_classes()), &mut difference);
        let others: f64 = targets.sizes().iter().map(|size| (size - 1) as f64).sum();
        let slope = difference.iter().map(|difference| 2.0 * others * difference / n).collect();
        Self { difference, slope }
    }

    /// The loss of one bag; the derivative by its logits, `[instance, class]`, of the sum over all bags is written to
    /// `gradient`, which is zero.
    pub(crate) fn of_bag(&self, logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
        let n_classes = bag.proportions.len();
        let n = (logits.len() / n_classes) as f64;
        let probs = probabilities(logits, n_classes);
        let mut difference: Vec<f64> = bag.proportions.iter().map(|z| -z).collect();
        add_mean(&probs, &mut difference);
        let slope: Vec<f64> = difference.iter().zip(&self.slope).map(|(own, all)| 2.0 * own - all).collect();
        for (out, row) in gradient.chunks_exact_mut(n_classes).zip(probs.chunks_exact(n_classes)) {
            let inner: f64 = slope.iter().zip(row).map(|(s, p)| s * p).sum();
            for ((out, p), s) in out.iter_mut().zip(row).zip(&slope) {
                *out = p * (s - inner);
            }
        }
        n * squared_norm(&difference) - (n - 1.0) * squared_norm(&self.difference)
    }
}

fn probabilities(logits: &[f64], n_classes: usize) -> Vec<f64> {
    log_softmax(logits, n_classes).into_iter().map(f64::exp).collect()
}

/// Adds the mean of the rows of `probs`, `[instance, class]`, to `sum`, `[class]`.
fn add_mean(probs: &[f64], sum: &mut [f64]) {
    let n_classes = sum.len();
    let n = (probs.len() / n_classes) as f64;
    for row in probs.chunks_exact(n_classes) {
        sum.iter_mut().zip(row).for_each(|(sum, p)| *sum += p / n);
    }
}

fn squared_norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}
