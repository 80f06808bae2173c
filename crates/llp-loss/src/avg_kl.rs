//! The baseline of section 4.1.

use candle_core::Tensor;
use llp_kernels::BagKernel;

use crate::op::{Bag, BagFunction, EachBag, apply, on_gpu, refuse_unknown};
use crate::softmax::log_softmax;
use crate::{BagLoss, BagTargets, LossError};

/// `-mean_j sum_i z_i log p_ji`: every instance is trained towards the proportions of its bag.
///
/// The mean of the cross-entropies instead of the cross-entropy of the mean; its minimum is a network that
/// answers the proportions for every instance of a bag. It has no answer for a class of unknown share, and refuses it.
///
/// Source: [dulac-arnold:19], section 4.1, "Baseline method". Deviation: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgKl;

impl BagLoss for AvgKl {
    fn name(&self) -> &'static str {
        "avg-kl"
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        refuse_unknown(self.name(), targets)?;
        if let Some(loss) = on_gpu(BagKernel::AvgKl, logits, targets)? {
            return Ok(loss);
        }
        apply(self.name(), EachBag(AvgKlOfBag), logits, targets)
    }
}

pub(crate) struct AvgKlOfBag;

impl BagFunction for AvgKlOfBag {
    fn evaluate(&self, logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
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
}
