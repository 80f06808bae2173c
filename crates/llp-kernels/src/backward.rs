//! Gradients of parameters, past candle's own way of adding them up.

use std::cell::RefCell;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor};

thread_local! {
    /// The gradients that were found since [`backward`] began on this thread; none while it does not run.
    static FOUND: RefCell<Option<Vec<(Tensor, Tensor)>>> = const { RefCell::new(None) };
}

/// `loss.backward()`, without the copies that candle makes of the gradients of variables.
///
/// For every gradient of a variable candle allocates zeros, adds the gradient to them and keeps the sum: with
/// many weights and few images that is a good part of a training step. Here the operations of this crate hand
/// the gradients of variables over directly. The result is the same as that of `loss.backward()`.
///
/// # Errors
/// As `loss.backward()`.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    let outer = FOUND.replace(Some(Vec::new()));
    let gradients = loss.backward();
    #[cfg(feature = "cuda")]
    let gradients = match crate::cuda::filters::end_backward(gradients.is_ok()) {
        Ok(()) => gradients,
        Err(error) => Err(error),
    };
    let found = FOUND.replace(outer).unwrap_or_default();
    let mut gradients = gradients?;
    for (variable, gradient) in found {
        // The variable may have met candle's own operations as well, or several of ours.
        let gradient = match gradients.get(&variable) {
            Some(other) => other.add(&gradient)?,
            None => gradient,
        };
        gradients.insert(&variable, gradient);
    }
    Ok(gradients)
}

/// The gradients of the mean of some losses, of any shape: those of `backward(&losses.mean_all()?)`.
///
/// A GPU is not asked for the mean, which only its gradient is needed of.
///
/// # Errors
/// As [`backward`].
pub fn backward_of_mean(losses: &Tensor) -> Result<GradStore> {
    #[cfg(feature = "cuda")]
    if losses.device().is_cuda() {
        return backward(&crate::cuda::mean::mean(losses)?);
    }
    backward(&losses.mean_all()?)
}

/// Whether [`backward`] runs on this thread.
#[cfg(feature = "cuda")]
pub(crate) fn is_running() -> bool {
    FOUND.with_borrow(Option::is_some)
}

/// What an operation returns to candle as the gradient of `parameter`: `None` where [`backward`] takes it.
pub(crate) fn hand_over(parameter: &Tensor, gradient: Tensor) -> Option<Tensor> {
    FOUND.with_borrow_mut(|found| match found {
        Some(found) if parameter.is_variable() => {
            found.push((parameter.clone(), gradient));
            None
        }
        _ => Some(gradient),
    })
}
