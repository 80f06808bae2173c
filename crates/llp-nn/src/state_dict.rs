//! The named tensors of a network.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};
use llp_kernels::BatchNorm;

use crate::NnError;

/// Suffix of the step counters that PyTorch keeps beside running statistics and expects in a state dictionary.
const STEP_COUNTER: &str = "num_batches_tracked";

/// What a tensor is to the optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A weight or bias of a convolution or linear layer.
    Weight,
    /// A scale or shift of a batch norm: trained, often without weight decay.
    BatchNorm,
    /// A running statistic: never trained.
    RunningStatistic,
    /// Anything in a frozen part of the network: never trained.
    Frozen,
}

/// One tensor of a network.
#[derive(Clone, Debug)]
pub struct Entry {
    /// torchvision's name.
    pub name: String,
    /// The tensor itself, shared with the network.
    pub var: Var,
    /// What it is to the optimizer.
    pub role: Role,
}

/// All tensors of a network, in the order of its layers.
#[derive(Clone, Debug, Default)]
pub struct StateDict {
    entries: Vec<Entry>,
}

impl StateDict {
    /// The tensors in the order of the layers.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The variables of one role, in the order of the layers.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.role == role)
    }

    pub(crate) fn push(&mut self, name: String, var: &Var, role: Role) {
        self.entries.push(Entry { name, var: var.clone(), role });
    }

    /// Marks all tensors so far as frozen.
    pub(crate) fn freeze(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.role = Role::Frozen);
    }

    pub(crate) fn push_batch_norm(&mut self, prefix: &str, norm: &BatchNorm) {
        self.push(format!("{prefix}.weight"), norm.gamma(), Role::BatchNorm);
        self.push_bias_norm(prefix, norm);
    }

    /// A batch norm without a trained scale.
    pub(crate) fn push_bias_norm(&mut self, prefix: &str, norm: &BatchNorm) {
        self.push(format!("{prefix}.bias"), norm.beta(), Role::BatchNorm);
        self.push(format!("{prefix}.running_mean"), norm.running_mean(), Role::RunningStatistic);
        self.push(format!("{prefix}.running_var"), norm.running_variance(), Role::RunningStatistic);
    }

    /// A complete PyTorch state dictionary: every tensor (not a copy), and for each batch norm the scalar
    /// `num_batches_tracked`, set to the number of training steps.
    ///
    /// # Errors
    /// When a counter cannot be allocated.
    pub fn to_tensors(&self, n_steps: u64) -> Result<HashMap<String, Tensor>, NnError> {
        let mut tensors = HashMap::new();
        for entry in &self.entries {
            tensors.insert(entry.name.clone(), entry.var.as_detached_tensor());
            if let Some(prefix) = entry.name.strip_suffix("running_mean") {
                let counter =
                    Tensor::from_vec(vec![i64::try_from(n_steps).unwrap_or(i64::MAX)], (), &Device::Cpu)?;
                tensors.insert(format!("{prefix}{STEP_COUNTER}"), counter);
            }
        }
        Ok(tensors)
    }

    /// Sets every tensor from a state dictionary with the same names and shapes; step counters are ignored.
    ///
    /// # Errors
    /// When a tensor is missing, unknown or has another shape; nothing is changed then.
    pub fn load(&self, tensors: &HashMap<String, Tensor>) -> Result<(), NnError> {
        for entry in &self.entries {
            let tensor = tensors.get(&entry.name).ok_or_else(|| NnError::missing(&entry.name))?;
            if tensor.shape() != entry.var.shape() {
                return Err(NnError::other_shape(&entry.name, entry.var.dims(), tensor.dims()));
            }
        }
        let mut names: Vec<&String> = tensors.keys().filter(|name| !name.ends_with(STEP_COUNTER)).collect();
        names.sort();
        if let Some(name) =
            names.into_iter().find(|name| self.entries.iter().all(|entry| entry.name != **name))
        {
            let problem = format!("the tensor {name:?} is not part of this network");
            return Err(NnError::Input(format!("{problem}: is this a checkpoint of another architecture?")));
        }
        for entry in &self.entries {
            let tensor = tensors[&entry.name].to_dtype(DType::F32)?.to_device(entry.var.device())?;
            entry.var.set(&tensor.contiguous()?)?;
        }
        Ok(())
    }
}
