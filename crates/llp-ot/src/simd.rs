//! Vectors of `f32` and `f64` under one name, on top of `pulp`, and memory that is aligned for them.
//!
//! Kernels are written once, generic over the instruction set and the precision. [`run`] compiles each for
//! what `pulp` knows (AVX2, AVX-512, NEON, scalar) and picks at run time, without a line of unsafe code here.
//! All versions do the same IEEE operations in the same order, fused multiply-adds included, and keep one
//! partial sum for each of [`LANES`] instances whatever the length of a register, so they return the same
//! bits; tests compare them with the scalar one.

use pulp::{Arch, Simd, WithSimd};

/// Instances of a block: one AVX-512 register of `f32`, two of AVX2.
pub(crate) const LANES: usize = 16;

/// Runs a kernel with the best instruction set of this machine.
#[inline]
pub(crate) fn run<K: WithSimd>(kernel: K) -> K::Output {
    Arch::new().dispatch(kernel)
}

/// A precision with its vectors. Each operation acts on each lane.
pub trait Vectors: Copy + Default + 'static {
    /// A register of the instruction set `S`.
    type Vector<S: Simd>: Copy + Send + Sync;

    fn vectors<S: Simd>(slice: &[Self]) -> &[Self::Vector<S>];
    fn vectors_mut<S: Simd>(slice: &mut [Self]) -> &mut [Self::Vector<S>];
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn div<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn max<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn min<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a * b + c`, rounded once.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// `exp(x)` for `x` up to 80 (`f32`) or 700 (`f64`); 0 below the smallest normal number.
    fn exponential<S: Simd>(simd: S, x: Self::Vector<S>) -> Self::Vector<S>;
}

/// Registers per block.
#[inline(always)]
pub(crate) fn registers<T: Vectors, S: Simd>() -> usize {
    LANES * size_of::<T>() / size_of::<T::Vector<S>>()
}

macro_rules! operations {
    ($vector:ident, $split:ident, $split_mut:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident,
     $max:ident, $min:ident, $mul_add:ident) => {
        type Vector<S: Simd> = S::$vector;

        #[inline(always)]
        fn vectors<S: Simd>(slice: &[Self]) -> &[Self::Vector<S>] {
            S::$split(slice).0
        }

        #[inline(always)]
        fn vectors_mut<S: Simd>(slice: &mut [Self]) -> &mut [Self::Vector<S>] {
            S::$split_mut(slice).0
        }

        #[inline(always)]
        fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
            simd.$splat(value)
        }

        operations!(binary add $add, sub $sub, mul $mul, div $div, max $max, min $min);

        #[inline(always)]
        fn mul_add<S: Simd>(
            simd: S,
            a: Self::Vector<S>,
            b: Self::Vector<S>,
            c: Self::Vector<S>,
        ) -> Self::Vector<S> {
            simd.$mul_add(a, b, c)
        }
    };
    (binary $($name:ident $method:ident),*) => {$(
        #[inline(always)]
        fn $name<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
            simd.$method(a, b)
        }
    )*};
}

// exp(x) = 2^k exp(r) with |r| <= log(2) / 2. Adding 1.5 * 2^(digits - 1) rounds to the integer k and leaves
// it in the low bits; log(2) is split in two so that k log(2) is exact to more than the precision.

impl Vectors for f32 {
    operations!(
        f32s,
        as_simd_f32s,
        as_mut_simd_f32s,
        splat_f32s,
        add_f32s,
        sub_f32s,
        mul_f32s,
        div_f32s,
        max_f32s,
        min_f32s,
        mul_add_f32s
    );

    #[inline(always)]
    fn exponential<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
        const ROUND: f32 = 12_582_912.0;
        const LN_2_HIGH: f32 = 0.693_359_4;
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        const SMALLEST: f32 = -87.0;
        let splat = |value| simd.splat_f32s(value);
        let clamped = simd.max_f32s(x, splat(SMALLEST));
        let shifted = simd.mul_add_f32s(clamped, splat(std::f32::consts::LOG2_E), splat(ROUND));
        let k = simd.sub_f32s(shifted, splat(ROUND));
        let r = simd.mul_add_f32s(k, splat(-LN_2_HIGH), clamped);
        let r = simd.mul_add_f32s(k, splat(-LN_2_LOW), r);
        let mut p = splat(1.0 / 5040.0);
        for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
            p = simd.mul_add_f32s(p, r, splat(coefficient));
        }
        let exponent = simd.add_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(127));
        let exponent = simd.sub_u32s(exponent, simd.splat_u32s(ROUND.to_bits()));
        let power = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23)));
        let power = simd.select_f32s(simd.greater_than_f32s(x, splat(SMALLEST)), power, splat(0.0));
        simd.mul_f32s(p, power)
    }
}

impl Vectors for f64 {
    operations!(
        f64s,
        as_simd_f64s,
        as_mut_simd_f64s,
        splat_f64s,
        add_f64s,
        sub_f64s,
        mul_f64s,
        div_f64s,
        max_f64s,
        min_f64s,
        mul_add_f64s
    );

    #[inline(always)]
    fn exponential<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
        const ROUND: f64 = 6_755_399_441_055_744.0;
        const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
        const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
        const SMALLEST: f64 = -708.0;
        // 1 / 12! down to 1 / 0!: |r|^14 / 14! < 2^-57.
        const COEFFICIENTS: [f64; 13] = [
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
            1.0,
            1.0,
        ];
        let splat = |value| simd.splat_f64s(value);
        let clamped = simd.max_f64s(x, splat(SMALLEST));
        let shifted = simd.mul_add_f64s(clamped, splat(std::f64::consts::LOG2_E), splat(ROUND));
        let k = simd.sub_f64s(shifted, splat(ROUND));
        let r = simd.mul_add_f64s(k, splat(-LN_2_HIGH), clamped);
        let r = simd.mul_add_f64s(k, splat(-LN_2_LOW), r);
        let mut p = splat(1.0 / 6_227_020_800.0);
        for coefficient in COEFFICIENTS {
            p = simd.mul_add_f64s(p, r, splat(coefficient));
        }
        let exponent = simd.add_u64s(simd.transmute_u64s_f64s(shifted), simd.splat_u64s(1023));
        let exponent = simd.sub_u64s(exponent, simd.splat_u64s(ROUND.to_bits()));
        // There is no portable shift of 64 bits.
        let power = simd.transmute_f64s_u64s(simd.mul_u64s(exponent, simd.splat_u64s(1 << 52)));
        let power = simd.select_f64s(simd.greater_than_f64s(x, splat(SMALLEST)), power, splat(0.0));
        simd.mul_f64s(p, power)
    }
}

/// Numbers that start at a multiple of 64 bytes, so that no register straddles two cache lines.
#[derive(Debug, Default)]
pub(crate) struct Aligned<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Vectors> Aligned<T> {
    /// Changes the length; the contents are unspecified afterwards.
    pub(crate) fn resize(&mut self, len: usize) {
        let spare = 64 / size_of::<T>();
        if self.memory.len() < len + spare {
            self.memory.resize(len + spare, T::default());
        }
        // Any start is correct; this one is fast. A pointer that cannot be aligned reports a huge offset.
        self.start = self.memory.as_ptr().align_offset(64).min(spare);
        self.len = len;
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..self.start + self.len]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..self.start + self.len]
    }
}
