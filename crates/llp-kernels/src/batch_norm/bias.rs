//! A bias and an activation without a normalization.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::BatchNormOp;
use crate::activations::{Activations, CpuActivations, On};
use crate::buffer::Buffer;
use crate::mode::Activation;

/// `activation(x + bias)` for each channel: what follows a convolution with a bias and no normalization.
///
/// `bias` is `[channel]`. Differentiable in both arguments.
///
/// # Errors
/// When `x` has another number of channels, or is on a GPU.
pub fn add_bias(x: &Activations, bias: &Tensor, activation: Activation) -> Result<Activations> {
    let channels = bias.dims1()?;
    if x.extents().channels != channels {
        bail!("a bias of {channels} channels cannot be added to an input of shape {:?}", x.dims());
    }
    match &x.0 {
        On::Cpu(x) => add_bias_on_cpu(x, bias, activation).map(Activations::from),
        #[cfg(feature = "cuda")]
        On::Cuda(_) => {
            bail!("this network runs on CPUs only: use --device cpu, or another network (--preset paper)")
        }
    }
}

/// A batch norm whose statistics are constants, mean 0 and deviation 1, and whose scale is 1.
fn add_bias_on_cpu(x: &CpuActivations, bias: &Tensor, activation: Activation) -> Result<CpuActivations> {
    let channels = x.extents.channels;
    let mut values = Buffer::of_any(x.extents.len());
    let op = BatchNormOp {
        x: x.clone(),
        residual: None,
        y: None,
        y_gradient: Arc::default(),
        mean: vec![0.0; channels],
        inverse_deviation: vec![1.0; channels],
        from_batch: false,
        activation,
    };
    let scale = Tensor::ones(channels, DType::F32, &Device::Cpu)?;
    op.with_normalization(&scale, bias, |norm| norm.forward(&x.values, None, &mut values))?;
    let mut y = CpuActivations::new(values, x.extents)?;
    let op = BatchNormOp { y_gradient: Arc::clone(&y.gradient), ..op };
    y.token = x.token.apply_op3(&scale, bias, op)?;
    Ok(y)
}
