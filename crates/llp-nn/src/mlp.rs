//! Multilayer perceptrons, and linear models among them.

use candle_core::{Device, Tensor, Var};
use llp_kernels::{Mode, relu};
use rand::Rng;

use crate::error::{NnError, check_extents};
use crate::init::linear_uniform;
use crate::state_dict::{Role, StateDict};

/// The extents of an [`Mlp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MlpConfig {
    /// Numbers of an instance.
    pub n_inputs: usize,
    /// Units of each hidden layer.
    pub hidden: usize,
    /// Hidden layers; without any it is a linear model, and `hidden` does not matter.
    pub depth: usize,
    /// Length of a logit vector.
    pub n_classes: usize,
}

impl MlpConfig {
    /// A linear model: multinomial logistic regression, where the loss is a cross-entropy.
    pub fn linear(n_inputs: usize, n_classes: usize) -> Self {
        Self { n_inputs, hidden: 1, depth: 0, n_classes }
    }

    fn check(&self) -> Result<(), NnError> {
        check_extents(&[("n_inputs", self.n_inputs), ("hidden", self.hidden), ("n_classes", self.n_classes)])
    }
}

/// Linear layers with a ReLU after each but the last.
///
/// There is no batch norm, which would be wrong here: a step may hold a single large bag, and to normalize it by its own
/// statistics removes the very differences between bags that training learns from.
#[derive(Debug)]
pub struct Mlp {
    config: MlpConfig,
    layers: Vec<Linear>,
}

#[derive(Debug)]
struct Linear {
    weight: Var, // [out, in]
    bias: Var,   // [out]
}

impl Linear {
    fn new(n_in: usize, n_out: usize, rng: &mut impl Rng, device: &Device) -> Result<Self, NnError> {
        let weight = linear_uniform((n_out, n_in), n_in, rng, device)?;
        Ok(Self { weight, bias: linear_uniform(n_out, n_in, rng, device)? })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let y = x.matmul(&mode.operand(&self.weight).t()?)?;
        Ok(y.broadcast_add(&mode.operand(&self.bias))?)
    }
}

impl Mlp {
    /// A network with fresh weights and biases from `rng`: PyTorch's uniform. Larger ones, such as those of He et al.
    /// (2015), fit the proportions of bags by functions that are less smooth (docs/recipes.md).
    ///
    /// # Errors
    /// When an extent is zero or the device refuses to allocate.
    pub fn new(config: MlpConfig, rng: &mut impl Rng, device: &Device) -> Result<Self, NnError> {
        config.check()?;
        let mut layers = Vec::with_capacity(config.depth + 1);
        let mut n_in = config.n_inputs;
        for _ in 0..config.depth {
            layers.push(Linear::new(n_in, config.hidden, rng, device)?);
            n_in = config.hidden;
        }
        layers.push(Linear::new(n_in, config.n_classes, rng, device)?);
        Ok(Self { config, layers })
    }

    /// The extents that the network was built with.
    pub fn config(&self) -> MlpConfig {
        self.config
    }

    /// Instances `[instance, ...]`, flattened to `[instance, input]`, to logits `[instance, class]`.
    ///
    /// Images are flattened as they come, `[height, width, channel]`. In [`Mode::Train`] the result is differentiable in
    /// every parameter; in the other modes parameters are constants, and all modes give the same values.
    ///
    /// # Errors
    /// When the instances do not fit the network.
    pub fn forward(&self, inputs: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let x = inputs.flatten_from(1)?;
        let (_, got) = x.dims2()?;
        if got != self.config.n_inputs {
            return Err(NnError::input_length(self.config.n_inputs, got));
        }
        let Some((last, hidden)) = self.layers.split_last() else {
            unreachable!("a network has a last layer")
        };
        let x = hidden.iter().try_fold(x, |x, layer| Ok::<_, NnError>(relu(&layer.forward(&x, mode)?)?))?;
        last.forward(&x, mode)
    }

    /// Every tensor by the name that a `torch.nn.ModuleList` called `layers` gives it, shared with the network.
    pub fn state_dict(&self) -> StateDict {
        let mut state = StateDict::default();
        for (place, layer) in self.layers.iter().enumerate() {
            state.push(format!("layers.{place}.weight"), &layer.weight, Role::Weight);
            state.push(format!("layers.{place}.bias"), &layer.bias, Role::Weight);
        }
        state
    }
}
