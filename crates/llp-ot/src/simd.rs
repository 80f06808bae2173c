//! One dispatch on the instruction set for all kernels, and the vector type they share.
//!
//! The kernels are plain Rust over arrays of [`LANES`] numbers. [`vectorized`] compiles them once more for AVX2 with
//! fused multiply-add and picks at run time. Both versions do the same IEEE operations in the same order, fused
//! multiply-adds included, so they return the same bits: the plain call is the twin that tests compare with.
#![expect(unsafe_code, reason = "calling a function compiled for detected CPU features is unsafe by definition")]

use crate::Real;

/// Instances that a kernel handles at a time: one AVX2 register of `f32`, two of `f64`.
pub(crate) const LANES: usize = 8;

/// One number for each of [`LANES`] instances.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
pub(crate) struct Lanes<T>(pub(crate) [T; LANES]);

/// Runs `kernel` compiled for the best instruction set of this machine.
///
/// Everything that `kernel` calls must be inlined into it, or it is compiled for the baseline.
#[inline]
pub(crate) fn vectorized<R>(kernel: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
        #[target_feature(enable = "avx2,fma")]
        fn with_avx2<R>(kernel: impl FnOnce() -> R) -> R {
            kernel()
        }
        // SAFETY: `with_avx2` needs AVX2 and FMA, and both were detected on this machine.
        return unsafe { with_avx2(kernel) };
    }
    kernel()
}

impl<T: Real> Lanes<T> {
    pub(crate) const ZERO: Self = Self([T::ZERO; LANES]);

    #[inline(always)]
    pub(crate) fn splat(value: T) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    pub(crate) fn map(mut self, f: impl Fn(T) -> T) -> Self {
        for value in &mut self.0 {
            *value = f(*value);
        }
        self
    }

    #[inline(always)]
    pub(crate) fn zip(mut self, other: Self, f: impl Fn(T, T) -> T) -> Self {
        for (value, other) in self.0.iter_mut().zip(other.0) {
            *value = f(*value, other);
        }
        self
    }

    /// `self * factor + term`, fused.
    #[inline(always)]
    pub(crate) fn mul_add(mut self, factor: Self, term: Self) -> Self {
        for ((value, factor), term) in self.0.iter_mut().zip(factor.0).zip(term.0) {
            *value = value.mul_add(factor, term);
        }
        self
    }

    /// The sum in double precision, pairwise.
    #[inline(always)]
    pub(crate) fn sum(self) -> f64 {
        let v = self.0.map(Real::to_f64);
        ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
    }
}
