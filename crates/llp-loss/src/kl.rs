//! The KL loss of section 3.1.

use candle_core::Tensor;
use llp_kernels::BagKernel;

use crate::mean::MeanPrediction;
use crate::op::{Bag, BagFunction, EachBag, apply, on_gpu};
use crate::softmax::log_sum_exp;
use crate::{BagLoss, BagTargets, LossError};

/// `-sum_i z_i log(mean_j p_ji)`: the cross-entropy of the known proportions and the mean prediction.
///
/// It is `KL(z | mean prediction) + H(z)`, so its minimum is the entropy of the proportions, not 0. The mean is
/// taken in the log domain: a class that no instance predicts gives a large finite loss and a gradient that
/// points away from it, where the plain formula has `log 0`.
///
/// Classes of unknown share count as one, whose share is the rest: `-z_U log(sum_{i in U} mean_j p_ji)` takes the
/// place of their terms. That is the likelihood of coarsened counts, which says nothing of how they share the rest
/// \[heitjan:91\]. Other errors of the proportions are ignored: see [`Interval`](crate::Interval) and
/// [`Marginal`](crate::Marginal).
///
/// Source: [dulac-arnold:19], section 3.1. Deviation: none where all shares are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kl;

impl BagLoss for Kl {
    fn name(&self) -> &'static str {
        "kl"
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        if let Some(loss) = on_gpu(BagKernel::Kl, logits, targets)? {
            return Ok(loss);
        }
        apply(self.name(), EachBag(KlOfBag), logits, targets)
    }
}

pub(crate) struct KlOfBag;

impl BagFunction for KlOfBag {
    fn evaluate(&self, logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
        let mean = MeanPrediction::new(logits, bag.proportions.len());
        let (loss, weights) = coarsened(&mean, bag);
        mean.backward(&weights, gradient);
        loss
    }
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
