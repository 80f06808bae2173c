//! The complete configuration of one run, and how it comes about.
//!
//! A value is taken from the last of these that names it: the preset, configuration files from left to right,
//! environment variables, `--set` arguments, named arguments ([`Layers`]). Each value is judged where it is
//! written, so an error names file and line. The result is complete and canonical; its hash names the run.

mod arguments;
mod document;
mod fold;
mod identity;
mod keys;
mod layers;
mod nearest;
mod noise;
pub mod preset;
mod values;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub(crate) use document::{Leaf, leaves};
pub use identity::Difference;
pub(crate) use keys::KEYS;
pub use layers::Layers;
pub(crate) use nearest::nearest;
pub use noise::BagNoise;
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
    /// The classifier.
    pub network: NetworkConfig,
    /// The bag-level loss.
    pub loss: LossConfig,
    /// The optimizer and its schedule.
    pub optim: OptimConfig,
    /// Random changes to the training images.
    pub augment: AugmentConfig,
    /// What to save.
    pub checkpoint: CheckpointConfig,
}

/// `[data]`: which instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Name of the data set: `digits`, `cifar10`, `cifar100`, or one's own.
    pub name: String,
    /// Where the data set lies: a hint that may change between machines. Not hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The table of proportions of one's own bags: a hint like the path. Not hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proportions: Option<String>,
    /// Pixels in each direction that one's own images are resized to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// Use only so many of the training instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_limit: Option<usize>,
    /// Fraction of the training instances set aside for held-out bags, in `[0, 1)`.
    pub held_out: f64,
    /// Seed of the choice of the held-out instances, and of which bag is in which fold.
    pub split_seed: u64,
    /// Cross-validation over bags: into so many folds the training bags are shared out; `held_out` then does not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// The fold whose bags are held out, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<usize>,
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

/// `[network]`: the classifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// The architecture.
    pub name: Architecture,
    /// Its first layers; [`Architecture::Resnet18`] only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stem: Option<Stem>,
    /// Channels of the first stage, 64 in torchvision's ResNet-18; [`Architecture::Resnet18`] only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Units of each hidden layer; [`Architecture::Mlp`] only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<usize>,
    /// Hidden layers; [`Architecture::Mlp`] only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// A file of weights to start from, or the name of a network on the hub: a hint like the path of the data. Not
    /// hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
    /// Hash of that file, its first digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_hash: Option<String>,
    /// How much of what it starts from stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
}

/// Layers that are not trained, counted from the images; their batch norms keep their statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freeze {
    /// None: the same as no such key.
    None,
    /// The first convolution.
    Stem,
    /// The first stage too.
    Layer1,
    /// The second stage too.
    Layer2,
    /// The third stage too.
    Layer3,
    /// Everything but the last layer.
    Layer4,
}

/// A network architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Architecture {
    /// The residual network of 18 layers.
    Resnet18,
    /// A multilayer perceptron.
    Mlp,
    /// A linear model.
    Linear,
}

impl Architecture {
    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resnet18 => "resnet18",
            Self::Mlp => "mlp",
            Self::Linear => "linear",
        }
    }
}

/// The first layers of a residual network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// One 3x3 convolution of stride 1, for small images.
    Cifar,
    /// A 7x7 convolution of stride 2 and a pooling, for images of about 224 pixels.
    Imagenet,
}

impl Stem {
    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cifar => "cifar",
            Self::Imagenet => "imagenet",
        }
    }
}

/// `[loss]`: the bag-level loss. The last four apply to [`LossName::Rot`] only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// Which loss.
    pub name: LossName,
    /// Weight of the instance term against the proportion term, in `(0, 1]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Weight of the entropy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// How the transport problem is solved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solver: Option<Solver>,
    /// Number of Sinkhorn sweeps; [`Solver::Sinkhorn`] only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweeps: Option<usize>,
}

/// A bag-level loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossName {
    /// Cross-entropy of the mean prediction of a bag, section 3.1.
    Kl,
    /// The relaxed optimal transport loss, equation (6).
    Rot,
    /// Mean cross-entropy of each instance with its bag's proportions: the baseline of section 4.1.
    AvgKl,
    /// L1 distance of the mean prediction and the proportions.
    L1,
    /// L2 distance of the mean prediction and the proportions.
    L2,
    /// Distance of the mean prediction from the proportions within the bounds of the bag.
    Interval,
    /// Likelihood of what is known of imprecise proportions.
    Marginal,
}

impl LossName {
    /// The name in configurations and folder names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kl => "kl",
            Self::Rot => "rot",
            Self::AvgKl => "avg-kl",
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Interval => "interval",
            Self::Marginal => "marginal",
        }
    }

    /// The name in figures and tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kl => "KL",
            Self::Rot => "ROT",
            Self::AvgKl => "AvgKL",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::Interval => "Interval",
            Self::Marginal => "Marginal",
        }
    }
}

/// A solver of the transport problem behind the ROT loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// Newton's method on the dual: exact.
    Newton,
    /// Algorithm 1 with a fixed number of sweeps, as in the paper.
    Sinkhorn,
}

/// `[optim]`: stochastic gradient descent and its schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimConfig {
    /// Initial learning rate.
    pub lr: f64,
    /// Momentum, in `[0, 1)`.
    pub momentum: f64,
    /// Weight decay, added to the gradient.
    pub weight_decay: f64,
    /// Whether the scales and shifts of batch norm decay too.
    pub decay_batch_norm: bool,
    /// Passes over the training bags.
    pub epochs: usize,
    /// After which fraction of the epochs the learning rate drops, in `(0, 1]`.
    pub lr_drop_at: f64,
    /// What the learning rate is then divided by.
    pub lr_drop_factor: f64,
    /// Images per step; a step takes as many whole bags as fit, and at least one.
    pub images_per_step: usize,
    /// Images in the network at once, where memory does not hold a step: more are taken in chunks of about this size,
    /// each normalized by its own batch statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images_per_chunk: Option<usize>,
}

/// `[augment]`: random changes to the training images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
    /// Largest shift in each direction, in pixels.
    pub shift: usize,
    /// Whether images are mirrored left-right with probability one half.
    pub mirror: bool,
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
    /// [`SweepError::InvalidValue`], [`SweepError::UnsupportedSchema`] or [`SweepError::MissingKey`].
    pub fn check(&self) -> Result<(), SweepError> {
        for (key, value) in Values::of(self).iter() {
            accept(key.name, value, &Origin::Program)?;
        }
        let (loss, network, bags) = (&self.loss, &self.network, &self.bags);
        let loss_name = format!("the loss `{}`", loss.name.as_str());
        let network_name = format!("the network `{}`", network.name.as_str());
        let (is_resnet, is_mlp) = (network.name == Architecture::Resnet18, network.name == Architecture::Mlp);
        let is_rot = loss.name == LossName::Rot;
        if bags.manifest.is_some() && bags.hash.is_none() {
            return Err(missing("bags.hash", "a run with `bags.manifest`"));
        }
        if network.init.is_some() && network.init_hash.is_none() {
            return Err(missing("network.init_hash", "a run with `network.init`"));
        }
        if network.freeze.is_some() && network.init_hash.is_none() {
            return Err(missing("network.init", "a run with `network.freeze`"));
        }
        self.data.check_fold()?;
        let needs = [
            ("network.stem", network.stem.is_none(), is_resnet, &network_name),
            ("network.width", network.width.is_none(), is_resnet, &network_name),
            ("network.hidden", network.hidden.is_none(), is_mlp, &network_name),
            ("network.depth", network.depth.is_none(), is_mlp, &network_name),
            ("loss.alpha", loss.alpha.is_none(), is_rot, &loss_name),
            ("loss.epsilon", loss.epsilon.is_none(), is_rot, &loss_name),
            ("loss.solver", loss.solver.is_none(), is_rot, &loss_name),
            ("loss.sweeps", loss.sweeps.is_none(), loss.solver == Some(Solver::Sinkhorn), &loss_name),
        ];
        match needs.iter().find(|(_, absent, needed, _)| *absent && *needed) {
            None => Ok(()),
            Some((key, .., needed_by)) => Err(missing(key, needed_by)),
        }
    }

    /// The same run without the keys that do not apply to it: those of the ROT loss for other losses, the number of
    /// sweeps for a solver that has none, the extents of other networks, how to draw bags that are in a file, and to
    /// freeze nothing. Runs that differ only there become equal.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        let loss = &mut self.loss;
        if loss.name != LossName::Rot {
            *loss = LossConfig { name: loss.name, alpha: None, epsilon: None, solver: None, sweeps: None };
        }
        if loss.solver != Some(Solver::Sinkhorn) {
            loss.sweeps = None;
        }
        let network = &mut self.network;
        if network.name != Architecture::Resnet18 {
            (network.stem, network.width) = (None, None);
        }
        if network.name != Architecture::Mlp {
            (network.hidden, network.depth) = (None, None);
        }
        network.freeze = network.freeze.filter(|freeze| *freeze != Freeze::None);
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

fn missing(key: &str, needed_by: &str) -> SweepError {
    SweepError::MissingKey { key: key.to_owned(), needed_by: needed_by.to_owned() }
}
