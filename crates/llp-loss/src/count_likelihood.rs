//! The likelihood of a bag's counts, by the saddlepoint approximation or the normal distribution.

use llp_ot::{CountLikelihood, Real, count_loss_and_gradient};

use crate::op::as_batch;
use crate::{BagTargets, LossError};

/// The negative log-likelihood divided by the size of the bag.
pub(crate) fn per_instance<T: Real>(
    likelihood: CountLikelihood,
    logits: &[T],
    targets: &BagTargets,
    loss: &mut [T],
    gradient: &mut [T],
) -> Result<(), LossError> {
    as_batch(logits, targets, |batch| count_loss_and_gradient(batch, likelihood, loss, gradient))?;
    let mut rest = gradient;
    for (loss, &size) in loss.iter_mut().zip(targets.sizes()) {
        let per_instance = |value: &mut T| *value = T::from_f64(value.to_f64() / size as f64);
        per_instance(loss);
        let (of_bag, others) = rest.split_at_mut(size * targets.n_classes());
        of_bag.iter_mut().for_each(per_instance);
        rest = others;
    }
    Ok(())
}
