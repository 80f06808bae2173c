//! Consistency of two views of each image.

use serde::{Deserialize, Serialize};
use strum::VariantNames;

/// `[consistency]`: what the network says of an instance is a target for a changed view of it; without a name, there is one
/// view.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyConfig {
    /// Which labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ConsistencyName>,
    /// How much a label counts; without it, what the method has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// Least probability of a label that counts; [`Confidence::Threshold`] only, 0.6 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// How far an adversarial view is from the instance; [`ConsistencyName::Vat`] only, 6 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    /// Weight of the loss of the second view; without it 0.5, and 0.05 for [`ConsistencyName::Vat`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Fraction of the training in which this weight rises from 0, in `[0, 1)`; without it 0, and 0.4 for
    /// [`ConsistencyName::Vat`], whose weight rises from 0.7 % of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp_up: Option<f64>,
}

/// Where the labels of instances come from: `consistency.name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ConsistencyName {
    /// There are none: the same as no such key.
    None,
    /// The most probable labels with the counts of the bag, from LLP-DC.
    Dc,
    /// The most probable class, from L2P-AHIL.
    Ahil,
    /// The prediction itself, for a view that is moved to where it changes most, from LLP-VAT.
    Vat,
}

/// How much the label of an instance counts: `consistency.confidence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Confidence {
    /// All or nothing, by its probability, as in LLP-DC.
    Threshold,
    /// By the entropy of the instance and that of its class in the bag, as in L2P-AHIL.
    Entropy,
}

impl ConsistencyConfig {
    const THRESHOLD: f64 = 0.6;
    const DISTANCE: f64 = 6.0;

    /// How much the label of an instance counts.
    pub fn confidence(&self) -> Confidence {
        self.confidence.unwrap_or(match self.name {
            Some(ConsistencyName::Ahil) => Confidence::Entropy,
            _ => Confidence::Threshold,
        })
    }

    /// Least probability of a label that counts.
    pub fn threshold(&self) -> f64 {
        self.threshold.unwrap_or(Self::THRESHOLD)
    }

    /// How far an adversarial view is from the instance.
    pub fn distance(&self) -> f64 {
        self.distance.unwrap_or(Self::DISTANCE)
    }

    /// Weight of the loss of the second view.
    pub fn weight(&self) -> f64 {
        self.weight.unwrap_or(if self.is_adversarial() { 0.05 } else { 0.5 })
    }

    /// Fraction of the training in which this weight rises from 0.
    pub fn ramp_up(&self) -> f64 {
        self.ramp_up.unwrap_or(if self.is_adversarial() { 0.4 } else { 0.0 })
    }

    /// Whether the second view is an adversarial one, which needs no images.
    pub fn is_adversarial(&self) -> bool {
        self.name == Some(ConsistencyName::Vat)
    }

    /// Whether there is nothing to say.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Leaves out what does not apply, and what says the same as nothing.
    pub(super) fn canonicalize(&mut self) {
        self.name = self.name.filter(|name| *name != ConsistencyName::None);
        if self.name.is_none() {
            *self = Self::default();
        }
        let is_adversarial = self.is_adversarial();
        let unsaid = Self { name: self.name, ..Self::default() };
        self.confidence =
            self.confidence.filter(|confidence| !is_adversarial && *confidence != unsaid.confidence());
        let has_threshold = !is_adversarial && self.confidence() == Confidence::Threshold;
        self.threshold = self.threshold.filter(|least| has_threshold && *least != Self::THRESHOLD);
        self.distance = self.distance.filter(|distance| is_adversarial && *distance != Self::DISTANCE);
        self.weight = self.weight.filter(|weight| *weight != unsaid.weight());
        self.ramp_up = self.ramp_up.filter(|fraction| *fraction != unsaid.ramp_up());
    }
}
