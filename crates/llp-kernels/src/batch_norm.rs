//! Batch normalization with running statistics, and a fused activation.

mod bias;

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, Var, bail};

use crate::activations::{Activations, CpuActivations, On, Slot, token, token_storage};
use crate::backward::hand_over;
use crate::buffer::Buffer;
use crate::cpu::batch_norm::{Normalization, ParameterGradients};
use crate::cpu::statistics::{Statistics, statistics};
#[cfg(feature = "cuda")]
use crate::cuda::activations::CudaActivations;
use crate::mode::{Activation, Mode};
use crate::tensor::{tensor_like, with_slices};

pub use bias::add_bias;

/// The constants of a [`BatchNorm`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNormConfig {
    /// Added to the variance under the root.
    pub epsilon: f64,
    /// Weight of a new batch in the running statistics.
    pub momentum: f64,
    /// Whether the scale is trained; else it stays 1.
    pub trains_scale: bool,
}

impl BatchNormConfig {
    /// PyTorch's constants.
    pub const PYTORCH: Self = Self { epsilon: 1e-5, momentum: 0.1, trains_scale: true };
}

/// Batch normalization over all dimensions but the last, as in PyTorch: normalized with the biased variance of
/// the batch; the running variance is the unbiased one.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    config: BatchNormConfig,
    gamma: Var,
    beta: Var,
    running_mean: Var,
    running_variance: Var,
}

impl BatchNorm {
    /// With PyTorch's constants, the identity on normalized data: gamma 1, beta 0, running mean 0, running variance 1.
    ///
    /// # Errors
    /// When the device refuses to allocate.
    pub fn new(channels: usize, device: &Device) -> Result<Self> {
        Self::with_config(channels, BatchNormConfig::PYTORCH, device)
    }

    /// The same with other constants.
    ///
    /// # Errors
    /// When the device refuses to allocate.
    pub fn with_config(channels: usize, config: BatchNormConfig, device: &Device) -> Result<Self> {
        Ok(Self {
            config,
            gamma: Var::ones(channels, DType::F32, device)?,
            beta: Var::zeros(channels, DType::F32, device)?,
            running_mean: Var::zeros(channels, DType::F32, device)?,
            running_variance: Var::ones(channels, DType::F32, device)?,
        })
    }

    /// The constants that it was made with.
    pub fn config(&self) -> BatchNormConfig {
        self.config
    }

    /// Scale per channel, trained if the configuration says so.
    pub fn gamma(&self) -> &Var {
        &self.gamma
    }

    /// Shift per channel, trained.
    pub fn beta(&self) -> &Var {
        &self.beta
    }

    /// Running mean per channel, not trained.
    pub fn running_mean(&self) -> &Var {
        &self.running_mean
    }

    /// Running unbiased variance per channel, not trained.
    pub fn running_variance(&self) -> &Var {
        &self.running_variance
    }

    /// `activation((x - mean) / sqrt(variance + epsilon) gamma + beta)` for each channel.
    ///
    /// Differentiable in `x`, and in training also in gamma and beta.
    ///
    /// # Errors
    /// When `x` has another number of channels, or a training batch has fewer than two pixels (its variance would
    /// be undefined).
    pub fn forward(&self, x: &Activations, mode: Mode, activation: Activation) -> Result<Activations> {
        self.apply(x, None, mode, activation)
    }

    /// The end of a residual block: [`BatchNorm::forward`] with `residual` added before the activation.
    ///
    /// # Errors
    /// As [`BatchNorm::forward`], and when the shapes differ.
    pub fn forward_residual(
        &self,
        x: &Activations,
        residual: &Activations,
        mode: Mode,
        activation: Activation,
    ) -> Result<Activations> {
        if x.dims() != residual.dims() {
            bail!("batch norm: the shapes {:?} and {:?} of a residual sum differ", x.dims(), residual.dims());
        }
        self.apply(x, Some(residual), mode, activation)
    }

    /// Scale and shift as operands in `mode`.
    pub(crate) fn operands(&self, mode: Mode) -> (Tensor, Tensor) {
        let scale_mode = if self.config.trains_scale { mode } else { Mode::Evaluate };
        (scale_mode.operand(&self.gamma), mode.operand(&self.beta))
    }

    fn apply(
        &self,
        x: &Activations,
        residual: Option<&Activations>,
        mode: Mode,
        activation: Activation,
    ) -> Result<Activations> {
        let channels = self.gamma.elem_count();
        let rows = x.extents().len() / channels;
        if x.extents().channels != channels {
            bail!("batch norm over {channels} channels cannot take an input of shape {:?}", x.dims());
        }
        if mode.uses_batch() && rows < 2 {
            bail!(
                "batch norm needs at least two values per channel in training, got {rows}: use a larger batch"
            );
        }
        if residual.is_some() && activation == Activation::Gelu {
            bail!("batch norm: GELU does not follow a residual sum; use the identity or ReLU");
        }
        match (&x.0, residual.map(|residual| &residual.0)) {
            (On::Cpu(x), None) => self.on_cpu(x, None, mode, activation).map(Activations::from),
            (On::Cpu(x), Some(On::Cpu(residual))) => {
                self.on_cpu(x, Some(residual), mode, activation).map(Activations::from)
            }
            #[cfg(feature = "cuda")]
            (On::Cuda(x), None) => self.on_gpu(x, None, mode, activation),
            #[cfg(feature = "cuda")]
            (On::Cuda(x), Some(On::Cuda(residual))) => self.on_gpu(x, Some(residual), mode, activation),
            #[cfg(feature = "cuda")]
            _ => bail!("batch norm: the two terms of a residual sum are on different devices"),
        }
    }

    #[cfg(feature = "cuda")]
    fn on_gpu(
        &self,
        x: &CudaActivations,
        residual: Option<&CudaActivations>,
        mode: Mode,
        activation: Activation,
    ) -> Result<Activations> {
        let y = x.batch_norm(self, residual, mode, activation)?;
        Ok(Activations(On::Cuda(y)))
    }

    fn on_cpu(
        &self,
        x: &CpuActivations,
        residual: Option<&CpuActivations>,
        mode: Mode,
        activation: Activation,
    ) -> Result<CpuActivations> {
        let channels = x.extents.channels;
        let rows = x.extents.len() / channels;
        let statistics = match mode {
            Mode::Train | Mode::TrainAside | Mode::Preview => statistics(&x.values, channels),
            Mode::Evaluate => {
                Statistics { mean: self.running_mean.to_vec1()?, variance: self.running_variance.to_vec1()? }
            }
        };
        if mode == Mode::Train {
            self.update_running(&statistics, rows)?;
        }
        let inverse_deviation = statistics.inverse_deviation(self.config.epsilon as f32);
        let mut values = Buffer::of_any(x.extents.len());
        let op = BatchNormOp {
            x: x.clone(),
            residual: residual.cloned(),
            y: None,
            y_gradient: Arc::default(),
            mean: statistics.mean,
            inverse_deviation,
            from_batch: mode.uses_batch(),
            activation,
        };
        let (gamma, beta) = self.operands(mode);
        op.with_normalization(&gamma, &beta, |norm| {
            norm.forward(&x.values, residual.map(|residual| &residual.values[..]), &mut values);
        })?;
        let mut y = CpuActivations::new(values, x.extents)?;
        let y_kept = residual.map(|_| Arc::clone(&y.values));
        let op = BatchNormOp { y: y_kept, y_gradient: Arc::clone(&y.gradient), ..op };
        let token = match residual {
            Some(residual) => x.token.add(&residual.token)?,
            None => x.token.clone(),
        };
        y.token = token.apply_op3(&gamma, &beta, op)?;
        Ok(y)
    }

    fn update_running(&self, batch: &Statistics, rows: usize) -> Result<()> {
        let unbiased = rows as f64 / (rows as f64 - 1.0);
        let momentum = self.config.momentum;
        move_towards(&self.running_mean, &batch.mean, momentum, 1.0)?;
        move_towards(&self.running_variance, &batch.variance, momentum, unbiased)
    }
}

/// `running += momentum (factor batch - running)`.
fn move_towards(running: &Var, batch: &[f32], momentum: f64, factor: f64) -> Result<()> {
    let mut values: Vec<f32> = running.to_vec1()?;
    for (value, batch) in values.iter_mut().zip(batch) {
        let old = f64::from(*value);
        *value = (old + momentum * (factor * f64::from(*batch) - old)) as f32;
    }
    running.set(&tensor_like(values, running.shape(), running)?)
}

struct BatchNormOp {
    x: CpuActivations,
    residual: Option<CpuActivations>,
    /// Kept where there is a residual, to know what the ReLU let pass.
    y: Option<Arc<Buffer>>,
    y_gradient: Arc<Slot>,
    mean: Vec<f32>,
    inverse_deviation: Vec<f32>,
    from_batch: bool,
    activation: Activation,
}

impl BatchNormOp {
    fn with_normalization<R>(
        &self,
        gamma: &Tensor,
        beta: &Tensor,
        f: impl FnOnce(&Normalization<'_>) -> R,
    ) -> Result<R> {
        let (mean, inverse_deviation) = (&self.mean, &self.inverse_deviation);
        with_slices([gamma, beta], |[gamma, beta]| {
            Ok(f(&Normalization { mean, inverse_deviation, gamma, beta, activation: self.activation }))
        })
    }

    /// Sends the gradients of `x` and of the residual on their way.
    fn backward(&self, norm: &Normalization<'_>, mut gradient: Buffer) -> ParameterGradients {
        let x = &self.x.values;
        let (Some(residual), Some(y)) = (&self.residual, &self.y) else {
            let of_parameters = norm.backward(x, &mut gradient, self.from_batch);
            if self.x.is_tracked() {
                self.x.gradient.give(gradient);
            }
            return of_parameters;
        };
        let mut x_gradient = Buffer::of_any(x.len());
        let of_parameters = norm.backward_residual((x, y), &mut gradient, &mut x_gradient, self.from_batch);
        if self.x.is_tracked() {
            self.x.gradient.give(x_gradient);
        }
        if residual.is_tracked() {
            residual.gradient.give(gradient);
        }
        of_parameters
    }
}

impl CustomOp3 for BatchNormOp {
    fn name(&self) -> &'static str {
        "llp-batch-norm"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(token_storage())
    }

    fn bwd(
        &self,
        _: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let y_gradient = self.y_gradient.take()?;
        let gradients = self.with_normalization(gamma, beta, |norm| self.backward(norm, y_gradient))?;
        Ok((
            Some(token()?),
            hand_over(gamma, tensor_like(gradients.gamma, gamma.shape(), gamma)?),
            hand_over(beta, tensor_like(gradients.beta, beta.shape(), beta)?),
        ))
    }
}
