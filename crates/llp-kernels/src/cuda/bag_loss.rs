//! The losses of bags on a GPU.
#![expect(unsafe_code, reason = "runs kernels")]

use std::sync::OnceLock;

use candle_core::cuda::CudaDevice;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use cudarc::driver::CudaSlice;

use super::array::{address, device_of, floats, pointer, pointer_of, tensor};
use super::calls::BagArrays;
use super::context::Context;
use crate::bag_loss::BagKernel;

/// The loss of each bag, `[bag]`; the arguments have been checked.
pub(crate) fn bag_loss(
    function: BagKernel,
    logits: &Tensor,
    sizes: &[usize],
    proportions: &[f64],
) -> Result<Tensor> {
    let device = device_of(logits)?;
    let mut words = vec![0_u32];
    let mut end = 0;
    words.extend(sizes.iter().map(|size| {
        end += *size as u32;
        end
    }));
    words.extend(proportions.iter().map(|share| (*share as f32).to_bits()));
    let op = BagLoss {
        function,
        n_bags: sizes.len(),
        n_classes: proportions.len() / sizes.len(),
        words: device.clone_htod(&words)?,
        device,
        gradient: OnceLock::new(),
    };
    logits.contiguous()?.apply_op1(op)
}

struct BagLoss {
    function: BagKernel,
    n_bags: usize,
    n_classes: usize,
    /// Where the bags begin and the last one ends, `[bag + 1]`; behind that the floats of the proportions,
    /// `[bag, class]`.
    words: CudaSlice<u32>,
    device: CudaDevice,
    /// Set by the forward pass, `[instance, class]`.
    gradient: OnceLock<CudaSlice<f32>>,
}

impl BagLoss {
    fn arrays(&self) -> BagArrays {
        let starts = address(&self.words);
        BagArrays {
            logits: 0,
            starts,
            proportions: starts + ((self.n_bags + 1) * size_of::<u32>()) as u64,
            n_bags: self.n_bags,
            n_classes: self.n_classes,
            loss: 0,
            gradient: self.gradient.get().map_or(0, address),
            scratch: [0; 2],
        }
    }
}

impl CustomOp1 for BagLoss {
    fn name(&self) -> &'static str {
        "llp-bag-loss"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("this loss is for logits on a GPU")
    }

    fn cuda_fwd(&self, logits: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let device = &self.device;
        let n_values = layout.shape().elem_count();
        let n_instances = n_values / self.n_classes;
        let (loss, gradient) = (floats(device, self.n_bags)?, floats(device, n_values)?);
        let context = Context::of(device)?;
        let arrays = BagArrays {
            logits: pointer_of(logits, layout)?,
            loss: address(&loss),
            gradient: address(&gradient),
            scratch: context.scratch(n_instances)?,
            ..self.arrays()
        };
        let call = match self.function {
            BagKernel::Kl => arrays.kl(),
            BagKernel::AvgKl => arrays.avg_kl(),
            BagKernel::Rot { alpha, epsilon, sweeps } => arrays.rot(alpha as f32, epsilon as f32, sweeps),
        };
        // SAFETY: the arrays have the extents that the bags and classes give them.
        unsafe { context.run(&call)? };
        // candle calls the forward pass once per operation.
        let _ = self.gradient.set(gradient);
        Ok((CudaStorage::wrap_cuda_slice(loss, device.clone()), self.n_bags.into()))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, factors: &Tensor) -> Result<Option<Tensor>> {
        if self.gradient.get().is_none() {
            bail!("a bag loss: backward without forward");
        }
        let factors = factors.contiguous()?;
        let scaled = floats(&self.device, logits.elem_count())?;
        // SAFETY: there is a factor for each bag, and the result has the shape of the logits.
        unsafe {
            Context::of(&self.device)?.run(&self.arrays().scale(pointer(&factors)?, address(&scaled)))?;
        }
        Ok(Some(tensor(&self.device, scaled, logits.shape())))
    }
}
