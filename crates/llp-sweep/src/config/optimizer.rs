//! How weights follow their gradients, and how the learning rate moves.

use serde::{Deserialize, Serialize};

/// The optimizer: `optim.name`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// Stochastic gradient descent with momentum, as in the paper.
    #[default]
    Sgd,
    /// Adam with decoupled weight decay; `optim.momentum` is its beta1. Its learning rates are about a tenth of those of
    /// SGD or less.
    AdamW,
}

/// How the learning rate moves: `optim.schedule`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LrSchedule {
    /// It drops once, at an epoch, as in the paper.
    #[default]
    Step,
    /// In each step along half a cosine, from `optim.lr` to `optim.lr_end` times that.
    Cosine,
    /// In each step along a line, from `optim.lr` to `optim.lr_end` times that.
    Triangle,
}
