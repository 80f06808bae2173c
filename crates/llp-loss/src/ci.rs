//! Cross-entropy of the classes outside of their confidence intervals.

use llp_ot::Imprecision;

use crate::mean::MeanPrediction;
use crate::op::Bag;

/// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
pub(crate) fn of_bag(logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
    let mean = MeanPrediction::new(logits, bag.proportions.len());
    let is_within = |class: usize| match bag.imprecision {
        Imprecision::Intervals { low, high } => {
            (low[class]..=high[class]).contains(&mean.log_of(class).exp())
        }
        Imprecision::Exact | Imprecision::StandardErrors(_) => false,
    };
    let mut weights = bag.proportions.to_vec();
    let mut loss = 0.0;
    for (class, weight) in weights.iter_mut().enumerate().filter(|(_, z)| **z > 0.0) {
        if is_within(class) {
            loss -= *weight * weight.ln();
            *weight = 0.0;
        } else {
            loss -= *weight * mean.log_of(class);
        }
    }
    mean.backward(&weights, gradient);
    loss
}
