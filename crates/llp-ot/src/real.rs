use std::ops::{Add, Div, Mul, Sub};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The precision of costs, logits and couplings: `f32` or `f64`.
///
/// Whatever has one entry per class (potentials, masses, the Newton system) is in double precision for both.
pub trait Real:
    sealed::Sealed
    + Copy
    + PartialOrd
    + Send
    + Sync
    + Default
    + std::fmt::Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Distance from 1 to the next larger number.
    const EPSILON: f64;
    /// A mass below this share of the bag may have lost entries of the kernel to underflow.
    const MASS_FLOOR: f64;
    /// Largest `|f - reference| / epsilon`: beyond it, kernel entries are computed anew around `f`.
    const SCALING_RANGE: f64;
    /// Largest accepted magnitude of a cost or logit.
    const LARGEST: f64;

    /// Widens to double precision, exactly.
    fn to_f64(self) -> f64;
    /// Rounds to this precision.
    fn from_f64(value: f64) -> Self;
    /// `self * factor + term`, rounded once.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The larger of the two; `other` if `self` is not a number.
    fn max(self, other: Self) -> Self;
    /// The smaller of the two; `other` if `self` is not a number.
    fn min(self, other: Self) -> Self;
    /// `exp(self)` for `self <= 80`, without branches; 0 below the smallest normal number.
    fn exp(self) -> Self;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const EPSILON: f64 = f32::EPSILON as f64;
    const MASS_FLOOR: f64 = 1e-20;
    const SCALING_RANGE: f64 = 15.0;
    const LARGEST: f64 = 1e30;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        f32::mul_add(self, factor, term)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    #[inline(always)]
    fn exp(self) -> Self {
        // exp(x) = 2^k exp(r) with |r| <= log(2) / 2. Adding 1.5 * 2^23 rounds to the integer k and leaves it in the
        // low bits; log(2) is split in two so that k log(2) is exact to more than single precision.
        const ROUND: f32 = 12_582_912.0;
        const LN_2_HIGH: f32 = 0.693_359_4;
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        const SMALLEST: f32 = -87.0;
        let x = if self > SMALLEST { self } else { SMALLEST };
        let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
        let k = shifted - ROUND;
        let r = k.mul_add(-LN_2_LOW, k.mul_add(-LN_2_HIGH, x));
        let mut p = r.mul_add(1.0 / 5040.0, 1.0 / 720.0);
        p = p.mul_add(r, 1.0 / 120.0);
        p = p.mul_add(r, 1.0 / 24.0);
        p = p.mul_add(r, 1.0 / 6.0);
        p = p.mul_add(r, 0.5);
        p = (p * r).mul_add(r, r) + 1.0;
        let two_to_k = f32::from_bits((shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127)) << 23);
        if self > SMALLEST { p * two_to_k } else { 0.0 }
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const EPSILON: f64 = f64::EPSILON;
    const MASS_FLOOR: f64 = 1e-250;
    const SCALING_RANGE: f64 = 40.0;
    const LARGEST: f64 = 1e100;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        f64::mul_add(self, factor, term)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    #[inline(always)]
    fn exp(self) -> Self {
        // As for f32, with 1.5 * 2^52 and the series up to r^13 / 13!: |r|^14 / 14! < 2^-57.
        const ROUND: f64 = 6_755_399_441_055_744.0;
        const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
        const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
        const SMALLEST: f64 = -708.0;
        const INVERSE_FACTORIALS: [f64; 12] = [
            1.0 / 6_227_020_800.0,
            1.0 / 479_001_600.0,
            1.0 / 39_916_800.0,
            1.0 / 3_628_800.0,
            1.0 / 362_880.0,
            1.0 / 40_320.0,
            1.0 / 5_040.0,
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
            1.0 / 6.0,
            0.5,
        ];
        let x = if self > SMALLEST { self } else { SMALLEST };
        let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
        let k = shifted - ROUND;
        let r = k.mul_add(-LN_2_LOW, k.mul_add(-LN_2_HIGH, x));
        let mut p = INVERSE_FACTORIALS[0];
        for coefficient in &INVERSE_FACTORIALS[1..] {
            p = p.mul_add(r, *coefficient);
        }
        p = (p * r).mul_add(r, r) + 1.0;
        let two_to_k = f64::from_bits((shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(1023)) << 52);
        if self > SMALLEST { p * two_to_k } else { 0.0 }
    }
}
