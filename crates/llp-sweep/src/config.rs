//! The complete configuration of one run, and how it comes about.
//!
//! A value is taken from the last of these that names it: the preset, configuration files from left to right,
//! environment variables, `--set` arguments, named arguments ([`Layers`]). Each value is judged where it is
//! written, so an error names file and line. The result is complete and canonical; its hash names the run.

mod added_losses;
mod arguments;
mod augment;
mod consistency;
mod document;
mod fold;
mod identity;
mod keys;
mod layers;
mod loss;
mod method;
mod nearest;
mod network;
mod noise;
mod optimizer;
mod precision;
pub mod preset;
mod text_form;
mod values;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use added_losses::AddedLosses;
pub(crate) use arguments::quoted;
pub use augment::{AugmentConfig, Edge, EvaluateConfig, Views};
pub use consistency::{Confidence, ConsistencyConfig, ConsistencyName};
pub(crate) use document::{Leaf, leaves};
pub use identity::Difference;
pub(crate) use keys::KEYS;
use keys::User;
pub use layers::Layers;
pub use loss::{LossConfig, LossName, Solver};
pub use method::{Approach, MethodConfig, MethodName};
pub(crate) use nearest::{nearest, nearest_key};
pub use network::{Architecture, Freeze, NetworkConfig, Stem, Widths};
pub use noise::BagNoise;
pub use optimizer::{LrSchedule, OptimConfig, OptimizerName};
pub use precision::Precision;
pub(crate) use values::{Values, accept, accept_text, known as known_key, text as value_text};

use crate::criterion::Criterion;
use crate::error::{Origin, SweepError};

/// The version of the configuration format that this program reads and writes.
pub const SCHEMA: u32 = 1;

/// Everything that determines the result of one training run, and a few keys that do not (path of the data,
/// name of the preset, how often to save), which stay out of [`hash8`](Self::hash8).
///
/// Comes from [`Layers::resolve`], [`RunConfig::read`] or a grid, which all leave it checked and canonical.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Version of the format: [`SCHEMA`].
    pub schema: u32,
    /// The preset that the defaults came from. Not hashed.
    pub preset: String,
    /// Seed of the network's initial weights, the order of the bags and the augmentation.
    pub seed: u64,
    /// The instances.
    pub data: DataConfig,
    /// How instances are put into bags.
    pub bags: BagsConfig,
    /// A classical method, where one trains the classifier.
    #[serde(default, skip_serializing_if = "MethodConfig::is_plain")]
    pub method: MethodConfig,
    /// The classifier.
    pub network: NetworkConfig,
    /// The bag-level loss.
    pub loss: LossConfig,
    /// A second view of each image, and what is asked of it.
    #[serde(default, skip_serializing_if = "ConsistencyConfig::is_plain")]
    pub consistency: ConsistencyConfig,
    /// The optimizer and its schedule.
    pub optim: OptimConfig,
    /// Random changes to the training images.
    pub augment: AugmentConfig,
    /// How instances are looked at in evaluation.
    #[serde(default, skip_serializing_if = "EvaluateConfig::is_plain")]
    pub evaluate: EvaluateConfig,
    /// What to save.
    pub checkpoint: CheckpointConfig,
}

/// `[data]`: which instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Name of the data set: `digits`, `cifar10`, `cifar100`, or one's own.
    pub name: String,
    /// The location of the data set: a hint that may change between machines. Not hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The table of proportions of one's own bags: a hint like the path. Not hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proportions: Option<String>,
    /// Pixels in each direction that one's own images are resized to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// What stands for missing numbers in one's own table of features; without it, they are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impute: Option<Impute>,
    /// Use only this many of the training instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_limit: Option<usize>,
    /// Fraction of the training instances set aside for held-out bags, in `[0, 1)`.
    pub held_out: f64,
    /// Seed of the choice of the held-out instances, and of which bag is in which fold.
    pub split_seed: u64,
    /// Cross-validation over bags: into this many folds the training bags are shared out; `held_out` then does not
    /// apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// The fold whose bags are held out, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<usize>,
}

/// What of the numbers of a column stands for those that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Impute {
    /// Their mean.
    Mean,
    /// Their median.
    Median,
}

/// `[bags]`: how instances are put into bags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BagsConfig {
    /// Instances per bag.
    pub size: usize,
    /// Seed of the assignment of instances to bags.
    pub seed: u64,
    /// A file with bags that were made before: a hint like the path of the data. Not hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Hash of the bags in that file, or its first digits. With it, the file alone says what is in which bag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Makes the proportions of the bags imprecise: for experiments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<BagNoise>,
}

/// `[checkpoint]`: what to save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Epochs between two checkpoints; the last epoch is always saved. Not hashed.
    pub every_epochs: usize,
    /// What the epoch is chosen by whose weights are kept beside the last ones; without it, the KL loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen_by: Option<Criterion>,
}

impl CheckpointConfig {
    /// What the epoch is chosen by whose weights are kept.
    pub fn chosen_by(&self) -> Criterion {
        self.chosen_by.unwrap_or(Criterion::Kl)
    }
}

impl RunConfig {
    /// Reads a complete configuration, as [`to_toml`](Self::to_toml) writes it.
    ///
    /// # Errors
    /// [`SweepError::Io`], and those of [`RunConfig::from_toml`].
    pub fn read(path: &Path) -> Result<Self, SweepError> {
        Self::from_toml(&path.display().to_string(), &fs_err::read_to_string(path)?)
    }

    /// Parses a complete configuration; `path` names the text in errors.
    ///
    /// # Errors
    /// Unknown, missing, mistyped and out-of-range keys, and another [`SCHEMA`], with file and line.
    pub fn from_toml(path: &str, text: &str) -> Result<Self, SweepError> {
        let mut values = Values::default();
        for leaf in leaves(path, text)? {
            values.set(&leaf.key, &leaf.value, &leaf.origin)?;
        }
        let config = values.to_config()?.canonical();
        config.check()?;
        Ok(config)
    }

    /// The complete configuration as TOML.
    pub fn to_toml(&self) -> String {
        Values::of(self).to_table().to_string()
    }

    /// Judges every value, and that the network and the loss have what they need.
    ///
    /// # Errors
    /// A value out of range, another [`SCHEMA`], or a missing key.
    pub fn check(&self) -> Result<(), SweepError> {
        let values = Values::of(self);
        for (key, value) in values.iter() {
            accept(key.name, value, &Origin::Program)?;
        }
        let (network, bags) = (&self.network, &self.bags);
        if bags.manifest.is_some() && bags.hash.is_none() {
            return Err(SweepError::missing_key("bags.hash", "a run with `bags.manifest`"));
        }
        if network.init.is_some() && network.init_hash.is_none() {
            return Err(SweepError::missing_key("network.init_hash", "a run with `network.init`"));
        }
        if network.freeze.is_some() && network.init_hash.is_none() {
            return Err(SweepError::missing_key("network.init", "a run with `network.freeze`"));
        }
        self.data.check_fold()?;
        let absent = KEYS.iter().filter(|key| values.get(key.name).is_none());
        let mut missing = absent.filter_map(|key| Some((key, self.needing(key.needed_by?)?)));
        missing.next().map_or(Ok(()), |(key, part)| Err(SweepError::missing_key(key.name, &part)))
    }

    /// The part of this configuration that needs a key of `user`.
    fn needing(&self, user: User) -> Option<String> {
        let (loss, network) = (&self.loss, self.network.name);
        let (is_one, kind, name) = match user {
            User::Network(of) => (network == of, "network", network.as_str()),
            User::Loss(of) => (loss.has(of), "loss", of.as_str()),
            User::Solver(of) => (loss.solver == Some(of), "loss", loss.name.as_str()),
        };
        is_one.then(|| format!("the {kind} `{name}`"))
    }

    /// The same run without the keys that do not apply to it: those of the ROT loss for other losses, the number of
    /// sweeps for a solver that has none, the extents of other networks, all that is said of networks for a classical method,
    /// how to draw bags that are in a file, to freeze
    /// nothing, SGD and single precision. Runs that differ only there become equal.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.method.canonicalize();
        if self.method.name.is_some() {
            self.leave_to_method();
        }
        self.loss.canonicalize();
        self.consistency.canonicalize();
        let network = &mut self.network;
        if network.name != Architecture::Resnet18 {
            (network.stem, network.width) = (None, None);
        }
        if network.name != Architecture::Airbench {
            network.widths = None;
        }
        if network.name != Architecture::Mlp {
            (network.hidden, network.depth) = (None, None);
        }
        network.freeze = network.freeze.filter(|freeze| *freeze != Freeze::None);
        self.optim.canonicalize();
        self.augment.canonicalize();
        self.evaluate.canonicalize();
        self.optim.precision = self.optim.precision.filter(|precision| *precision != Precision::Float32);
        self.checkpoint.chosen_by = self.checkpoint.chosen_by.filter(|criterion| *criterion != Criterion::Kl);
        if self.bags.hash.is_some() {
            self.bags.seed = 0;
            (self.data.train_limit, self.data.held_out) = (None, 0.0);
            if self.data.folds.is_none() {
                self.data.split_seed = 0;
            }
        }
        if self.data.folds.is_some() {
            self.data.held_out = 0.0;
        }
        self
    }
}
