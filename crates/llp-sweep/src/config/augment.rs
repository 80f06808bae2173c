//! Changes of images: random ones in training, fixed ones in evaluation.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

/// `[augment]`: random changes to the training images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
    /// Largest shift in each direction, in pixels.
    pub shift: usize,
    /// Whether images are mirrored left-right with probability one half.
    pub mirror: bool,
    /// Whether an image that is mirrored in one epoch is not in the next, and the other way round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternate: Option<bool>,
    /// What a shift moves in; without it, [`Edge::Repeat`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<Edge>,
    /// Probability with which a bag of a step is mixed with another one, in `(0, 1]`; none is without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix_bags: Option<f64>,
}

impl AugmentConfig {
    /// What a shift moves in.
    pub fn edge(&self) -> Edge {
        self.edge.unwrap_or_default()
    }

    /// Leaves out what does not apply, and what says the same as nothing.
    pub(super) fn canonicalize(&mut self) {
        self.alternate = self.alternate.filter(|alternate| *alternate && self.mirror);
        self.edge = self.edge.filter(|edge| *edge != Edge::Repeat && self.shift > 0);
    }
}

/// What a shift moves in at the edge of an image: `augment.edge`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Edge {
    /// The pixels at the edge, repeated.
    #[default]
    Repeat,
    /// The image, reflected.
    Reflect,
}

/// `[evaluate]`: how instances are looked at in evaluation and prediction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateConfig {
    /// The views of an image whose logits are averaged; without it, [`Views::One`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views: Option<Views>,
}

impl EvaluateConfig {
    /// The views of an image.
    pub fn views(&self) -> Views {
        self.views.unwrap_or_default()
    }

    /// Whether there is nothing to say.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Leaves out what says the same as nothing.
    pub(super) fn canonicalize(&mut self) {
        self.views = self.views.filter(|views| *views != Views::One);
    }
}

/// The views of an image whose logits are averaged: `evaluate.views`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Views {
    /// The image.
    #[default]
    One,
    /// The image and its mirror image.
    Mirror,
    /// Both, with half of the weight, and both shifted by one pixel up and left, and down and right.
    MirrorShift,
}

impl Views {
    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
