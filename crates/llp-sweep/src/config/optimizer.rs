//! How weights follow their gradients.

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
