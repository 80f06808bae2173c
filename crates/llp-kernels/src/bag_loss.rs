//! Bag losses where the logits are on a GPU, in one kernel each.
//!
//! The losses themselves, for any device, are those of `llp-loss`, which asks here first.

use candle_core::{DType, Result, Tensor};

/// A loss of bags of exact proportions, with its gradient by the logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BagKernel {
    /// `-sum_i z_i log(mean_j p_ji)`.
    Kl,
    /// `-mean_j sum_i z_i log p_ji`.
    AvgKl,
    /// Equation (6) of [dulac-arnold:19], for an `alpha` between 0 and 1.
    Rot {
        /// The weight of the transport.
        alpha: f64,
        /// The weight of the entropy.
        epsilon: f64,
        /// How it is solved.
        sweeps: Sweeps,
    },
}

/// When the sweeps of ROT end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sweeps {
    /// After this many, as printed in Algorithm 1.
    Fixed(usize),
    /// When the largest error of a class share is at most `residual`, or after `at_most`.
    Until {
        /// The error of a share.
        residual: f32,
        /// The largest number of sweeps.
        at_most: usize,
    },
}

/// Classes that the kernels have room for.
const MAX_CLASSES: usize = 128;

/// The loss of each bag, `[bag]`, differentiable by the logits, `[instance, class]`, bag after bag; `proportions` is
/// `[bag, class]`. Returns `None` where no kernel computes it: on the CPU, in double precision, for more than 128
/// classes.
///
/// # Errors
/// When the shapes disagree, or the GPU refuses.
pub fn bag_loss(
    function: BagKernel,
    logits: &Tensor,
    sizes: &[usize],
    proportions: &[f64],
) -> Result<Option<Tensor>> {
    let (n_instances, n_classes) = logits.dims2()?;
    if sizes.iter().sum::<usize>() != n_instances || proportions.len() != sizes.len() * n_classes {
        candle_core::bail!(
            "bags of {} instances with {} shares do not fit logits of shape {:?}",
            sizes.iter().sum::<usize>(),
            proportions.len(),
            logits.shape()
        );
    }
    if !logits.device().is_cuda() || logits.dtype() != DType::F32 || n_classes > MAX_CLASSES {
        return Ok(None);
    }
    on_gpu(function, logits, sizes, proportions).map(Some)
}

#[cfg(feature = "cuda")]
use crate::cuda::bag_loss::bag_loss as on_gpu;

#[cfg(not(feature = "cuda"))]
fn on_gpu(_: BagKernel, _: &Tensor, _: &[usize], _: &[f64]) -> Result<Tensor> {
    candle_core::bail!("this program was built without CUDA")
}
