//! The baseline of section 4.1.

use crate::op::Bag;
use crate::softmax::log_softmax;

/// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
pub(crate) fn of_bag(logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
    let proportions = bag.proportions;
    let n_classes = proportions.len();
    let log_probs = log_softmax(logits, n_classes);
    let n = (logits.len() / n_classes) as f64;
    // The proportions add up to 1 only within a tolerance: the exact gradient needs their sum.
    let total: f64 = proportions.iter().sum();
    let mut loss = 0.0;
    for (out, log_prob) in gradient.chunks_exact_mut(n_classes).zip(log_probs.chunks_exact(n_classes)) {
        for ((out, log_prob), &z) in out.iter_mut().zip(log_prob).zip(proportions) {
            if z > 0.0 {
                loss -= z * log_prob / n;
            }
            *out = (log_prob.exp() * total - z) / n;
        }
    }
    loss
}
