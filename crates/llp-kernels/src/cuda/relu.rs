//! The rectifier on plain tensors.
#![expect(unsafe_code, reason = "runs kernels")]

use candle_core::{CudaStorage, Layout, Result, Shape, Tensor};

use super::array::{address, device_of, floats, pointer, pointer_of, tensor};
use super::calls;
use super::context::Context;

/// `max(0, x)` of contiguous floats.
pub(crate) fn relu(x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
    let (device, n) = (x.device.clone(), layout.shape().elem_count());
    let y = floats(&device, n)?;
    // SAFETY: both have as many floats.
    unsafe { Context::of(&device)?.run(&calls::relu(pointer_of(x, layout)?, address(&y), n))? };
    Ok((CudaStorage::wrap_cuda_slice(y, device), layout.shape().clone()))
}

/// The gradient of `x`, where `y` is positive that of `y`.
pub(crate) fn relu_backward(y: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let device = device_of(y)?;
    let (y, gradient) = (y.contiguous()?, gradient.contiguous()?);
    let x_gradient = floats(&device, y.elem_count())?;
    // SAFETY: all have as many floats.
    unsafe {
        let into = address(&x_gradient);
        let call = calls::relu_backward(pointer(&y)?, pointer(&gradient)?, into, y.elem_count());
        Context::of(&device)?.run(&call)?;
    }
    Ok(tensor(&device, x_gradient, y.shape()))
}
