//! The steps of the optimizers: one kernel for all parameters.
#![expect(unsafe_code, reason = "runs kernels")]

use candle_core::cuda::CudaDevice;
use candle_core::{Result, Tensor};

use super::array::{address, pointer};
use super::calls::{self, Call, Pointer};
use super::context::Context;
use crate::adamw::AdamStep;

/// One parameter in a step of [`sgd_step`], with its velocity, gradient and weight decay.
pub(crate) struct SgdParameter<'a> {
    pub(crate) weight: &'a Tensor,
    pub(crate) velocity: &'a Tensor,
    pub(crate) gradient: Tensor,
    pub(crate) weight_decay: f32,
}

/// A step of momentum and weight decay for all parameters at once. All is as `trained` demands it.
pub(crate) fn sgd_step(
    device: &CudaDevice,
    parameters: &[SgdParameter<'_>],
    momentum: f32,
    lr: f32,
) -> Result<()> {
    let longest = longest(parameters.iter().map(|parameter| parameter.weight));
    let mut table = Vec::with_capacity(5 * parameters.len());
    for SgdParameter { weight, velocity, gradient, weight_decay } in parameters {
        let addresses = [pointer(weight)?, pointer(velocity)?, pointer(gradient)?];
        table.extend(calls::sgd_parameter(addresses, weight.elem_count(), *weight_decay));
    }
    // SAFETY: the table describes the parameters, whose three arrays are floats of equal lengths.
    unsafe { step(device, &table, |table| calls::sgd_step(table, parameters.len(), longest, momentum, lr)) }
}

/// One parameter in a step of [`adamw_step`], with its moments, gradient and what the step leaves of it.
pub(crate) struct AdamWParameter<'a> {
    pub(crate) weight: &'a Tensor,
    pub(crate) moments: &'a [Tensor; 2],
    pub(crate) gradient: Tensor,
    pub(crate) decay_factor: f32,
}

/// A step of AdamW for all parameters at once. Each is contiguous, in floats, and has the shape of its moments and
/// gradient.
pub(crate) fn adamw_step(
    device: &CudaDevice,
    parameters: &[AdamWParameter<'_>],
    betas: [f32; 2],
    adam_step: AdamStep,
) -> Result<()> {
    let longest = longest(parameters.iter().map(|parameter| parameter.weight));
    let mut table = Vec::with_capacity(6 * parameters.len());
    for AdamWParameter { weight, moments: [first, second], gradient, decay_factor } in parameters {
        let addresses = [pointer(weight)?, pointer(first)?, pointer(second)?, pointer(gradient)?];
        table.extend(calls::adamw_parameter(addresses, weight.elem_count(), *decay_factor));
    }
    // SAFETY: the table describes the parameters, whose four arrays are floats of equal lengths.
    unsafe {
        step(device, &table, |table| calls::adamw_step(table, parameters.len(), longest, betas, adam_step))
    }
}

fn longest<'a>(weights: impl Iterator<Item = &'a Tensor>) -> usize {
    weights.map(Tensor::elem_count).max().unwrap_or(0)
}

/// Runs a call on a table of parameters, unless that is empty.
///
/// # Safety
/// The table is one that the kernel reads, and describes contiguous arrays of floats on the device.
unsafe fn step(device: &CudaDevice, table: &[u64], call: impl FnOnce(Pointer) -> Call) -> Result<()> {
    if table.is_empty() {
        return Ok(());
    }
    let table = device.clone_htod(table)?;
    // SAFETY: as this function's.
    unsafe { Context::of(device)?.run(&call(address(&table))) }
}
