//! Stochastic gradient descent with momentum and weight decay, in place.

#[cfg(feature = "cuda")]
use candle_core::Device;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use crate::optimizer_checks;
use crate::tensor::{CHUNK_LEN, slice, slice_mut};

/// The constants of [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdConfig {
    /// Weight of the past in the velocity, in `[0, 1)`.
    pub momentum: f64,
    /// Pull towards zero, added to the gradient of every weight.
    pub weight_decay: f64,
    /// Whether a step looks ahead along the velocity \[nesterov:83\].
    pub nesterov: bool,
}

/// PyTorch's SGD: with `g = gradient + weight_decay w`, `v <- momentum v + g`, then `w <- w - lr v`, or
/// `w <- w - lr (g + momentum v)` with Nesterov's momentum.
///
/// The velocity starts at zero, so the first step is plain gradient descent.
#[derive(Debug)]
pub struct Sgd {
    config: SgdConfig,
    parameters: Vec<Parameter>,
}

#[derive(Debug)]
struct Parameter {
    weight: Var,
    velocity: Tensor,
    decays: bool,
}

impl Sgd {
    /// Trains `decayed` with weight decay and `undecayed` without.
    ///
    /// # Errors
    /// When a weight is not contiguous `f32` on the device of the others, or the velocities cannot be allocated.
    pub fn new(
        decayed: impl IntoIterator<Item = Var>,
        undecayed: impl IntoIterator<Item = Var>,
        config: SgdConfig,
    ) -> Result<Self> {
        let parameters = optimizer_checks::weights(decayed, undecayed)?
            .into_iter()
            .map(|(weight, decays)| Ok(Parameter { velocity: weight.zeros_like()?, weight, decays }))
            .collect::<Result<_>>()?;
        Ok(Self { config, parameters })
    }

    /// The velocity of every weight, in the order in which the weights were given.
    pub fn velocities(&self) -> impl Iterator<Item = &Tensor> {
        self.parameters.iter().map(|parameter| &parameter.velocity)
    }

    /// Replaces the velocities, in the order of [`Sgd::velocities`].
    ///
    /// # Errors
    /// When the number of tensors, a shape, a type or a device differs; nothing is changed then.
    pub fn set_velocities(&mut self, velocities: &[Tensor]) -> Result<()> {
        if velocities.len() != self.parameters.len() {
            bail!("{} velocities are not those of {} weights", velocities.len(), self.parameters.len());
        }
        let pairs = velocities.iter().zip(&self.parameters);
        let copies = pairs
            .map(|(velocity, of)| optimizer_checks::state(velocity, &of.weight))
            .collect::<Result<Vec<_>>>()?;
        for (parameter, velocity) in self.parameters.iter_mut().zip(copies) {
            parameter.velocity = velocity;
        }
        Ok(())
    }

    /// One step with learning rate `lr`; weights without a gradient stay.
    ///
    /// # Errors
    /// When a gradient has another shape, type or device than its weight; nothing is changed then.
    pub fn step(&mut self, gradients: &GradStore, lr: f64) -> Result<()> {
        let gradients = optimizer_checks::gradients(gradients, self.parameters.iter().map(|of| &of.weight))?;
        #[cfg(feature = "cuda")]
        if let Some(Device::Cuda(device)) = self.parameters.first().map(|first| first.weight.device()) {
            return self.step_on_gpu(device, gradients, lr);
        }
        for (Parameter { weight, velocity, decays }, gradient) in self.parameters.iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let accumulate =
                Accumulate { momentum: self.config.momentum as f32, weight_decay: self.decay(*decays) };
            velocity.inplace_op3(&gradient, weight.as_tensor(), &accumulate)?;
            if self.config.nesterov {
                weight.inplace_op3(velocity, &gradient, &LookAhead { accumulate, lr: lr as f32 })?;
            } else {
                weight.inplace_op2(velocity, &SgdStep { lr: lr as f32 })?;
            }
        }
        Ok(())
    }

    fn decay(&self, decays: bool) -> f32 {
        if decays { self.config.weight_decay as f32 } else { 0.0 }
    }
}

#[cfg(feature = "cuda")]
impl Sgd {
    /// One kernel for all parameters.
    fn step_on_gpu(
        &self,
        device: &candle_core::cuda::CudaDevice,
        gradients: Vec<Option<Tensor>>,
        lr: f64,
    ) -> Result<()> {
        use crate::cuda::optimizers::{SgdParameter, sgd_step};

        if self.config.nesterov {
            bail!("Nesterov's momentum runs on CPUs only: leave out optim.nesterov, or use --device cpu");
        }

        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (Parameter { weight, velocity, decays }, gradient) in self.parameters.iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            parameters.push(SgdParameter { weight, velocity, gradient, weight_decay: self.decay(*decays) });
        }
        sgd_step(device, &parameters, self.config.momentum as f32, lr as f32)
    }
}

/// `velocity = momentum velocity + gradient + weight_decay weight`.
#[derive(Clone, Copy)]
struct Accumulate {
    momentum: f32,
    weight_decay: f32,
}

impl InplaceOp3 for Accumulate {
    fn name(&self) -> &'static str {
        "llp-sgd-accumulate"
    }

    fn cpu_fwd(
        &self,
        velocity: &mut CpuStorage,
        lv: &Layout,
        gradient: &CpuStorage,
        lg: &Layout,
        weight: &CpuStorage,
        lw: &Layout,
    ) -> Result<()> {
        let (gradient, weight) = (slice(gradient, lg)?, slice(weight, lw)?);
        let velocity = slice_mut(velocity, lv)?;
        let terms = gradient.par_chunks(CHUNK_LEN).zip(weight.par_chunks(CHUNK_LEN));
        velocity.par_chunks_mut(CHUNK_LEN).zip(terms).for_each(|(velocity, (gradient, weight))| {
            for ((v, g), w) in velocity.iter_mut().zip(gradient).zip(weight) {
                *v = self.momentum * *v + (g + self.weight_decay * w);
            }
        });
        Ok(())
    }
}

/// `weight -= lr (gradient + weight_decay weight + momentum velocity)`.
struct LookAhead {
    accumulate: Accumulate,
    lr: f32,
}

impl InplaceOp3 for LookAhead {
    fn name(&self) -> &'static str {
        "llp-sgd-look-ahead"
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        lw: &Layout,
        velocity: &CpuStorage,
        lv: &Layout,
        gradient: &CpuStorage,
        lg: &Layout,
    ) -> Result<()> {
        let (gradient, velocity) = (slice(gradient, lg)?, slice(velocity, lv)?);
        let weight = slice_mut(weight, lw)?;
        let Accumulate { momentum, weight_decay } = self.accumulate;
        let terms = gradient.par_chunks(CHUNK_LEN).zip(velocity.par_chunks(CHUNK_LEN));
        weight.par_chunks_mut(CHUNK_LEN).zip(terms).for_each(|(weight, (gradient, velocity))| {
            for ((w, g), v) in weight.iter_mut().zip(gradient).zip(velocity) {
                *w -= self.lr * ((g + weight_decay * *w) + momentum * v);
            }
        });
        Ok(())
    }
}

/// `weight -= lr velocity`.
struct SgdStep {
    lr: f32,
}

impl InplaceOp2 for SgdStep {
    fn name(&self) -> &'static str {
        "llp-sgd-step"
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        lw: &Layout,
        velocity: &CpuStorage,
        lv: &Layout,
    ) -> Result<()> {
        let velocity = slice(velocity, lv)?;
        let weight = slice_mut(weight, lw)?;
        weight.par_chunks_mut(CHUNK_LEN).zip(velocity.par_chunks(CHUNK_LEN)).for_each(
            |(weight, velocity)| {
                for (w, v) in weight.iter_mut().zip(velocity) {
                    *w -= self.lr * v;
                }
            },
        );
        Ok(())
    }
}
