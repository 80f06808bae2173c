//! Losses whose mean over random bags is the mean cross-entropy of the labels: cross-entropies with weights, some of which
//! are negative.

use crate::BagTargets;
use crate::op::Bag;
use crate::softmax::log_softmax;

/// The loss of one bag of [`EasyLlp`](crate::EasyLlp) for the class prior `prior`, `[class]`; its derivative by the logits,
/// `[instance, class]`, is written to `gradient`, which is zero.
pub(crate) fn easyllp(logits: &[f64], bag: Bag<'_>, prior: &[f64], gradient: &mut [f64]) -> f64 {
    let n = (logits.len() / prior.len()) as f64;
    let weight = |(z, prior): (&f64, &f64)| (n * z - (n - 1.0) * prior) / n;
    let weights: Vec<f64> = bag.proportions.iter().zip(prior).map(weight).collect();
    weighted_cross_entropy(logits, &weights, gradient)
}

/// What the weights of [`Gupm`](crate::Gupm) have beside the proportions of a bag, `[class]`: `-pi_c + e_c`, where `e_c` is
/// the coefficient of the mean cross-entropy of class `c` over all instances.
pub(crate) fn gupm_offsets(targets: &BagTargets) -> Vec<f64> {
    let (n_bags, n_instances) = (targets.n_bags() as f64, targets.n_instances() as f64);
    let of_class = |(class, prior): (usize, &f64)| {
        let excess =
            |(bag, size): (usize, &usize)| *size as f64 * (targets.proportions_of(bag)[class] - prior);
        let excess: f64 = targets.sizes().iter().enumerate().map(excess).sum();
        (n_bags * prior - excess) / n_instances - prior
    };
    targets.prior().iter().enumerate().map(of_class).collect()
}

/// The loss of one bag of [`Gupm`](crate::Gupm), with the `offsets` of its batch.
pub(crate) fn gupm(logits: &[f64], bag: Bag<'_>, offsets: &[f64], gradient: &mut [f64]) -> f64 {
    let weights: Vec<f64> = bag.proportions.iter().zip(offsets).map(|(z, offset)| z + offset).collect();
    weighted_cross_entropy(logits, &weights, gradient)
}

/// `-sum_j sum_c weights_c log p_jc`, and its derivative by the logits.
fn weighted_cross_entropy(logits: &[f64], weights: &[f64], gradient: &mut [f64]) -> f64 {
    let n_classes = weights.len();
    let total: f64 = weights.iter().sum();
    let log_probs = log_softmax(logits, n_classes);
    let mut loss = 0.0;
    for (out, log_probs) in gradient.chunks_exact_mut(n_classes).zip(log_probs.chunks_exact(n_classes)) {
        for ((out, log_prob), weight) in out.iter_mut().zip(log_probs).zip(weights) {
            loss -= weight * log_prob;
            *out = log_prob.exp() * total - weight;
        }
    }
    loss
}
