//! The KL loss of section 3.1.

use llp_ot::log_sum_exp;

use crate::mean::MeanPrediction;
use crate::op::Bag;

/// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
pub(crate) fn of_bag(logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
    let mean = MeanPrediction::new(logits, bag.proportions.len());
    let (loss, weights) = coarsened(&mean, bag);
    mean.backward(&weights, gradient);
    loss
}

/// The loss, and minus its derivative by the logarithm of the mean prediction, `[class]`.
pub(crate) fn coarsened(mean: &MeanPrediction, bag: Bag<'_>) -> (f64, Vec<f64>) {
    let mut weights = bag.proportions.to_vec();
    let mut loss = 0.0;
    let (unknown, known) = bag.unknown_and_known();
    let rest: f64 = unknown.iter().map(|&class| bag.proportions[class]).sum();
    if rest > 0.0 {
        let log_rest = log_sum_exp(unknown.iter().map(|&class| mean.log_of(class)));
        loss -= rest * log_rest;
        for class in unknown {
            weights[class] = rest * (mean.log_of(class) - log_rest).exp();
        }
    }
    for class in known.into_iter().filter(|class| bag.proportions[*class] > 0.0) {
        loss -= bag.proportions[class] * mean.log_of(class);
    }
    (loss, weights)
}
