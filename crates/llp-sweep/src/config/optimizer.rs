//! How weights follow their gradients, and how the learning rate moves.

use serde::{Deserialize, Serialize};
use strum::VariantNames;

use super::Precision;

/// The optimizer: `optim.name`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum OptimizerName {
    /// Stochastic gradient descent with momentum, as in the paper.
    #[default]
    Sgd,
    /// Adam with decoupled weight decay; `optim.momentum` is its beta1. Its learning rates are about a tenth of those of
    /// SGD or less.
    AdamW,
}

/// How the learning rate moves: `optim.schedule`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum LrSchedule {
    /// It drops once, at an epoch, as in the paper.
    #[default]
    Step,
    /// In each step along half a cosine, from `optim.lr` to `optim.lr_end` times that.
    Cosine,
    /// In each step along a line, from `optim.lr` to `optim.lr_end` times that.
    Triangle,
}

/// `[optim]`: the optimizer and its schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimConfig {
    /// How weights follow their gradients; without it, [`OptimizerName::Sgd`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<OptimizerName>,
    /// Initial learning rate.
    pub lr: f64,
    /// Momentum, in `[0, 1)`; for AdamW its beta1.
    pub momentum: f64,
    /// Weight decay: SGD adds that many weights to the gradient, AdamW shrinks weights by that times the learning rate.
    pub weight_decay: f64,
    /// Whether the scales and shifts of batch norm decay too.
    pub decay_batch_norm: bool,
    /// Passes over the training bags.
    pub epochs: usize,
    /// Steps that a training makes at least: it gets more epochs where `epochs` make fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_steps: Option<usize>,
    /// How the learning rate moves; without it, [`LrSchedule::Step`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<LrSchedule>,
    /// Fraction of the training in which the learning rate rises, from a fifth, in `[0, 1)`; [`LrSchedule::Step`] has no
    /// such rise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup: Option<f64>,
    /// Where the learning rate ends, as a fraction of `lr`; [`LrSchedule::Step`] does not end there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr_end: Option<f64>,
    /// After which fraction of the epochs the learning rate drops, in `(0, 1]`.
    pub lr_drop_at: f64,
    /// What the learning rate is then divided by.
    pub lr_drop_factor: f64,
    /// Whether SGD looks ahead along its momentum, as Nesterov does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// What the learning rate of the shifts of batch norm is multiplied by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm_bias_lr: Option<f64>,
    /// Whether weights move on from their average over the last steps: lookahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookahead: Option<bool>,
    /// Images per step; a step takes as many whole bags as fit, and at least one.
    pub images_per_step: usize,
    /// Images in the network at once, where memory does not hold a step: more are taken in chunks of about this size,
    /// each normalized by its own batch statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images_per_chunk: Option<usize>,
    /// The numbers that the network computes with; without it, [`Precision::Float32`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
}

impl OptimConfig {
    /// Leaves out what does not apply, and what says the same as nothing.
    pub(super) fn canonicalize(&mut self) {
        let name = self.name();
        self.name = self.name.filter(|name| *name != OptimizerName::Sgd);
        self.schedule = self.schedule.filter(|schedule| *schedule != LrSchedule::Step);
        if self.schedule.is_none() {
            (self.warmup, self.lr_end) = (None, None);
        }
        self.warmup = self.warmup.filter(|warmup| *warmup > 0.0);
        self.lr_end = self.lr_end.filter(|end| *end > 0.0);
        self.nesterov = self.nesterov.filter(|nesterov| *nesterov && name != OptimizerName::AdamW);
        self.norm_bias_lr = self.norm_bias_lr.filter(|factor| *factor != 1.0);
        self.lookahead = self.lookahead.filter(|lookahead| *lookahead);
    }

    /// How weights follow their gradients.
    pub fn name(&self) -> OptimizerName {
        self.name.unwrap_or_default()
    }

    /// How the learning rate moves.
    pub fn schedule(&self) -> LrSchedule {
        self.schedule.unwrap_or_default()
    }

    /// The numbers that the network computes with.
    pub fn precision(&self) -> Precision {
        self.precision.unwrap_or_default()
    }
}
