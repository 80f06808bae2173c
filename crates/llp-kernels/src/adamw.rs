//! AdamW: steps of about one size for every weight, in place.

#[cfg(feature = "cuda")]
use candle_core::Device;
use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var, bail};

use crate::optimizer_checks;
use crate::tensor::Each;

/// The constants of [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Weight of the past in the mean of the gradients, in `[0, 1)`.
    pub beta1: f64,
    /// Weight of the past in the mean of their squares, in `[0, 1)`.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Pull towards zero, apart from the gradient: a step multiplies a weight by `1 - lr weight_decay`.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    /// PyTorch's constants, without weight decay.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// Adam [kingma:15, algorithm 1] with decoupled weight decay [loshchilov:19, algorithm 2], which is multiplied by the
/// learning rate as in PyTorch: with the gradient `g` in step `t`, from 1,
///
/// ```text
/// m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2
/// w <- (1 - lr weight_decay) w - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// ```
///
/// A step's size does not depend on the scale of the gradients, which helps where these are small: those of a loss of
/// bags shrink with the size of the bags.
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    parameters: Vec<Parameter>,
    n_steps: u64,
}

#[derive(Debug)]
struct Parameter {
    weight: Var,
    /// Means of the gradients and of their squares, both towards zero in the first steps.
    moments: [Tensor; 2],
    decays: bool,
}

impl AdamW {
    /// Trains `decayed` with weight decay and `undecayed` without.
    ///
    /// # Errors
    /// When a weight is not contiguous `f32` on the device of the others, or the moments cannot be allocated.
    pub fn new(
        decayed: impl IntoIterator<Item = Var>,
        undecayed: impl IntoIterator<Item = Var>,
        config: AdamWConfig,
    ) -> Result<Self> {
        let parameters = optimizer_checks::weights(decayed, undecayed)?
            .into_iter()
            .map(|(weight, decays)| {
                Ok(Parameter { moments: [weight.zeros_like()?, weight.zeros_like()?], weight, decays })
            })
            .collect::<Result<_>>()?;
        Ok(Self { config, parameters, n_steps: 0 })
    }

    /// First and second moment of every weight, in the order in which the weights were given.
    pub fn moments(&self) -> impl Iterator<Item = &[Tensor; 2]> {
        self.parameters.iter().map(|parameter| &parameter.moments)
    }

    /// Steps that were taken: with the moments, the whole state.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// Goes on where another optimizer stood: its moments, in the order of [`AdamW::moments`], after `n_steps` steps.
    ///
    /// # Errors
    /// When the number of tensors, a shape, a type or a device differs; nothing is changed then.
    pub fn set_moments(&mut self, moments: &[[Tensor; 2]], n_steps: u64) -> Result<()> {
        if moments.len() != self.parameters.len() {
            bail!("{} pairs of moments are not those of {} weights", moments.len(), self.parameters.len());
        }
        let copy = |([first, second], of): (&[Tensor; 2], &Parameter)| {
            Ok([optimizer_checks::state(first, &of.weight)?, optimizer_checks::state(second, &of.weight)?])
        };
        let copies = moments.iter().zip(&self.parameters).map(copy).collect::<Result<Vec<_>>>()?;
        for (parameter, moments) in self.parameters.iter_mut().zip(copies) {
            parameter.moments = moments;
        }
        self.n_steps = n_steps;
        Ok(())
    }

    /// One step with learning rate `lr`; weights without a gradient stay, and their moments.
    ///
    /// `t` counts the steps of the optimizer, for weights that had no gradient in some of them too; PyTorch counts those of
    /// each weight.
    ///
    /// # Errors
    /// When a gradient has another shape, type or device than its weight; nothing is changed then.
    pub fn step(&mut self, gradients: &GradStore, lr: f64) -> Result<()> {
        let gradients = optimizer_checks::gradients(gradients, self.parameters.iter().map(|of| &of.weight))?;
        self.n_steps += 1;
        let AdamWConfig { beta1, beta2, epsilon, .. } = self.config;
        let unbiased = |beta: f64| 1.0 - beta.powf(self.n_steps as f64);
        let step = AdamStep {
            rate: (lr / unbiased(beta1)) as f32,
            root_scale: (1.0 / unbiased(beta2).sqrt()) as f32,
            epsilon: epsilon as f32,
        };
        #[cfg(feature = "cuda")]
        if let Some(Device::Cuda(device)) = self.parameters.first().map(|first| first.weight.device()) {
            return self.step_on_gpu(device, gradients, lr, step);
        }
        let AdamStep { rate, root_scale, epsilon } = step;
        let (past1, past2) = (beta1 as f32, beta2 as f32);
        for (Parameter { weight, moments: [first, second], decays }, gradient) in
            self.parameters.iter().zip(gradients)
        {
            let Some(gradient) = gradient else { continue };
            // `1 - beta` of the rounded number: the two add up to 1.
            let update = |m: &mut f32, g: f32| *m = past1 * *m + (1.0 - past1) * g;
            first.inplace_op2(&gradient, &Each { name: "llp-adamw-first", update })?;
            let update = |v: &mut f32, g: f32| *v = past2 * *v + (1.0 - past2) * (g * g);
            second.inplace_op2(&gradient, &Each { name: "llp-adamw-second", update })?;
            let factor = self.decay_factor(lr, *decays);
            let update =
                |w: &mut f32, m: f32, v: f32| *w = factor * *w - rate * m / (v.sqrt() * root_scale + epsilon);
            weight.inplace_op3(first, second, &Each { name: "llp-adamw-step", update })?;
        }
        Ok(())
    }

    /// What a step leaves of a weight.
    fn decay_factor(&self, lr: f64, decays: bool) -> f32 {
        if decays { (1.0 - lr * self.config.weight_decay) as f32 } else { 1.0 }
    }
}

#[cfg(feature = "cuda")]
impl AdamW {
    /// One kernel for all parameters.
    fn step_on_gpu(
        &self,
        device: &candle_core::cuda::CudaDevice,
        gradients: Vec<Option<Tensor>>,
        lr: f64,
        step: AdamStep,
    ) -> Result<()> {
        use crate::cuda::optimizers::{AdamWParameter, adamw_step};

        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (Parameter { weight, moments, decays }, gradient) in self.parameters.iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            parameters.push(AdamWParameter {
                weight,
                moments,
                gradient,
                decay_factor: self.decay_factor(lr, *decays),
            });
        }
        adamw_step(device, &parameters, [self.config.beta1 as f32, self.config.beta2 as f32], step)
    }
}

/// The last line of a step, but for the decay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamStep {
    /// Learning rate over `1 - beta1^t`.
    pub(crate) rate: f32,
    /// One over the root of `1 - beta2^t`.
    pub(crate) root_scale: f32,
    pub(crate) epsilon: f32,
}
