//! A network for PyTorch: its tensors under torchvision's names, and what else a program needs to use them.

use llp_bags::own::FeatureSchema;
use llp_bags::{InstanceShape, Normalization};
use llp_sweep::config::NetworkConfig;
use serde::Serialize;

use crate::weights::serialize;
use crate::{CheckpointState, Predictor, TrainError};

/// The version of [`Description`] that this program writes.
const SCHEMA: u32 = 1;

/// What a program must know to use the tensors: `model.json`.
#[derive(Clone, Debug, Serialize)]
struct Description<'a> {
    schema: u32,
    /// Version of the program that trained the network.
    version: &'a str,
    config_hash: &'a str,
    network: &'a NetworkConfig,
    /// `image_shape` (height, width, channels), or `n_columns`.
    #[serde(flatten)]
    shape: InstanceShape,
    /// What the columns are, where instances are rows of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<&'a FeatureSchema>,
    /// Names of the classes in the order of the logits.
    class_names: &'a [String],
    /// Of each channel, in units of `pixel / 255`, or of each column.
    normalization: &'a Normalization,
}

/// The files of a network for PyTorch, by name: `model.safetensors`, which `load_state_dict` takes with `strict=True`,
/// and `model.json` with the extents of the network, the names of the classes and the normalization.
///
/// # Errors
/// When a tensor cannot be read.
pub fn files(predictor: &Predictor) -> Result<[(&'static str, Vec<u8>); 2], TrainError> {
    let state = predictor.state();
    let tensors = predictor.network().state_dict().to_tensors(state.position.total_steps)?;
    Ok([("model.safetensors", serialize(tensors.iter())?), ("model.json", describe(state)?)])
}

fn describe(state: &CheckpointState) -> Result<Vec<u8>, TrainError> {
    let description = Description {
        schema: SCHEMA,
        version: &state.version,
        config_hash: &state.config_hash,
        network: &state.network,
        shape: state.shape,
        features: state.features.as_ref(),
        class_names: &state.class_names,
        normalization: &state.normalization,
    };
    Ok(serde_json::to_vec_pretty(&description).map_err(std::io::Error::from)?)
}
