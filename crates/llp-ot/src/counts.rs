//! How probable a bag's counts are, given a model's probabilities for each of its instances.
//!
//! The counts of independent labels with the class probabilities `p_i` of each instance have a Poisson multinomial
//! distribution. Summed exactly, it takes as many states as there are smaller counts, `prod(x_c + 1)`; the
//! saddlepoint approximation takes a few Newton steps, for any bag.
//!
//! The gradient of `-log P(counts)` by the logits of an instance is `p_i - E[y_i | counts]`: the probabilities without
//! and with the knowledge of the counts.

mod exact;
mod gaussian;
mod linear;
mod saddlepoint;

use crate::batch::{check_batch, for_each_bag, with_workspace};
use crate::{OtError, Real, RotBatch};

/// How the probability of counts is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountLikelihood {
    /// By the saddlepoint approximation, whose error falls with the size of the bag: about 0.04 nats at 16 instances
    /// (`docs/count-likelihood.md` of the repository has a table). Bags of one, certain predictions and absent classes
    /// are exact.
    Saddlepoint,
    /// By the normal distribution with the mean and the covariance of the counts: cheaper, and far off where the counts
    /// are improbable.
    Gaussian,
    /// By summing over all labels that have the counts, for whole counts and bags of at most [`MAX_STATES`] states.
    Exact,
}

/// Largest `prod(x_c + 1)` times instances that [`CountLikelihood::Exact`] sums over.
pub const MAX_STATES: usize = 1 << 22;

/// Writes `-log P(counts)` of each bag, `[bag]`, in nats, and its gradient by the logits, `[instance, class]`.
///
/// The counts of a bag are its size times its proportions. They need not be whole numbers for the saddlepoint
/// approximation and the normal distribution, which continue between them.
///
/// Neither the number of threads nor the other bags change the bits of a bag's values.
///
/// # Errors
/// Those of [`rot_loss_and_gradient`](crate::rot_loss_and_gradient) for the batch; counts
/// that are not whole, and too many states, for the exact likelihood.
///
/// ```
/// use llp_ot::{CountLikelihood, RotBatch, count_loss_and_gradient};
///
/// // Two instances of two classes, both undecided: one of each has the probability 1/2.
/// let batch = RotBatch {
///     logits: &[0.0_f64, 0.0, 0.0, 0.0],
///     bag_sizes: &[2],
///     proportions: &[0.5, 0.5],
///     n_classes: 2,
/// };
/// let (mut loss, mut gradient) = ([0.0], [0.0; 4]);
/// count_loss_and_gradient(&batch, CountLikelihood::Exact, &mut loss, &mut gradient)?;
/// assert!((loss[0] - 2.0_f64.ln()).abs() < 1e-15);
/// count_loss_and_gradient(&batch, CountLikelihood::Saddlepoint, &mut loss, &mut gradient)?;
/// assert!((loss[0] - 2.0_f64.ln()).abs() < 0.1);
/// # Ok::<(), llp_ot::OtError>(())
/// ```
pub fn count_loss_and_gradient<T: Real>(
    batch: &RotBatch<'_, T>,
    likelihood: CountLikelihood,
    loss: &mut [T],
    gradient: &mut [T],
) -> Result<(), OtError> {
    check_batch(batch, loss.len(), gradient.len())?;
    if likelihood == CountLikelihood::Exact {
        exact::check(batch)?;
    }
    let solve = |proportions: &[T], logits: &[T], gradient: &mut [T]| {
        let loss = match likelihood {
            CountLikelihood::Saddlepoint => {
                with_workspace(|workspace| saddlepoint::evaluate(workspace, logits, proportions, gradient))
            }
            CountLikelihood::Gaussian => in_double(logits, proportions, gradient, gaussian::evaluate),
            CountLikelihood::Exact => in_double(logits, proportions, gradient, exact::evaluate),
        };
        (T::from_f64(loss), ())
    };
    for_each_bag(batch, loss, gradient, &mut vec![(); batch.bag_sizes.len()], &solve);
    Ok(())
}

/// The value and the gradient of one bag by `evaluate(log_probs, counts, gradient)` in double precision.
fn in_double<T: Real>(
    logits: &[T],
    proportions: &[T],
    gradient: &mut [T],
    evaluate: fn(&[f64], &[f64], &mut [f64]) -> f64,
) -> f64 {
    let n_classes = proportions.len();
    let n = (logits.len() / n_classes) as f64;
    let counts: Vec<f64> = proportions.iter().map(|z| z.to_f64() * n).collect();
    let log_probs = log_softmax(logits, n_classes);
    let mut wide = vec![0.0; log_probs.len()];
    let loss = evaluate(&log_probs, &counts, &mut wide);
    for (out, value) in gradient.iter_mut().zip(&wide) {
        *out = T::from_f64(*value);
    }
    loss
}

/// The log-probabilities of logits, both `[instance, class]`.
fn log_softmax<T: Real>(logits: &[T], n_classes: usize) -> Vec<f64> {
    let mut log_probs: Vec<f64> = logits.iter().map(|logit| logit.to_f64()).collect();
    for row in log_probs.chunks_exact_mut(n_classes) {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = max + row.iter().map(|logit| (logit - max).exp()).sum::<f64>().ln();
        for logit in row.iter_mut() {
            *logit -= log_sum;
        }
    }
    log_probs
}
