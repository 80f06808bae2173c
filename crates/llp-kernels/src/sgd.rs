//! Stochastic gradient descent with momentum and weight decay, in place.

#[cfg(feature = "cuda")]
use candle_core::Device;
use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var, bail};

use crate::optimizer_checks;
use crate::tensor::Each;

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
        let lr = lr as f32;
        for (Parameter { weight, velocity, decays }, gradient) in self.parameters.iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let (momentum, weight_decay) = (self.config.momentum as f32, self.decay(*decays));
            let update = |v: &mut f32, g: f32, w: f32| *v = momentum * *v + (g + weight_decay * w);
            let accumulate = Each { name: "llp-sgd-accumulate", update };
            velocity.inplace_op3(&gradient, weight.as_tensor(), &accumulate)?;
            if self.config.nesterov {
                let update =
                    |w: &mut f32, v: f32, g: f32| *w -= lr * ((g + weight_decay * *w) + momentum * v);
                weight.inplace_op3(velocity, &gradient, &Each { name: "llp-sgd-look-ahead", update })?;
            } else {
                let update = |w: &mut f32, v: f32| *w -= lr * v;
                weight.inplace_op2(velocity, &Each { name: "llp-sgd-step", update })?;
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
