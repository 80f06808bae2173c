//! The kernels against their references on the CPU, or against their definition, in both types.
//!
//! The kernels run in the emulator, by the same calls that run on a GPU. Where there is no C++ compiler, nothing is
//! compared.
#![expect(unsafe_code, reason = "runs kernels, on arrays of the lengths that they expect")]

mod batch_norm;
mod elements;
mod losses;
mod optimizers;
mod pool;

use super::calls::{Call, Pointer};
use super::emulator::Emulator;
use super::kind::Kind;

/// Deterministic numbers of order 1 without structure.
fn noise(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f32 / (1 << 23) as f32) - 1.0
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Numbers of a kind, as a kernel sees them.
struct Numbers {
    kind: Kind,
    len: usize,
    /// Aligned for vectors of four.
    words: Vec<u64>,
}

impl Numbers {
    fn new(kind: Kind, values: &[f32]) -> Self {
        let mut numbers = Self::zeros(kind, values.len());
        for (index, value) in values.iter().enumerate() {
            numbers.set(index, *value);
        }
        numbers
    }

    fn zeros(kind: Kind, len: usize) -> Self {
        Self { kind, len, words: vec![0; (len * kind.bytes()).div_ceil(16) * 2] }
    }

    fn pointer(&mut self) -> Pointer {
        self.words.as_mut_ptr() as Pointer
    }

    fn set(&mut self, index: usize, value: f32) {
        let (bits, n_bits) = match self.kind {
            Kind::F32 => (value.to_bits(), 32),
            Kind::Bf16 => (round_to_bf16(value).to_bits() >> 16, 16),
        };
        let place = index * n_bits;
        self.words[place / 64] |= u64::from(bits) << (place % 64);
    }

    fn values(&self) -> Vec<f32> {
        let at = |index: usize| match self.kind {
            Kind::F32 => f32::from_bits((self.words[index / 2] >> (index % 2 * 32)) as u32),
            Kind::Bf16 => f32::from_bits(((self.words[index / 4] >> (index % 4 * 16)) as u32) << 16),
        };
        (0..self.len).map(at).collect()
    }
}

/// To the nearest number with 8 bits of mantissa, ties to even: the definition, by distances.
fn round_to_bf16(value: f32) -> f32 {
    let below = f32::from_bits(value.to_bits() & 0xffff_0000);
    let above = f32::from_bits((value.to_bits() & 0xffff_0000).wrapping_add(0x1_0000));
    let (to_below, to_above) = ((value - below).abs(), (above - value).abs());
    let below_is_even = below.to_bits() & 0x1_0000 == 0;
    if to_below < to_above || (to_below == to_above && below_is_even) { below } else { above }
}

/// What the numbers of a kind are after rounding.
fn rounded(kind: Kind, values: &[f32]) -> Vec<f32> {
    Numbers::new(kind, values).values()
}

/// How far two results of a kind may be apart, relative to their size.
fn tolerance(kind: Kind) -> f32 {
    match kind {
        // Sums in another order.
        Kind::F32 => 2e-5,
        // One rounding of the result, and the rounding of what is passed on between two kernels.
        Kind::Bf16 => 1.0 / 64.0,
    }
}

#[track_caller]
fn assert_close(got: &[f32], expected: &[f32], kind: Kind) {
    let scale = expected.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
    assert_eq!(got.len(), expected.len());
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= tolerance(kind) * scale, "{index}: {got}, expected {expected}");
    }
}

/// Runs calls one after the other; false if there is nothing to run them on.
fn run(calls: impl IntoIterator<Item = Call>) -> bool {
    let Some(emulator) = Emulator::get() else { return false };
    for call in calls {
        // SAFETY: the tests make their arrays as long as the extents that they put into the call.
        unsafe { emulator.run(&call) };
    }
    true
}
