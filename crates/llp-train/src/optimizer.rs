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
    groups: Vec<Group>,
}

/// Parameters that are trained alike.
#[derive(Debug)]
struct Group {
    /// Names of the parameters, in the rule's order.
    names: Vec<String>,
    rule: Rule,
    /// What the learning rate is multiplied by.
    lr_factor: f64,
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
        let entries = |role| state.with_role(role).map(|entry| (entry.name.clone(), entry.var.clone()));
        let group = |decayed: Vec<(String, Var)>, undecayed: Vec<(String, Var)>, lr_factor| {
            let names = decayed.iter().chain(&undecayed).map(|(name, _)| name.clone()).collect();
            let vars = |named: Vec<(String, Var)>| named.into_iter().map(|(_, var)| var).collect::<Vec<_>>();
            Ok::<_, candle_core::Error>(Group {
                names,
                rule: Rule::new(config, vars(decayed), vars(undecayed))?,
                lr_factor,
            })
        };
        let weights: Vec<_> = entries(Role::Weight).collect();
        let (biases, norms): (Vec<_>, Vec<_>) = entries(Role::BatchNorm)
            .partition(|(name, _)| config.norm_bias_lr.is_some() && name.rsplit('.').next() == Some("bias"));
        let (decayed, undecayed) =
            if config.decay_batch_norm { ([weights, norms].concat(), Vec::new()) } else { (weights, norms) };
        let mut groups = vec![group(decayed, undecayed, 1.0)?];
        if let Some(factor) = config.norm_bias_lr {
            let (decayed, undecayed) =
                if config.decay_batch_norm { (biases, Vec::new()) } else { (Vec::new(), biases) };
            groups.push(group(decayed, undecayed, factor)?);
        }
        Ok(Self { groups })
    }

    pub(crate) fn step(&mut self, gradients: &GradStore, lr: f64) -> candle_core::Result<()> {
        self.groups.iter_mut().try_for_each(|group| match &mut group.rule {
            Rule::Sgd(sgd) => sgd.step(gradients, lr * group.lr_factor),
            Rule::AdamW(adamw) => adamw.step(gradients, lr * group.lr_factor),
        })
    }

    /// All that a step depends on beside weights, gradients and the number of steps.
    pub(crate) fn state(&self) -> Vec<(String, Tensor)> {
        self.groups.iter().flat_map(Group::state).collect()
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
        let found: Vec<_> =
            self.groups.iter().map(|group| group.find(state, device)).collect::<Result<_, _>>()?;
        self.groups.iter_mut().zip(found).try_for_each(|(group, found)| match (&mut group.rule, found) {
            (Rule::Sgd(sgd), Found::Velocities(velocities)) => Ok(sgd.set_velocities(&velocities)?),
            (Rule::AdamW(adamw), Found::Moments(moments)) => Ok(adamw.set_moments(&moments, n_steps)?),
            _ => unreachable!("a group finds the state of its own rule"),
        })
    }
}

impl Rule {
    fn new(config: &OptimConfig, decayed: Vec<Var>, undecayed: Vec<Var>) -> candle_core::Result<Self> {
        let &OptimConfig { momentum, weight_decay, .. } = config;
        Ok(match config.name() {
            OptimizerName::AdamW => {
                let config = AdamWConfig { beta1: momentum, weight_decay, ..AdamWConfig::default() };
                Self::AdamW(AdamW::new(decayed, undecayed, config)?)
            }
            OptimizerName::Sgd => {
                let nesterov = config.nesterov.unwrap_or_default();
                Self::Sgd(Sgd::new(decayed, undecayed, SgdConfig { momentum, weight_decay, nesterov })?)
            }
        })
    }
}

/// The state of a group, from a checkpoint.
enum Found {
    Velocities(Vec<Tensor>),
    Moments(Vec<[Tensor; 2]>),
}

impl Group {
    fn state(&self) -> Vec<(String, Tensor)> {
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

    fn find(&self, state: &HashMap<String, Tensor>, device: &Device) -> Result<Found, NnError> {
        let find = |name: &str, like: &Tensor| find(state, name, like, device);
        Ok(match &self.rule {
            Rule::Sgd(sgd) => {
                let named = self.names.iter().zip(sgd.velocities());
                Found::Velocities(named.map(|(name, like)| find(name, like)).collect::<Result<_, _>>()?)
            }
            Rule::AdamW(adamw) => {
                let pair = |(name, [first, second]): (&String, &[Tensor; 2])| {
                    Ok([find(name, first)?, find(&second_name(name), second)?])
                };
                Found::Moments(
                    self.names.iter().zip(adamw.moments()).map(pair).collect::<Result<_, NnError>>()?,
                )
            }
        })
    }
}

fn second_name(name: &str) -> String {
    [name, SECOND].concat()
}

/// The tensor of a name, of the shape of another.
pub(crate) fn find(
    state: &HashMap<String, Tensor>,
    name: &str,
    like: &Tensor,
    device: &Device,
) -> Result<Tensor, NnError> {
    let found = state.get(name).ok_or_else(|| NnError::missing(name))?;
    if found.shape() != like.shape() {
        return Err(NnError::other_shape(name, like.dims(), found.dims()));
    }
    Ok(found.to_dtype(DType::F32)?.to_device(device)?)
}
