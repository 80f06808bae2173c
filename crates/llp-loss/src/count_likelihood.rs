//! The likelihood of a bag's counts, by the saddlepoint approximation or the normal distribution.

use candle_core::Tensor;
use llp_ot::{CountLikelihood, Real, RotBatch, count_loss_and_gradient};

use crate::op::{BatchFunction, apply, refuse_unknown};
use crate::{BagLoss, BagTargets, LossError};

/// `-(1/n) log P(n z)`, where `P` is the distribution of the counts of independent labels with the predicted
/// probabilities, by its saddlepoint approximation: the exact likelihood of what a bag says, but for an error of about
/// 0.04 nats a bag at 16 instances, which falls as `1 / n`.
///
/// [`Kl`](crate::Kl) is the likelihood of labels that are all drawn from the mean prediction; this one knows which
/// instance predicts what. Its gradient is `(p_j - E[y_j | counts]) / n`. For bags of one instance both are the
/// cross-entropy of its label. The value is not negative but for the error of the approximation.
///
/// A class of unknown share is refused; other errors of the proportions are ignored. `n z` need not be whole.
///
/// Time: a few Newton steps of `O(n K^2)`. Source: the approximation is Daniels' \[daniels:54\]; its use as a loss has no
/// source that is known to us (`docs/methods.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saddlepoint;

/// `-(1/n) log N(n z; mean, covariance)` of the counts of independent labels with the predicted probabilities.
///
/// The covariance is `sum_j (diag(p_j) - p_j p_j^T)`, and that of rounding to whole numbers is added to it. Cheaper than
/// [`Saddlepoint`], and close to it where the counts are not improbable. The value can be below 0 by what a density
/// exceeds a probability.
///
/// A class of unknown share is refused; other errors of the proportions are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gaussian;

impl BagLoss for Saddlepoint {
    fn name(&self) -> &'static str {
        "saddlepoint"
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        refuse_unknown(self.name(), targets)?;
        apply(self.name(), PerInstance(CountLikelihood::Saddlepoint), logits, targets)
    }
}

impl BagLoss for Gaussian {
    fn name(&self) -> &'static str {
        "gaussian"
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        refuse_unknown(self.name(), targets)?;
        apply(self.name(), PerInstance(CountLikelihood::Gaussian), logits, targets)
    }
}

/// The negative log-likelihood divided by the size of the bag.
pub(crate) struct PerInstance(pub(crate) CountLikelihood);

impl BatchFunction for PerInstance {
    fn evaluate<T: Real>(
        &self,
        logits: &[T],
        targets: &BagTargets,
        loss: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), LossError> {
        let proportions: Vec<T> = targets.proportions().iter().map(|&z| T::from_f64(z)).collect();
        let n_classes = targets.n_classes();
        let batch = RotBatch { logits, bag_sizes: targets.sizes(), proportions: &proportions, n_classes };
        count_loss_and_gradient(&batch, self.0, loss, gradient)?;
        let mut rest = gradient;
        for (loss, &size) in loss.iter_mut().zip(targets.sizes()) {
            let per_instance = |value: &mut T| *value = T::from_f64(value.to_f64() / size as f64);
            per_instance(loss);
            let (of_bag, others) = rest.split_at_mut(size * n_classes);
            of_bag.iter_mut().for_each(per_instance);
            rest = others;
        }
        Ok(())
    }
}
