//! How a network is used, and what follows its normalizations.

use candle_core::{Tensor, Var};

/// Whether a network is being trained or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalize with the statistics of the batch, and move the running statistics towards them.
    Train,
    /// As [`Mode::Train`], but running statistics stay: for views that no evaluation will see.
    TrainAside,
    /// The values of [`Mode::Train`] and nothing else: running statistics stay, and parameters are constants.
    Preview,
    /// Normalize with the running statistics; parameters are constants, so nothing is kept for their gradients.
    Evaluate,
}

impl Mode {
    /// Whether batch norm normalizes with the statistics of the batch.
    pub(crate) fn uses_batch(self) -> bool {
        self != Self::Evaluate
    }

    /// Whether parameters get gradients.
    pub(crate) fn trains(self) -> bool {
        matches!(self, Self::Train | Self::TrainAside)
    }

    /// A parameter as an operand: tracked in training, else a constant.
    pub fn operand(self, parameter: &Var) -> Tensor {
        if self.trains() { parameter.as_tensor().clone() } else { parameter.as_detached_tensor() }
    }
}

/// What follows the normalization, in the same pass over memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(0, y)`, with gradient 0 at 0.
    Relu,
    /// `y P(Z <= y)` with `Z` standard normal \[hendrycks:16\]: PyTorch's `GELU`, without the approximation by `tanh`.
    Gelu,
}
