//! Single and double precision behind one trait.

use std::fmt::Debug;
use std::ops::Neg;

use crate::simd::Vectors;

/// The precision of costs, logits and couplings: `f32` or `f64`.
///
/// Whatever has one entry per class (potentials, masses, the Newton system) is in double precision for both.
pub trait Real: Vectors + PartialOrd + Send + Sync + Debug + Neg<Output = Self> {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Distance from 1 to the next larger number.
    const EPSILON: f64;
    /// A mass below this share of the bag may have lost entries of the kernel to underflow.
    const MASS_FLOOR: f64;
    /// Largest `|f - reference| / epsilon`: beyond it, kernel entries are computed again around `f`.
    const SCALING_RANGE: f64;
    /// Largest accepted magnitude of a cost or logit.
    const LARGEST: Self;

    /// Widens to double precision, exactly.
    fn to_f64(self) -> f64;
    /// Rounds to this precision.
    fn from_f64(value: f64) -> Self;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const EPSILON: f64 = f32::EPSILON as f64;
    const MASS_FLOOR: f64 = 1e-20;
    const SCALING_RANGE: f64 = 15.0;
    const LARGEST: Self = 1e30;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const EPSILON: f64 = f64::EPSILON;
    const MASS_FLOOR: f64 = 1e-250;
    const SCALING_RANGE: f64 = 20.0;
    const LARGEST: Self = 1e100;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}
