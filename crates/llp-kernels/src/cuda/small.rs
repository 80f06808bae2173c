//! The rectifier on plain tensors, and the step of the optimizer.
#![expect(unsafe_code, reason = "runs kernels")]

use candle_core::cuda::CudaDevice;
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

/// One parameter in a step of [`sgd_step`], with its velocity, gradient and weight decay.
pub(crate) struct SgdParameter<'a> {
    pub(crate) weight: &'a Tensor,
    pub(crate) velocity: &'a Tensor,
    pub(crate) gradient: Tensor,
    pub(crate) weight_decay: f32,
}

/// A step of momentum and weight decay for all parameters at once. Each is contiguous, in floats, and has the shape of
/// its velocity and gradient.
pub(crate) fn sgd_step(
    device: &CudaDevice,
    parameters: &[SgdParameter<'_>],
    momentum: f32,
    lr: f32,
) -> Result<()> {
    if parameters.is_empty() {
        return Ok(());
    }
    let context = Context::of(device)?;
    let mut table = Vec::with_capacity(5 * parameters.len());
    for SgdParameter { weight, velocity, gradient, weight_decay } in parameters {
        let addresses = [pointer(weight)?, pointer(velocity)?, pointer(gradient)?];
        table.extend(calls::sgd_parameter(addresses, weight.elem_count(), *weight_decay));
    }
    let longest = parameters.iter().map(|parameter| parameter.weight.elem_count()).max().unwrap_or(0);
    let table = device.clone_htod(&table)?;
    // SAFETY: the table describes the parameters, whose three arrays have equal lengths.
    unsafe { context.run(&calls::sgd_step(address(&table), parameters.len(), longest, momentum, lr)) }
}
