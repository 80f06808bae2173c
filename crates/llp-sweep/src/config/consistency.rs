//! Consistency of two views of each image.

use serde::{Deserialize, Serialize};
use strum::VariantNames;

/// `[consistency]`: labels that the network gives to a weakly changed view of each image are targets for a strongly changed
/// one; without a name, there is one view.
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
    /// Weight of the loss of the strong view; 0.5 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Fraction of the training in which this weight rises from 0, in `[0, 1)`; 0 without it.
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
    const WEIGHT: f64 = 0.5;

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

    /// Weight of the loss of the strong view.
    pub fn weight(&self) -> f64 {
        self.weight.unwrap_or(Self::WEIGHT)
    }

    /// Fraction of the training in which this weight rises from 0.
    pub fn ramp_up(&self) -> f64 {
        self.ramp_up.unwrap_or(0.0)
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
        let unsaid = Self { confidence: None, ..self.clone() }.confidence();
        self.confidence = self.confidence.filter(|confidence| *confidence != unsaid);
        let has_threshold = self.confidence() == Confidence::Threshold;
        self.threshold = self.threshold.filter(|least| has_threshold && *least != Self::THRESHOLD);
        self.weight = self.weight.filter(|weight| *weight != Self::WEIGHT);
        self.ramp_up = self.ramp_up.filter(|fraction| *fraction != 0.0);
    }
}
