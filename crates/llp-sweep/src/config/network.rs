//! The classifier of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use super::text_form::text_form;

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
    /// Channels of the three blocks; [`Architecture::Airbench`] only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[strum(serialize_all = "lowercase")]
pub enum Architecture {
    /// The residual network of 18 layers.
    Resnet18,
    /// A convolutional network of seven layers, for training in minutes.
    Airbench,
    /// A multilayer perceptron.
    Mlp,
    /// A linear model.
    Linear,
}

impl Architecture {
    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The first layers of a residual network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Stem {
    /// One 3x3 convolution of stride 1, for small images.
    Cifar,
    /// A 7x7 convolution of stride 2 and a pooling, for images of about 224 pixels.
    Imagenet,
}

impl Stem {
    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The channels of three blocks, written `64-128-128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Widths(pub [usize; 3]);

/// What [`Widths`] accepts, for messages.
pub(crate) const WIDTHS_EXPECTED: &str =
    "three numbers from 1 to 4096 with `-` between them, such as 64-128-128";

impl FromStr for Widths {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Vec<usize> =
            text.split('-').map(str::parse).collect::<Result<_, _>>().map_err(|_| WIDTHS_EXPECTED)?;
        let widths: [usize; 3] = numbers.try_into().map_err(|_| WIDTHS_EXPECTED)?;
        if widths.iter().all(|width| (1..=4096).contains(width)) {
            Ok(Self(widths))
        } else {
            Err(WIDTHS_EXPECTED)
        }
    }
}

impl fmt::Display for Widths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.0;
        write!(f, "{first}-{second}-{third}")
    }
}

text_form!(Widths);
