//! Vectors of `f32` in the widest registers of the machine, chosen at run time.
//!
//! A kernel is generic code over [`Simd`]. [`dispatch`] runs it inside a function that is compiled for the
//! instruction set; everything on the way there is inlined, so the kernel itself is compiled for it as well.
#![expect(
    unsafe_code,
    reason = "vector instructions: a value of a `Simd` type proves that the processor has them; loads and stores \
              take pointers, whose validity is the caller's part"
)]

use std::sync::atomic::{AtomicU8, Ordering};

/// Vectors of one instruction set. Constructed only where the processor has it.
pub(crate) trait Simd: Copy + Send + Sync {
    /// A vector of [`Simd::LANES`] numbers.
    type V: Copy;
    /// Numbers in a vector.
    const LANES: usize;
    /// Rows of a register tile of two vectors a row.
    const ROWS: usize;

    fn splat(self, value: f32) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a b + c`.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `value` where `test > bound`, else 0; `value` as well where `test` is NaN.
    fn zero_unless_above(self, test: Self::V, bound: Self::V, value: Self::V) -> Self::V;

    /// # Safety
    /// `source` is valid for reading [`Simd::LANES`] numbers.
    unsafe fn load(self, source: *const f32) -> Self::V;
    /// Reads the first `len < LANES` lanes; the others are 0.
    ///
    /// # Safety
    /// `source` is valid for reading `len` numbers.
    unsafe fn load_part(self, source: *const f32, len: usize) -> Self::V;
    /// # Safety
    /// `target` is valid for writing [`Simd::LANES`] numbers.
    unsafe fn store(self, target: *mut f32, value: Self::V);
    /// Writes the first `len < LANES` lanes.
    ///
    /// # Safety
    /// `target` is valid for writing `len` numbers.
    unsafe fn store_part(self, target: *mut f32, value: Self::V, len: usize);

    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(0.0)
    }
}

/// Generic code that [`dispatch`] compiles for every instruction set.
pub(crate) trait Kernel {
    type Output;
    /// Implementations are `#[inline(always)]`, as is everything in them that touches vectors.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Makes a [`Kernel`] of a function with plain loops, which the compiler turns into vector instructions.
///
/// A closure would not do: the compiler may leave it a function of its own, compiled for what every processor has.
macro_rules! loops {
    ($(#[$doc:meta])* $name:ident<$life:lifetime> = $function:ident($($field:ident: $type:ty),+ $(,)?)) => {
        $(#[$doc])*
        struct $name<$life> {
            $($field: $type),+
        }

        impl $crate::cpu::simd::Kernel for $name<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: $crate::cpu::simd::Simd>(self, _: S) {
                let Self { $($field),+ } = self;
                $function($($field),+);
            }
        }
    };
}
pub(crate) use loops;

/// The instruction sets that kernels are compiled for, narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum InstructionSet {
    /// What every target has; slow, and the reference of the others.
    Portable,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors.
    Avx512,
}

/// Plus one, so that 0 says that nothing was chosen yet.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

impl InstructionSet {
    const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The one in use: the widest that this processor has, unless [`InstructionSet::limit`] was called.
    pub fn current() -> Self {
        match CHOSEN.load(Ordering::Relaxed) {
            0 => Self::limit(Self::Avx512),
            chosen => Self::ALL[usize::from(chosen) - 1],
        }
    }

    /// Uses nothing wider than `widest` from now on, in the whole process; returns what is in use then.
    ///
    /// Different instruction sets round differently. Limited to the same one, two machines compute the same bits.
    pub fn limit(widest: Self) -> Self {
        let available = |set: &Self| *set <= widest && set.is_available();
        let index = Self::ALL.iter().rposition(available).unwrap_or(0);
        CHOSEN.store(index as u8 + 1, Ordering::Relaxed);
        Self::ALL[index]
    }
}

/// An instruction set that this processor has, for all parts of one operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level(InstructionSet);

impl Level {
    pub(crate) fn current() -> Self {
        Self(InstructionSet::current())
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        InstructionSet::ALL.into_iter().filter(|set| set.is_available()).map(Self).collect()
    }

    /// Numbers in a vector.
    pub(crate) fn lanes(self) -> usize {
        match self.0 {
            InstructionSet::Portable => Portable::LANES,
            InstructionSet::Avx2 => 8,
            InstructionSet::Avx512 => 16,
        }
    }
}

/// Runs a kernel on an instruction set.
pub(crate) fn dispatch<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level.0 {
        // SAFETY: a level is a set that this processor has.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => unsafe { x86::run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => unsafe { x86::run_avx2(kernel) },
        _ => kernel.run(Portable),
    }
}

/// Calls a body for every vector of channels, with the number of lanes of the last one if it is not full, else 0.
macro_rules! for_each_vector {
    ($lanes:expr, $channels:expr, |$start:ident, $tail:ident| $body:block) => {
        let mut $start = 0;
        while $start + $lanes <= $channels {
            let $tail = 0;
            $body
            $start += $lanes;
        }
        if $start < $channels {
            let $tail = $channels - $start;
            $body
        }
    };
}
pub(crate) use for_each_vector;

/// Reads a vector, or its first `tail` lanes.
///
/// # Safety
/// `source` is valid for `tail` numbers, or for a vector if `tail` is 0.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(simd: S, source: *const f32, tail: usize) -> S::V {
    // SAFETY: the caller's: valid for `tail` numbers, or for a vector if `tail` is 0.
    unsafe { if tail == 0 { simd.load(source) } else { simd.load_part(source, tail) } }
}

/// Writes a vector, or its first `tail` lanes.
///
/// # Safety
/// `target` is valid for `tail` numbers, or for a vector if `tail` is 0.
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(simd: S, target: *mut f32, value: S::V, tail: usize) {
    // SAFETY: the caller's: valid for `tail` numbers, or for a vector if `tail` is 0.
    unsafe { if tail == 0 { simd.store(target, value) } else { simd.store_part(target, value, tail) } }
}

/// Plain Rust, eight lanes at a time.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Simd for Portable {
    type V = [f32; 8];
    const LANES: usize = 8;
    const ROWS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [value; 8]
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `f32::mul_add`, which is a call to a library where the target has no such instruction.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn zero_unless_above(self, test: Self::V, bound: Self::V, value: Self::V) -> Self::V {
        std::array::from_fn(|i| if test[i] <= bound[i] { 0.0 } else { value[i] })
    }

    #[inline(always)]
    unsafe fn load(self, source: *const f32) -> Self::V {
        // SAFETY: the caller's: eight numbers can be read; no alignment is needed.
        unsafe { source.cast::<Self::V>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_part(self, source: *const f32, len: usize) -> Self::V {
        // SAFETY: the caller's: `len` numbers can be read, and the closure reads no others.
        std::array::from_fn(|i| if i < len { unsafe { source.add(i).read() } } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32, value: Self::V) {
        // SAFETY: the caller's: eight numbers can be written; no alignment is needed.
        unsafe { target.cast::<Self::V>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn store_part(self, target: *mut f32, value: Self::V, len: usize) {
        for (i, value) in value.iter().enumerate().take(len) {
            // SAFETY: the caller's: `len` numbers can be written.
            unsafe { target.add(i).write(*value) }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86;
