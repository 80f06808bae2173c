//! The mean of losses, for its gradient alone.

use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::array::floats;

/// A number that is not read, whose gradient is that of the mean.
pub(crate) fn mean(losses: &Tensor) -> Result<Tensor> {
    losses.apply_op1(Mean)
}

struct Mean;

impl CustomOp1 for Mean {
    fn name(&self) -> &'static str {
        "llp-mean"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("this mean is for losses on a GPU")
    }

    fn cuda_fwd(&self, losses: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        let device = losses.device.clone();
        Ok((CudaStorage::wrap_cuda_slice(floats(&device, 1)?, device), 1.into()))
    }

    /// It is where the backward pass begins, with the gradient 1.
    fn bwd(&self, losses: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        let share = 1.0 / losses.elem_count() as f32;
        Tensor::full(share, losses.shape(), losses.device()).map(Some)
    }
}
