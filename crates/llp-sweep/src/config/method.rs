//! A classical method in place of the steps of an optimizer.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use super::augment::{AugmentConfig, EvaluateConfig};
use super::consistency::ConsistencyConfig;
use super::loss::{LossConfig, LossName};
use super::network::{Architecture, NetworkConfig};
use super::{OptimConfig, RunConfig};

/// Rows of a step that takes all there are.
const ALL_ROWS: usize = u32::MAX as usize;

/// `[method]`: a classical method that trains a linear model; without a name, a network is trained by steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodConfig {
    /// Which method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<MethodName>,
    /// Its L2 penalty; without it, one that cross-validation over the training bags chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l2: Option<f64>,
    /// Weight of the likeness of near bags; [`MethodName::Lmm`] and [`MethodName::Amm`] only, 10 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
}

/// A classical method: see the crate `llp-classic`.
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
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum MethodName {
    /// None: the same as no such key.
    None,
    /// Logistic regression from estimated class means.
    MeanMap,
    /// The same with means that differ from bag to bag.
    Lmm,
    /// Logistic regression in turns with labels, from that.
    Amm,
    /// Support vector regression on the means of bags.
    InvCal,
    /// A linear softmax model under the KL loss.
    LinearKl,
    /// A linear softmax model under the likelihood of counts.
    Em,
    /// Support vector machines in turns with labels.
    AlterSvm,
}

impl MethodName {
    /// The name in configurations and folder names.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The name in figures and tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::MeanMap => "MeanMap",
            Self::Lmm => "LMM",
            Self::Amm => "AMM",
            Self::InvCal => "InvCal",
            Self::LinearKl => "Linear KL",
            Self::Em => "EM",
            Self::AlterSvm => "alter-pSVM",
        }
    }
}

impl MethodConfig {
    /// Whether there is nothing to say.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Leaves out what does not apply, and what says the same as nothing.
    pub(super) fn canonicalize(&mut self) {
        self.name = self.name.filter(|name| *name != MethodName::None);
        self.l2 = self.l2.filter(|_| self.name.is_some());
        let has_gamma = matches!(self.name, Some(MethodName::Lmm | MethodName::Amm));
        self.gamma = self.gamma.filter(|_| has_gamma);
    }
}

/// What learns from the bags of a run: a network under a loss, or a classical method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Approach {
    /// A network that an optimizer trains under this loss.
    Loss(LossName),
    /// A classical method.
    Method(MethodName),
}

impl Approach {
    /// The name in configurations and folder names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loss(loss) => loss.as_str(),
            Self::Method(method) => method.as_str(),
        }
    }

    /// The name in figures and tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Loss(loss) => loss.title(),
            Self::Method(method) => method.title(),
        }
    }

    /// Its place among all, from 0: methods come after losses.
    pub(crate) fn place(self) -> usize {
        match self {
            Self::Loss(loss) => loss as usize,
            // The name `none` of methods is no approach.
            Self::Method(method) => LossName::VARIANTS.len() + method as usize - 1,
        }
    }
}

impl RunConfig {
    /// What learns from the bags.
    pub fn approach(&self) -> Approach {
        self.method.name.map_or(Approach::Loss(self.loss.name), Approach::Method)
    }

    /// The learning rate; a method has none.
    pub fn rate(&self) -> Option<f64> {
        self.method.name.is_none().then_some(self.optim.lr)
    }

    /// A linear model that is there after one step over all bags, whatever a preset says of networks: runs of a method
    /// that differ only there become equal.
    pub(super) fn leave_to_method(&mut self) {
        self.network = NetworkConfig {
            name: Architecture::Linear,
            stem: None,
            width: None,
            widths: None,
            hidden: None,
            depth: None,
            init: None,
            init_hash: None,
            freeze: None,
        };
        self.loss = LossConfig {
            name: LossName::Kl,
            alpha: None,
            epsilon: None,
            solver: None,
            sweeps: None,
            order: None,
            add: None,
        };
        self.consistency = ConsistencyConfig::default();
        self.optim = OptimConfig {
            name: None,
            lr: 1.0,
            momentum: 0.0,
            weight_decay: 0.0,
            decay_batch_norm: false,
            epochs: 1,
            min_steps: None,
            schedule: None,
            warmup: None,
            lr_end: None,
            lr_drop_at: 1.0,
            lr_drop_factor: 1.0,
            nesterov: None,
            norm_bias_lr: None,
            lookahead: None,
            images_per_step: ALL_ROWS,
            images_per_chunk: None,
            precision: None,
        };
        self.augment = AugmentConfig { shift: 0, mirror: false, alternate: None, edge: None, mix_bags: None };
        self.evaluate = EvaluateConfig::default();
        self.checkpoint.chosen_by = None;
    }
}

/// Whether a key says how a network is trained by steps, which a method does not do.
pub(super) fn is_of_networks(key: &str) -> bool {
    let sections = ["network.", "loss.", "consistency.", "optim.", "augment.", "evaluate."];
    sections.iter().any(|section| key.starts_with(section)) || key == "checkpoint.chosen_by"
}
