//! In which numbers a network is trained.

use serde::{Deserialize, Serialize};

/// The numbers of activations and of products in training: `optim.precision`. Weights, their momentum, statistics and
/// losses are single precision in any case. All but [`Precision::Float32`] take a GPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// Single precision throughout.
    #[default]
    Float32,
    /// Products of numbers with 10 binary digits after the point, summed in single precision.
    Tf32,
    /// Activations, and their gradients, with 7 binary digits after the point.
    Bfloat16,
}

impl Precision {
    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Tf32 => "tf32",
            Self::Bfloat16 => "bfloat16",
        }
    }
}
