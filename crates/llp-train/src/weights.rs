//! Tensors as files.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use llp_nn::Network;

use crate::TrainError;

/// The weights of a network as a file.
pub(crate) fn weights_file(network: &Network, n_steps: u64) -> Result<Vec<u8>, TrainError> {
    serialize(network.state_dict().to_tensors(n_steps)?.iter())
}

/// Tensors by their names as a file of safetensors.
pub(crate) fn serialize<S, T>(tensors: impl Iterator<Item = (S, T)>) -> Result<Vec<u8>, TrainError>
where
    S: AsRef<str> + Ord + std::fmt::Display,
    T: AsRef<Tensor>,
{
    // Copied here, since safetensors' own way to read a tensor panics where a GPU has been lost.
    let on_cpu = |(name, tensor): (S, T)| Ok((name, tensor.as_ref().to_device(&Device::Cpu)?));
    let owned: Vec<(S, Tensor)> = tensors.map(on_cpu).collect::<candle_core::Result<_>>()?;
    let views = owned.iter().map(|(name, tensor)| (name.as_ref(), tensor));
    // One entry only: the order of several would differ from run to run. PyTorch's loaders look for this one.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    Ok(safetensors::serialize(views, Some(metadata)).map_err(candle_core::Error::from)?)
}
