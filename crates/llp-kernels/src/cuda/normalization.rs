//! Batch normalization of activations on a GPU.
#![expect(unsafe_code, reason = "runs kernels")]

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::activations::{CudaActivations, check_parameter, deliver_tensor};
use super::array::{Array, address, floats, pointer, tensor};
use super::calls::{self, Matrix, Normalizer, Running};
use super::context::Context;
use super::tape::Node;
use crate::batch_norm::BatchNorm;
use crate::mode::{Activation, Mode};

impl CudaActivations {
    /// Normalizes with the parameters of `norm`; the extents have been checked.
    pub(crate) fn batch_norm(
        &self,
        norm: &BatchNorm,
        residual: Option<&Self>,
        mode: Mode,
        activation: Activation,
    ) -> Result<Self> {
        let relu = match activation {
            Activation::Identity => false,
            Activation::Relu => true,
            Activation::Gelu => {
                bail!("this network runs on CPUs only: use --device cpu, or another network (--preset paper)")
            }
        };
        let context = self.context()?;
        let (gamma, beta) = norm.operands(mode);
        check_parameter(&gamma)?;
        let kind = self.values.kind();
        let channels = self.extents.channels;
        let rows = Matrix { kind, rows: self.extents.len() / channels, channels };
        let (mean, inverse_deviation) = match mode {
            Mode::Train | Mode::TrainAside | Mode::Preview => of_batch(&context, self, rows, norm, mode)?,
            Mode::Evaluate => of_running(&context, norm, channels)?,
        };
        let from_batch = mode != Mode::Evaluate;
        let wants_parameters = mode.trains();
        let statistics = Statistics { mean, inverse_deviation, gamma, beta };
        let y = Arc::new(Array::of_any(&self.device, kind, self.values.len())?);
        let of_residual = residual.map_or(0, Self::pointer);
        // SAFETY: activations and result have the same extents, and the parameters a number for each channel.
        unsafe {
            context.run(&rows.apply(statistics.at()?, self.pointer(), of_residual, y.pointer(), relu))?;
        };
        let parents: Vec<_> =
            [Some(self), residual].into_iter().flatten().filter_map(|parent| parent.node.clone()).collect();
        let node = (wants_parameters || !parents.is_empty()).then(|| {
            let (x, residual, y) = (self.clone(), residual.cloned(), Arc::clone(&y));
            let back = Back { rows, x, residual, y, statistics, from_batch, wants_parameters, relu };
            Node::new(parents, move |context, gradient| back.send(context, gradient))
        });
        Ok(self.result(y, self.extents, node))
    }
}

/// Mean and inverse deviation of the batch, each `[channel]`; in training the running statistics move.
fn of_batch(
    context: &Context,
    x: &CudaActivations,
    rows: Matrix,
    norm: &BatchNorm,
    mode: Mode,
) -> Result<(Tensor, Tensor)> {
    let channels = rows.channels;
    let [means, squares] = context.scratch(rows.n_slabs() * channels)?;
    let of_rows = floats(&context.device, 2 * channels)?;
    let mean = address(&of_rows);
    let at = (mean, mean + (channels * size_of::<f32>()) as u64);
    let running = match mode {
        Mode::Train => Some(Running {
            mean: pointer(norm.running_mean())?,
            variance: pointer(norm.running_variance())?,
            momentum: norm.config().momentum as f32,
        }),
        _ => None,
    };
    // SAFETY: the arrays have a number for each channel, or for each slab and channel.
    unsafe {
        context.run(&rows.moments(x.pointer(), means, squares))?;
        context.run(&rows.finish((means, squares), norm.config().epsilon as f32, at, running))?;
    }
    let of_rows = tensor(&context.device, of_rows, (2, channels));
    Ok((of_rows.get(0)?, of_rows.get(1)?))
}

/// The running mean, and the inverse of the running deviation.
fn of_running(context: &Context, norm: &BatchNorm, channels: usize) -> Result<(Tensor, Tensor)> {
    let inverse = floats(&context.device, channels)?;
    let variance = pointer(norm.running_variance())?;
    // SAFETY: both have a number for each channel.
    unsafe {
        let epsilon = norm.config().epsilon as f32;
        context.run(&calls::inverse_deviation(variance, address(&inverse), epsilon, channels))?;
    }
    Ok((norm.running_mean().as_detached_tensor(), tensor(&context.device, inverse, channels)))
}

/// What a batch norm normalizes with, each `[channel]`.
struct Statistics {
    mean: Tensor,
    inverse_deviation: Tensor,
    gamma: Tensor,
    beta: Tensor,
}

impl Statistics {
    fn at(&self) -> Result<Normalizer> {
        Ok(Normalizer {
            mean: pointer(&self.mean)?,
            inverse_deviation: pointer(&self.inverse_deviation)?,
            gamma: pointer(&self.gamma)?,
            beta: pointer(&self.beta)?,
        })
    }
}

/// What the backward pass needs.
struct Back {
    rows: Matrix,
    x: CudaActivations,
    residual: Option<CudaActivations>,
    y: Arc<Array>,
    statistics: Statistics,
    from_batch: bool,
    wants_parameters: bool,
    relu: bool,
}

impl Back {
    fn send(&self, context: &Context, gradient: Array) -> Result<()> {
        let Self { rows, relu, from_batch, .. } = *self;
        let (device, channels) = (&context.device, rows.channels);
        let at = self.statistics.at()?;
        let [plain, centered] = context.scratch(rows.n_slabs() * channels)?;
        let slabs = (plain, centered);
        let of_parameters = floats(device, 2 * channels)?;
        let gamma = address(&of_parameters);
        let parameters = (gamma, gamma + (channels * size_of::<f32>()) as u64);
        // With a residual, its gradient is that of `y` where the ReLU has let it pass.
        let is_cut = relu && self.residual.is_some();
        let y = if is_cut { self.y.pointer() } else { 0 };
        let apart = match &self.residual {
            Some(_) => Some(Array::of_any(device, rows.kind, gradient.len())?),
            None => None,
        };
        let into = apart.as_ref().unwrap_or(&gradient).pointer();
        let x = self.x.pointer();
        // SAFETY: as in the forward pass; gradients have the extents of what they belong to.
        unsafe {
            context.run(&rows.sums(at, (x, y, gradient.pointer()), slabs, relu))?;
            context.run(&rows.parameters(slabs, at.inverse_deviation, parameters))?;
            let from = (x, gradient.pointer(), into);
            context.run(&rows.input_gradient(at, from, parameters, relu && !is_cut, from_batch))?;
        }
        let (of_x, of_residual) = match apart {
            Some(apart) => (apart, Some(gradient)),
            None => (gradient, None),
        };
        if let Some(node) = &self.x.node {
            node.give(context, of_x)?;
        }
        let residual = self.residual.as_ref().and_then(|residual| residual.node.as_ref());
        if let (Some(node), Some(gradient)) = (residual, of_residual) {
            node.give(context, gradient)?;
        }
        if self.wants_parameters {
            let gradients = tensor(device, of_parameters, (2, channels));
            deliver_tensor(&self.statistics.gamma, gradients.get(0)?)?;
            deliver_tensor(&self.statistics.beta, gradients.get(1)?)?;
        }
        Ok(())
    }
}
