//! Filters for the convolutions of one pass through a network.

use candle_core::{Result, Tensor};

use crate::activations::{Activations, On};

/// Filters that [`conv2d()`](crate::conv2d()) finds on this thread, as long as this lives.
#[must_use = "convolutions find the filters as long as it lives"]
pub struct PreparedFilters {
    #[cfg(feature = "cuda")]
    _prepared: Option<crate::cuda::filters::Prepared>,
}

/// Converts the filters of all convolutions on `x` and what comes from it at once, where convolutions take them in another
/// layout: on a GPU, one kernel in place of one for each convolution, for filters and for their gradients. Nothing on the
/// CPU. A convolution whose weight is not among them converts its own.
///
/// `weights` are the variables, each `[out, in, height, width]` in `f32`. They must stay as they are until the result is
/// dropped.
///
/// # Errors
/// When a weight has another rank, or the GPU refuses.
pub fn prepare_filters(x: &Activations, weights: &[Tensor]) -> Result<PreparedFilters> {
    match &x.0 {
        On::Cpu(_) => {
            let _ = weights;
            Ok(PreparedFilters {
                #[cfg(feature = "cuda")]
                _prepared: None,
            })
        }
        #[cfg(feature = "cuda")]
        On::Cuda(x) => Ok(PreparedFilters { _prepared: Some(x.prepare_filters(weights)?) }),
    }
}
