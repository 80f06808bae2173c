//! The loss of a run.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::added_losses::AddedLosses;

/// `[loss]`: the bag-level loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// Which loss.
    pub name: LossName,
    /// Weight of the instance term against the proportion term, in `(0, 1]`; [`LossName::Rot`] only, as the next three.
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
    /// Highest order, from 1 to 8; [`LossName::Moments`] only, 3 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<usize>,
    /// Losses that are added to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add: Option<AddedLosses>,
}

impl LossConfig {
    /// The highest order of the moments without `loss.order`.
    const ORDER: usize = 3;

    /// Highest order of the moments.
    pub fn order(&self) -> usize {
        self.order.unwrap_or(Self::ORDER)
    }

    /// Whether a loss is the loss or one of those that are added.
    pub(super) fn has(&self, loss: LossName) -> bool {
        self.name == loss || self.add.as_ref().is_some_and(|added| added.has(loss))
    }

    /// Takes out what does not apply to the loss, or says what is so without it.
    pub(super) fn canonicalize(&mut self) {
        if !self.has(LossName::Rot) {
            (self.alpha, self.epsilon, self.solver, self.sweeps) = (None, None, None, None);
        }
        if self.solver != Some(Solver::Sinkhorn) {
            self.sweeps = None;
        }
        let has_moments = self.has(LossName::Moments);
        self.order = self.order.filter(|order| has_moments && *order != Self::ORDER);
    }
}

/// A bag-level loss.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    VariantNames,
    IntoStaticStr,
    EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
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
    /// Likelihood of the counts of a bag, by the saddlepoint approximation.
    Saddlepoint,
    /// Likelihood of the counts of a bag, by the normal distribution.
    Gaussian,
    /// Cross-entropy with multinomial responsibilities: EM.
    Multinomial,
    /// Factorial moments of the counts of a bag.
    Moments,
    /// Cross-entropy with weights that make it unbiased.
    #[serde(rename = "easyllp")]
    #[strum(serialize = "easyllp")]
    EasyLlp,
    /// General unbiased proportion matching.
    Gupm,
    /// Debiased square loss.
    Dsq,
    /// Bags as noisy labels, with forward correction.
    Llpfc,
    /// Cross-entropy of the classes outside of their bounds: that of MixBag.
    Ci,
}

impl LossName {
    /// The name in configurations and folder names.
    pub fn as_str(self) -> &'static str {
        self.into()
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
            Self::Saddlepoint => "Saddlepoint",
            Self::Gaussian => "Gaussian",
            Self::Multinomial => "Multinomial",
            Self::Moments => "Moments",
            Self::EasyLlp => "EasyLLP",
            Self::Gupm => "GUPM",
            Self::Dsq => "DSQ",
            Self::Llpfc => "LLPFC",
            Self::Ci => "CI",
        }
    }
}

/// A solver of the transport problem behind the ROT loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Solver {
    /// Newton's method on the dual: exact.
    Newton,
    /// Algorithm 1 with a fixed number of sweeps, as in the paper.
    Sinkhorn,
}
