//! The classifier of a run.

use serde::{Deserialize, Serialize};

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
