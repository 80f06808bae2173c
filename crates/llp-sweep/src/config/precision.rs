//! In which numbers a network is trained.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

/// The numbers of activations and of products in training: `optim.precision`. Weights, their momentum, statistics and
/// losses are single precision in any case. All but [`Precision::Float32`] take a GPU.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
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
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[strum(serialize_all = "lowercase")]
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
        self.into()
    }
}
