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

mod tensors;

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load as _;
use candle_core::{Device, Tensor};
use llp_bags::own::FeatureSchema;
use llp_bags::{InstanceShape, Normalization};
use llp_nn::Network;
use llp_sweep::config::{NetworkConfig, RunConfig, Views};
use llp_sweep::record::Solution;
use llp_sweep::run_dir::RunDir;
use serde::{Deserialize, Serialize};

use crate::chosen::{Chosen, ChosenEpoch};
use crate::error::CheckpointFault;
use crate::{Position, TrainError, Trainer, TrainingData};

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
        let fault = |reason| TrainError::Checkpoint { path: path.to_owned(), reason };
        let state = parse_state(read(STATE)).map_err(fault)?;
        let bytes = |file: &str| -> Result<Option<Vec<u8>>, CheckpointFault> {
            let Some(expected) = state.files.get(file) else { return Ok(None) };
            let bytes = read(file).map_err(|error| unreadable(file, &error))?;
            if hash(&bytes) != *expected {
                return Err(CheckpointFault::Damaged { file: file.to_owned() });
            }
            Ok(Some(bytes))
        };
        let tensors = |file: &str, bytes: &[u8]| load(bytes).map_err(|error| unreadable(file, &*error));
        let model = bytes(MODEL).map_err(fault)?;
        let model = model.ok_or_else(|| fault(CheckpointFault::Damaged { file: STATE.to_owned() }))?;
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
    pub fn with_chosen_weights(mut self) -> Result<Self, CheckpointFault> {
        if let Some(chosen) = &self.chosen {
            self.weights = load(&chosen.model).map_err(|error| unreadable(CHOSEN, &*error))?;
        }
        Ok(self)
    }

    /// Writes the files of a checkpoint into the folder `path`, which takes the place of a checkpoint that is there.
    ///
    /// # Errors
    /// When the disk refuses, or `path` is something else than a checkpoint.
    pub fn write_files(path: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), TrainError> {
        if path.exists() && !path.join(STATE).is_file() {
            return Err(TrainError::Checkpoint { path: path.to_owned(), reason: CheckpointFault::Missing });
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        fs_err::create_dir_all(parent)?;
        write_folder(parent, path, files)
    }

    /// Checks that this checkpoint, read from `path`, is one of the run with this configuration and data.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] with [`CheckpointFault::OtherRun`], or [`TrainError::OtherData`].
    pub fn check(&self, path: &Path, config: &RunConfig, data: &TrainingData) -> Result<(), TrainError> {
        let (expected, got) = (config.hash8(), &self.state.config_hash);
        if *got != expected {
            let reason = CheckpointFault::OtherRun { expected, got: got.clone() };
            return Err(TrainError::Checkpoint { path: path.to_owned(), reason });
        }
        if self.state.data_fingerprint != data.fingerprint {
            let short = |fingerprint: &str| fingerprint.chars().take(16).collect();
            return Err(TrainError::OtherData {
                expected: short(&self.state.data_fingerprint),
                got: short(&data.fingerprint),
            });
        }
        Ok(())
    }

    /// The checkpoint that `path` names: its own folder, or a run's, of which it is the newest.
    ///
    /// # Errors
    /// When there is no run or checkpoint, or a run without one.
    pub fn locate(path: &Path) -> Result<PathBuf, TrainError> {
        if path.join(STATE).is_file() {
            return Ok(path.to_owned());
        }
        let (run, _) = RunDir::open(path)?;
        let newest = Self::list(&run.checkpoints_dir())?.into_iter().next();
        newest.ok_or_else(|| TrainError::NoCheckpoint { run: path.to_owned() })
    }

    /// The checkpoints below `folder`, from the newest to the oldest.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn list(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
        let mut found = Vec::new();
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            if let Some(place) = path.file_name().and_then(|name| name.to_str()).and_then(parse_name) {
                found.push((place, path));
            }
        }
        found.sort();
        Ok(found.into_iter().rev().map(|(_, path)| path).collect())
    }

    /// Bytes of a checkpoint on the disk: of all but the optimizer's state, and of everything.
    pub(crate) fn bytes(path: &Path) -> Result<(u64, u64), TrainError> {
        let mut all = 0;
        for entry in fs_err::read_dir(path)? {
            all += entry?.metadata()?.len();
        }
        let optimizer = fs_err::metadata(path.join(OPTIMIZER)).map_or(0, |metadata| metadata.len());
        Ok((all - optimizer, all))
    }

    /// Removes all checkpoints below `folder` but the `keep` newest, and whatever a killed process left half-written.
    pub(crate) fn prune(folder: &Path, keep: usize) -> Result<(), TrainError> {
        for path in Self::list(folder)?.iter().skip(keep) {
            fs_err::remove_dir_all(path)?;
        }
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(ASIDE) {
                fs_err::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// The weights of a network as a file.
pub(crate) fn weights_file(network: &Network, n_steps: u64) -> Result<Vec<u8>, TrainError> {
    serialize(network.state_dict().to_tensors(n_steps)?.iter())
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

/// First letters of a folder that is being written.
const ASIDE: &str = ".writing-";

fn name(position: &Position) -> String {
    match position.step {
        0 => format!("e{:04}", position.epoch),
        step => format!("e{:04}s{step:05}", position.epoch),
    }
}

/// Epochs and steps from a checkpoint's name.
fn parse_name(name: &str) -> Option<(usize, usize)> {
    let numbers = name.strip_prefix('e')?;
    let (epoch, step) = numbers.split_once('s').unwrap_or((numbers, "0"));
    Some((epoch.parse().ok()?, step.parse().ok()?))
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn unreadable(file: &str, error: &dyn std::fmt::Display) -> CheckpointFault {
    CheckpointFault::Unreadable { file: file.to_owned(), message: error.to_string() }
}

fn load(bytes: &[u8]) -> Result<HashMap<String, Tensor>, Box<dyn std::error::Error>> {
    let file = tensors::open(bytes)?;
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        Ok((name.to_owned(), view.load(&Device::Cpu)?))
    };
    file.iter().map(tensor).collect()
}

fn parse_state(bytes: std::io::Result<Vec<u8>>) -> Result<CheckpointState, CheckpointFault> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let bytes = match bytes {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(CheckpointFault::Missing),
        bytes => bytes.map_err(|error| unreadable(STATE, &error))?,
    };
    let Version { schema } = serde_json::from_slice(&bytes).map_err(|error| unreadable(STATE, &error))?;
    if schema != SCHEMA {
        return Err(CheckpointFault::Schema { got: schema, supported: SCHEMA });
    }
    serde_json::from_slice(&bytes).map_err(|error| unreadable(STATE, &error))
}

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

/// Writes files into a folder aside, then gives it its name.
fn write_folder(parent: &Path, path: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), TrainError> {
    let aside = parent.join(format!("{ASIDE}{}", path.file_name().unwrap_or_default().to_string_lossy()));
    if aside.exists() {
        fs_err::remove_dir_all(&aside)?;
    }
    if let Err(error) = fill(&aside, files) {
        // A disk that is full stays less so; what cannot be removed either goes with the next checkpoint.
        let _ = fs_err::remove_dir_all(&aside);
        return Err(error);
    }
    if path.exists() {
        // The same position was saved before: a damaged checkpoint, or one with an optimizer that is dropped now.
        fs_err::remove_dir_all(path)?;
    }
    fs_err::rename(&aside, path)?;
    sync(parent)
}

fn fill(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), TrainError> {
    fs_err::create_dir_all(folder)?;
    for (name, bytes) in files {
        let mut file = fs_err::File::create(folder.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    sync(folder)
}

/// Makes the names in a folder last. Nothing to do where folders cannot be synced.
fn sync(folder: &Path) -> Result<(), TrainError> {
    if cfg!(unix) {
        fs_err::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
