//! Checkpoints: complete or absent, each in a folder of its own.
//!
//! ```text
//! checkpoints/e0390/            after 390 epochs; e0390s00012: and 12 steps of the next
//!     model.safetensors         the network, by torchvision's names
//!     chosen.safetensors        the network after the best epoch so far, unless that is this one or there is none
//!     optimizer.safetensors     the optimizer's state, by the same names (AdamW: two tensors each);
//!                               absent once a run is complete
//!     state.json                position, what is needed to use the network, hashes of the files above
//! ```
//!
//! A checkpoint is written into a folder aside, synced and renamed, so a reader never sees half of one. The hashes
//! in `state.json` reveal damage that happens later; a run then goes on from the checkpoint before.

mod folders;
mod tensors;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load as _;
use candle_core::{Device, Tensor};
use llp_bags::own::FeatureSchema;
use llp_bags::{InstanceShape, Normalization};
use llp_data::DataError;
use llp_sweep::config::{NetworkConfig, RunConfig, Views};
use llp_sweep::record::Solution;
use serde::{Deserialize, Serialize};

use folders::{name, write_folder};

use crate::chosen::{Chosen, ChosenEpoch};
use crate::position::Position;
use crate::weights::{serialize, weights_file};
use crate::{TrainError, Trainer, TrainingData};

/// The version of `state.json` that this program reads and writes.
const SCHEMA: u32 = 1;

const MODEL: &str = "model.safetensors";
const CHOSEN: &str = "chosen.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";

/// Everything in a checkpoint but the tensors: `state.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// Version of the format.
    pub schema: u32,
    /// Version of the program that wrote it.
    pub version: String,
    /// Hash of the run's configuration.
    pub config_hash: String,
    /// Identifies the content of the data set that was trained on.
    pub data_fingerprint: String,
    /// Where the training stood.
    pub position: Position,
    /// The best epoch so far; absent without held-out bags, and in checkpoints of versions that chose none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<ChosenEpoch>,
    /// How a classical method found the weights; absent where a network was trained by steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<Solution>,
    /// The network's configuration, without where it was started from.
    pub network: NetworkConfig,
    /// The views of an image whose logits are averaged in evaluation and prediction.
    #[serde(default, skip_serializing_if = "is_one")]
    pub views: Views,
    /// Shape of an instance: `image_shape` (height, width, channels), or `n_columns`.
    #[serde(flatten)]
    pub shape: InstanceShape,
    /// Names of the classes, in the order of the logits.
    pub class_names: Vec<String>,
    /// What the columns are, where instances are rows of one's own table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureSchema>,
    /// Statistics that instances are normalized with.
    pub normalization: Normalization,
    /// BLAKE3 of each file beside this one, by name.
    pub files: BTreeMap<String, String>,
}

/// A checkpoint in memory.
#[derive(Debug)]
pub struct Checkpoint {
    /// Position and description.
    pub state: CheckpointState,
    /// The network's tensors.
    pub weights: HashMap<String, Tensor>,
    /// The optimizer's state by parameter name, unless it was dropped.
    pub optimizer: Option<HashMap<String, Tensor>>,
    /// The best epoch so far.
    pub(crate) chosen: Option<Chosen>,
}

impl Checkpoint {
    /// Writes a trainer's state below `folder` and returns the checkpoint's own folder.
    pub(crate) fn write(
        folder: &Path,
        trainer: &Trainer<'_>,
        data: &TrainingData,
        config: &RunConfig,
        version: &str,
        keeps_optimizer: bool,
    ) -> Result<PathBuf, TrainError> {
        let files = Self::files(trainer, data, config, version, keeps_optimizer)?;
        let path = folder.join(name(trainer.position()));
        write_folder(folder, &path, &files)?;
        Ok(path)
    }

    /// The files of a trainer's state, by their names.
    pub(crate) fn files(
        trainer: &Trainer<'_>,
        data: &TrainingData,
        config: &RunConfig,
        version: &str,
        keeps_optimizer: bool,
    ) -> Result<Vec<(&'static str, Vec<u8>)>, TrainError> {
        let position = trainer.position();
        let mut files = vec![(MODEL, weights_file(trainer.network(), position.total_steps)?)];
        let chosen = trainer.chosen();
        if let Some(chosen) = chosen.filter(|chosen| !is_after(position, chosen.epoch)) {
            files.push((CHOSEN, chosen.model.clone()));
        }
        if keeps_optimizer {
            files.push((OPTIMIZER, serialize(trainer.optimizer_state().into_iter())?));
        }
        let state = CheckpointState {
            schema: SCHEMA,
            version: version.to_owned(),
            config_hash: config.hash8(),
            data_fingerprint: data.fingerprint.clone(),
            position: position.clone(),
            chosen: chosen.map(|chosen| chosen.epoch),
            solution: trainer.solution().cloned(),
            network: NetworkConfig { init: None, ..config.network.clone() },
            views: config.evaluate.views(),
            shape: data.bags.data().shape(),
            class_names: data.class_names.clone(),
            features: data.features.clone(),
            normalization: data.normalization.clone(),
            files: files.iter().map(|(name, bytes)| ((*name).to_owned(), hash(bytes))).collect(),
        };
        let json = serde_json::to_vec_pretty(&state).map_err(std::io::Error::from)?;
        files.push((STATE, json));
        Ok(files)
    }

    /// Reads the checkpoint in `path`, and checks that its files are what was written.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] with what is wrong.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        Self::from_files(path, |file| fs_err::read(path.join(file)))
    }

    /// The checkpoint whose files `read` gives by their names; `path` is where they are for people.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] with what is wrong.
    pub fn from_files(
        path: &Path,
        read: impl Fn(&str) -> std::io::Result<Vec<u8>>,
    ) -> Result<Self, TrainError> {
        let fault = |error: DataError| TrainError::Checkpoint(error.in_file(path));
        let state = parse_state(read(STATE)).map_err(fault)?;
        let bytes = |file: &str| -> Result<Option<Vec<u8>>, DataError> {
            let Some(expected) = state.files.get(file) else { return Ok(None) };
            let bytes = read(file).map_err(|error| unreadable(file, &error))?;
            if hash(&bytes) != *expected {
                return Err(damaged(file));
            }
            Ok(Some(bytes))
        };
        let tensors = |file: &str, bytes: &[u8]| load(bytes).map_err(|error| unreadable(file, &*error));
        let model = bytes(MODEL).map_err(fault)?;
        let model = model.ok_or_else(|| fault(damaged(STATE)))?;
        let weights = tensors(MODEL, &model).map_err(fault)?;
        let optimizer = bytes(OPTIMIZER).map_err(fault)?;
        let optimizer = optimizer.map(|bytes| tensors(OPTIMIZER, &bytes)).transpose().map_err(fault)?;
        let chosen = match state.chosen {
            Some(epoch) if is_after(&state.position, epoch) => Some(Chosen { epoch, model }),
            Some(epoch) => bytes(CHOSEN).map_err(fault)?.map(|model| Chosen { epoch, model }),
            None => None,
        };
        Ok(Self { state, weights, optimizer, chosen })
    }

    /// The checkpoint with the weights after the best epoch so far in place of the last ones; unchanged where none was
    /// chosen.
    ///
    /// # Errors
    /// When the file of these weights is damaged.
    pub fn with_chosen_weights(mut self) -> Result<Self, DataError> {
        if let Some(chosen) = &self.chosen {
            self.weights = load(&chosen.model).map_err(|error| unreadable(CHOSEN, &*error))?;
        }
        Ok(self)
    }

    /// Writes the files of a checkpoint into the folder `path`, which takes the place of a checkpoint that is there.
    ///
    /// # Errors
    /// When the disk refuses, or `path` is something else than a checkpoint.
    pub(crate) fn write_files(path: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), TrainError> {
        if path.exists() && !path.join(STATE).is_file() {
            return Err(TrainError::checkpoint(path, MISSING));
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        fs_err::create_dir_all(parent)?;
        write_folder(parent, path, files)
    }

    /// Checks that this checkpoint, read from `path`, is one of the run with this configuration and data.
    ///
    /// # Errors
    /// It belongs to another run, or to other data.
    pub fn check(&self, path: &Path, config: &RunConfig, data: &TrainingData) -> Result<(), TrainError> {
        let (expected, got) = (config.hash8(), &self.state.config_hash);
        if *got != expected {
            let problem = format!("it belongs to a run with configuration {got}, not {expected}");
            return Err(TrainError::checkpoint(path, problem));
        }
        if self.state.data_fingerprint != data.fingerprint {
            let short = |fingerprint: &str| fingerprint.chars().take(16).collect::<String>();
            let (got, expected) = (short(&data.fingerprint), short(&self.state.data_fingerprint));
            let problem = format!("the data has fingerprint {got}, this run was started with {expected}");
            return Err(DataError::new(problem).remedy("give the original data with --data PATH").into());
        }
        Ok(())
    }
}

/// Whether the views are the image alone, which goes without saying.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_one(views: &Views) -> bool {
    *views == Views::One
}

/// Whether a position is right after an epoch.
fn is_after(position: &Position, chosen: ChosenEpoch) -> bool {
    (position.epoch, position.step) == (chosen.epoch, 0)
}

/// The message about a folder without a checkpoint.
const MISSING: &str = "no checkpoint here";

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn unreadable(file: &str, error: &dyn std::fmt::Display) -> DataError {
    DataError::new(format!("{file} cannot be read: {error}"))
}

fn damaged(file: &str) -> DataError {
    let problem = format!("{file} is damaged");
    DataError::new(problem).remedy("its content does not have the hash that was recorded with it")
}

fn load(bytes: &[u8]) -> Result<HashMap<String, Tensor>, Box<dyn std::error::Error>> {
    let file = tensors::open(bytes)?;
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        Ok((name.to_owned(), view.load(&Device::Cpu)?))
    };
    file.iter().map(tensor).collect()
}

fn parse_state(bytes: std::io::Result<Vec<u8>>) -> Result<CheckpointState, DataError> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let bytes = match bytes {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(DataError::new(MISSING)),
        bytes => bytes.map_err(|error| unreadable(STATE, &error))?,
    };
    let Version { schema } = serde_json::from_slice(&bytes).map_err(|error| unreadable(STATE, &error))?;
    if schema != SCHEMA {
        let problem = format!("schema {schema} is not supported, this program reads schema {SCHEMA}");
        return Err(DataError::new(problem));
    }
    serde_json::from_slice(&bytes).map_err(|error| unreadable(STATE, &error))
}
