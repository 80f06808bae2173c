//! Batch normalization with running statistics, and a fused ReLU.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, Var, bail};

use crate::cpu::batch_norm::{Normalization, Statistics, statistics};
use crate::tensor::{check_f32, slice, tensor_like, with_slices};

/// Whether a network is being trained or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalize with the statistics of the batch, and move the running statistics towards them.
    Train,
    /// Normalize with the running statistics; parameters are constants, so nothing is kept for their gradients.
    Evaluate,
}

/// What follows the normalization, in the same pass over memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(0, y)`, with gradient 0 at 0.
    Relu,
}

/// Batch normalization over all dimensions but the last, as in PyTorch: normalized with the biased variance of
/// the batch; the running variance is the unbiased one; momentum 0.1; epsilon 1e-5.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    gamma: Var,
    beta: Var,
    running_mean: Var,
    running_variance: Var,
}

impl BatchNorm {
    /// Added to the variance under the root.
    pub const EPSILON: f64 = 1e-5;
    /// Weight of a new batch in the running statistics.
    pub const MOMENTUM: f64 = 0.1;

    /// The identity on normalized data: gamma 1, beta 0, running mean 0, running variance 1.
    ///
    /// # Errors
    /// When the device refuses to allocate.
    pub fn new(channels: usize, device: &Device) -> Result<Self> {
        Ok(Self {
            gamma: Var::ones(channels, DType::F32, device)?,
            beta: Var::zeros(channels, DType::F32, device)?,
            running_mean: Var::zeros(channels, DType::F32, device)?,
            running_variance: Var::ones(channels, DType::F32, device)?,
        })
    }

    /// Scale per channel, trained.
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

    /// `activation((x - mean) / sqrt(variance + epsilon) gamma + beta)` for `x` of shape `[.., channel]`.
    ///
    /// Differentiable in `x`, and in training also in gamma and beta.
    ///
    /// # Errors
    /// When `x` has another number of channels or is not `f32`, or a training batch has fewer than two rows (its
    /// variance would be undefined).
    pub fn forward(&self, x: &Tensor, mode: Mode, activation: Activation) -> Result<Tensor> {
        check_f32("the input of a batch norm", x)?;
        let channels = self.gamma.elem_count();
        let rows = x.elem_count() / channels;
        if x.dims().last() != Some(&channels) {
            bail!("batch norm over {channels} channels cannot take an input of shape {:?}", x.shape());
        }
        if mode == Mode::Train && rows < 2 {
            bail!(
                "batch norm needs at least two values per channel in training, got {rows}: use a larger batch"
            );
        }
        let statistics = Arc::new(OnceLock::new());
        if mode == Mode::Evaluate {
            let running =
                Statistics { mean: self.running_mean.to_vec1()?, variance: self.running_variance.to_vec1()? };
            // A fresh cell is empty, so this cannot fail.
            let _ = statistics.set(running);
        }
        let op = BatchNormOp {
            statistics: Arc::clone(&statistics),
            from_batch: mode == Mode::Train,
            relu: activation == Activation::Relu,
        };
        let (gamma, beta) = match mode {
            Mode::Train => (self.gamma.as_tensor().clone(), self.beta.as_tensor().clone()),
            Mode::Evaluate => (self.gamma.as_detached_tensor(), self.beta.as_detached_tensor()),
        };
        let y = x.contiguous()?.apply_op3(&gamma, &beta, op)?;
        if let (Mode::Train, Some(batch)) = (mode, statistics.get()) {
            self.update_running(batch, rows)?;
        }
        Ok(y)
    }

    fn update_running(&self, batch: &Statistics, rows: usize) -> Result<()> {
        let unbiased = rows as f64 / (rows as f64 - 1.0);
        move_towards(&self.running_mean, &batch.mean, 1.0)?;
        move_towards(&self.running_variance, &batch.variance, unbiased)
    }
}

/// `running += MOMENTUM (factor batch - running)`.
fn move_towards(running: &Var, batch: &[f32], factor: f64) -> Result<()> {
    let mut values: Vec<f32> = running.to_vec1()?;
    for (value, batch) in values.iter_mut().zip(batch) {
        let old = f64::from(*value);
        *value = (old + BatchNorm::MOMENTUM * (factor * f64::from(*batch) - old)) as f32;
    }
    running.set(&tensor_like(values, running.shape(), running)?)
}

struct BatchNormOp {
    /// Filled by the forward pass from the batch, or beforehand with constants.
    statistics: Arc<OnceLock<Statistics>>,
    from_batch: bool,
    relu: bool,
}

impl BatchNormOp {
    fn with_normalization<R>(
        &self,
        x: &[f32],
        gamma: &[f32],
        beta: &[f32],
        f: impl FnOnce(&Normalization<'_>) -> R,
    ) -> R {
        let statistics = self.statistics.get_or_init(|| statistics(x, gamma.len()));
        let inverse_deviation = statistics.inverse_deviation(BatchNorm::EPSILON as f32);
        f(&Normalization {
            mean: &statistics.mean,
            inverse_deviation: &inverse_deviation,
            gamma,
            beta,
            relu: self.relu,
        })
    }
}

impl CustomOp3 for BatchNormOp {
    fn name(&self) -> &'static str {
        "llp-batch-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        gamma: &CpuStorage,
        lg: &Layout,
        beta: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, lx)?;
        let y = self.with_normalization(x, slice(gamma, lg)?, slice(beta, lb)?, |norm| norm.forward(x));
        Ok((CpuStorage::F32(y), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        y: &Tensor,
        y_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradients = with_slices([x, gamma, beta, y, y_gradient], |[x, gamma, beta, y, y_gradient]| {
            Ok(self
                .with_normalization(x, gamma, beta, |norm| norm.backward(x, y, y_gradient, self.from_batch)))
        })?;
        Ok((
            Some(tensor_like(gradients.x, x.shape(), x)?),
            Some(tensor_like(gradients.gamma, gamma.shape(), gamma)?),
            Some(tensor_like(gradients.beta, beta.shape(), beta)?),
        ))
    }
}
