//! One candle operation for every loss of this crate.
//!
//! Value and gradient of a bag loss come out of one computation (for ROT, of one solve), so the forward pass
//! keeps the gradient and the backward pass only scales it by what arrives for each bag.

use std::sync::OnceLock;

use candle_core::backend::{BackendDevice, BackendStorage};
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType, bail};
use llp_kernels::{BagKernel, bag_loss};
use llp_ot::{Imprecision, OtError, Real, RotBatch};

use crate::{BagLoss as _, BagTargets, Loss, LossError};

/// What is known of one bag.
#[derive(Clone, Copy)]
pub(crate) struct Bag<'a> {
    /// Its place in the batch.
    pub(crate) index: usize,
    /// `[class]`.
    pub(crate) proportions: &'a [f64],
    pub(crate) imprecision: &'a Imprecision,
}

impl Bag<'_> {
    /// The classes of unknown share, and all others.
    pub(crate) fn unknown_and_known(&self) -> (Vec<usize>, Vec<usize>) {
        (0..self.proportions.len()).partition(|&class| self.imprecision.is_unknown(class))
    }
}

/// Applies a loss of one bag, in double precision, to each bag of a batch.
pub(crate) fn each_bag<T: Real>(
    of_bag: impl Fn(&[f64], Bag<'_>, &mut [f64]) -> f64,
    logits: &[T],
    targets: &BagTargets,
    loss: &mut [T],
    gradient: &mut [T],
) {
    let mut start = 0;
    for (index, size) in targets.sizes().iter().enumerate() {
        let (proportions, imprecision) = (targets.proportions_of(index), targets.imprecision_of(index));
        let bag = Bag { index, proportions, imprecision };
        let end = start + size * targets.n_classes();
        let wide: Vec<f64> = logits[start..end].iter().map(|value| value.to_f64()).collect();
        let mut wide_gradient = vec![0.0; wide.len()];
        loss[index] = T::from_f64(of_bag(&wide, bag, &mut wide_gradient));
        for (out, value) in gradient[start..end].iter_mut().zip(wide_gradient) {
            *out = T::from_f64(value);
        }
        start = end;
    }
}

/// Applies a function of `llp-ot` to the bags.
pub(crate) fn as_batch<T: Real, R>(
    logits: &[T],
    targets: &BagTargets,
    of_batch: impl FnOnce(&RotBatch<'_, T>) -> std::result::Result<R, OtError>,
) -> std::result::Result<R, LossError> {
    let proportions: Vec<T> = targets.proportions().iter().map(|&z| T::from_f64(z)).collect();
    let (bag_sizes, n_classes) = (targets.sizes(), targets.n_classes());
    Ok(of_batch(&RotBatch { logits, bag_sizes, proportions: &proportions, n_classes })?)
}

/// Refuses bags with a class of unknown share.
pub(crate) fn refuse_unknown(loss: &'static str, targets: &BagTargets) -> std::result::Result<(), LossError> {
    for bag in 0..targets.n_bags() {
        let imprecision = targets.imprecision_of(bag);
        if let Some(class) = (0..targets.n_classes()).find(|&class| imprecision.is_unknown(class)) {
            return Err(LossError::unknown_share(loss, bag, class));
        }
    }
    Ok(())
}

/// The loss by a kernel of the GPU on which the logits are. Returns `None` if there is no such kernel.
pub(crate) fn on_gpu(
    kernel: BagKernel,
    logits: &Tensor,
    targets: &BagTargets,
) -> std::result::Result<Option<Tensor>, LossError> {
    let has_unknown =
        |bag| (0..targets.n_classes()).any(|class| targets.imprecision_of(bag).is_unknown(class));
    if (0..targets.n_bags()).any(has_unknown) {
        return Ok(None);
    }
    Ok(bag_loss(kernel, logits, targets.sizes(), targets.proportions())?)
}

/// Applies a loss to logits that suit the targets; the result is `[bag]` and differentiable.
pub(crate) fn apply(
    loss: Loss,
    logits: &Tensor,
    targets: &BagTargets,
) -> std::result::Result<Tensor, LossError> {
    let op = BagLossOp { loss, targets: targets.clone(), gradient: OnceLock::new() };
    Ok(logits.contiguous()?.apply_op1(op)?)
}

struct BagLossOp {
    loss: Loss,
    targets: BagTargets,
    /// Set by the forward pass, `[instance, class]`.
    gradient: OnceLock<CpuStorage>,
}

impl BagLossOp {
    fn run<T: Real + WithDType>(&self, logits: &[T]) -> Result<CpuStorage> {
        let mut loss = vec![T::default(); self.targets.n_bags()];
        let mut gradient = vec![T::default(); logits.len()];
        let computed = self.loss.compute(logits, &self.targets, &mut loss, &mut gradient);
        computed.map_err(candle_core::Error::wrap)?;
        // candle calls the forward pass once per operation.
        let _ = self.gradient.set(T::to_cpu_storage_owned(gradient));
        Ok(T::to_cpu_storage_owned(loss))
    }

    fn scale<T: Real + WithDType>(&self, gradient: &[T], loss_gradient: &[T]) -> Result<Vec<T>> {
        if self.loss.couples_bags() && loss_gradient.windows(2).any(|pair| pair[0] != pair[1]) {
            bail!(
                "{}: the bags of a batch share their mean prediction, so all need the same weight in the sum or mean \
                 that is minimized",
                self.name()
            )
        }
        let mut scaled = Vec::with_capacity(gradient.len());
        for (size, factor) in self.targets.sizes().iter().zip(loss_gradient) {
            let bag = &gradient[scaled.len()..scaled.len() + size * self.targets.n_classes()];
            scaled.extend(bag.iter().map(|&value| value * *factor));
        }
        Ok(scaled)
    }
}

impl CustomOp1 for BagLossOp {
    fn name(&self) -> &'static str {
        self.loss.name()
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("{} needs contiguous logits", self.name())
        };
        let loss = match logits {
            CpuStorage::F32(logits) => self.run(&logits[start..end])?,
            CpuStorage::F64(logits) => self.run(&logits[start..end])?,
            _ => bail!("{} needs logits in f32 or f64", self.name()),
        };
        Ok((loss, self.targets.n_bags().into()))
    }

    /// What no kernel computes is computed on the CPU: a batch of logits is small beside the network.
    fn cuda_fwd(&self, logits: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let (loss, shape) = self.cpu_fwd(&logits.to_cpu_storage()?, layout)?;
        Ok((logits.device().storage_from_cpu_storage(&loss)?, shape))
    }

    fn bwd(&self, logits: &Tensor, _loss: &Tensor, loss_gradient: &Tensor) -> Result<Option<Tensor>> {
        let (shape, device) = (logits.shape(), logits.device());
        match self.gradient.get() {
            Some(CpuStorage::F32(gradient)) => {
                let scaled = self.scale(gradient, &loss_gradient.to_vec1()?)?;
                Tensor::from_vec(scaled, shape, device).map(Some)
            }
            Some(CpuStorage::F64(gradient)) => {
                let scaled = self.scale(gradient, &loss_gradient.to_vec1()?)?;
                Tensor::from_vec(scaled, shape, device).map(Some)
            }
            _ => bail!("{}: backward without forward", self.name()),
        }
    }
}
