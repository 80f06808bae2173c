//! The optimizer of a configuration, and its state by name.

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use llp_kernels::{AdamW, AdamWConfig, Sgd, SgdConfig};
use llp_nn::{Network, NnError, Role};
use llp_sweep::config::{OptimConfig, OptimizerName};

/// Trains all parameters of a network.
///
/// The state is a tensor of each parameter's name, the momentum or first moment, and for AdamW another with
/// [`SECOND`] behind the name.
#[derive(Debug)]
pub(crate) struct Optimizer {
    /// Names of the trained parameters, in the rule's order.
    names: Vec<String>,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Sgd(Sgd),
    AdamW(AdamW),
}

/// What the name of a second moment ends in.
const SECOND: &str = ".second_moment";

impl Optimizer {
    pub(crate) fn new(config: &OptimConfig, network: &Network) -> candle_core::Result<Self> {
        let state = network.state_dict();
        let (mut names, mut decayed, mut undecayed): (_, Vec<Var>, Vec<Var>) =
            (Vec::new(), Vec::new(), Vec::new());
        for role in [Role::Weight, Role::BatchNorm] {
            let decays = role == Role::Weight || config.decay_batch_norm;
            for entry in state.with_role(role) {
                names.push(entry.name.clone());
                if decays { &mut decayed } else { &mut undecayed }.push(entry.var.clone());
            }
        }
        let &OptimConfig { momentum, weight_decay, .. } = config;
        let rule = match config.name() {
            OptimizerName::Sgd => {
                Rule::Sgd(Sgd::new(decayed, undecayed, SgdConfig { momentum, weight_decay })?)
            }
            OptimizerName::AdamW => {
                let config = AdamWConfig { beta1: momentum, weight_decay, ..AdamWConfig::default() };
                Rule::AdamW(AdamW::new(decayed, undecayed, config)?)
            }
        };
        Ok(Self { names, rule })
    }

    pub(crate) fn step(&mut self, gradients: &GradStore, lr: f64) -> candle_core::Result<()> {
        match &mut self.rule {
            Rule::Sgd(sgd) => sgd.step(gradients, lr),
            Rule::AdamW(adamw) => adamw.step(gradients, lr),
        }
    }

    /// All that a step depends on beside weights, gradients and the number of steps.
    pub(crate) fn state(&self) -> Vec<(String, Tensor)> {
        match &self.rule {
            Rule::Sgd(sgd) => self.names.iter().cloned().zip(sgd.velocities().cloned()).collect(),
            Rule::AdamW(adamw) => {
                let named = |(name, [first, second]): (&String, &[Tensor; 2])| {
                    [(name.clone(), first.clone()), (second_name(name), second.clone())]
                };
                self.names.iter().zip(adamw.moments()).flat_map(named).collect()
            }
        }
    }

    /// Goes on where another optimizer of this kind stood after `n_steps` steps.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape; nothing is changed then.
    pub(crate) fn restore(
        &mut self,
        state: &HashMap<String, Tensor>,
        n_steps: u64,
        device: &Device,
    ) -> Result<(), NnError> {
        let find = |name: String, like: &Tensor| -> Result<Tensor, NnError> {
            let Some(found) = state.get(&name) else { return Err(NnError::MissingTensor { name }) };
            if found.shape() != like.shape() {
                let (expected, got) = (like.dims().to_vec(), found.dims().to_vec());
                return Err(NnError::ShapeMismatch { name, expected, got });
            }
            Ok(found.to_dtype(DType::F32)?.to_device(device)?)
        };
        match &mut self.rule {
            Rule::Sgd(sgd) => {
                let named = self.names.iter().zip(sgd.velocities());
                let found: Vec<Tensor> =
                    named.map(|(name, like)| find(name.clone(), like)).collect::<Result<_, _>>()?;
                Ok(sgd.set_velocities(&found)?)
            }
            Rule::AdamW(adamw) => {
                let pair = |(name, [first, second]): (&String, &[Tensor; 2])| {
                    Ok([find(name.clone(), first)?, find(second_name(name), second)?])
                };
                let found: Vec<[Tensor; 2]> =
                    self.names.iter().zip(adamw.moments()).map(pair).collect::<Result<_, NnError>>()?;
                Ok(adamw.set_moments(&found, n_steps)?)
            }
        }
    }
}

fn second_name(name: &str) -> String {
    [name, SECOND].concat()
}
