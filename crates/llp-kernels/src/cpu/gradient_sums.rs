//! The sums over pixels that the gradient of a batch norm needs.
#![expect(unsafe_code, reason = "loads and stores of vectors within rows whose lengths are checked first")]

use super::simd::{Kernel, Simd, for_each_vector, load, store};

/// Inputs and gradients of a chunk, and the terms of the batch norm along one row.
#[derive(Clone, Copy)]
pub(crate) struct GradientRows<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) beta: &'a [f32],
    pub(crate) x: &'a [f32],
    pub(crate) gradient: &'a [f32],
}

/// Adds, lane by lane, the gradients to `plain` and the gradients times `x - mean` to `centered`.
///
/// With `gated` only gradients that pass the ReLU count; its input is computed again, which is cheaper than
/// reading its output.
pub(crate) struct GradientSums<'a> {
    pub(crate) rows: GradientRows<'a>,
    pub(crate) gated: bool,
    pub(crate) plain: &'a mut [f32],
    pub(crate) centered: &'a mut [f32],
}

impl Kernel for GradientSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { rows: GradientRows { mean, scale, beta, x, gradient }, gated, plain, centered } = self;
        let width = mean.len();
        assert!([scale.len(), beta.len(), plain.len(), centered.len()] == [width; 4], "one value a lane");
        assert!(x.len() == gradient.len(), "one gradient for each number");
        for (x, gradient) in x.chunks(width).zip(gradient.chunks(width)) {
            for_each_vector!(S::LANES, x.len(), |start, tail| {
                // SAFETY: `start` and `tail` stay within a row, which is at most `width` long.
                unsafe {
                    let x = load(simd, x.as_ptr().add(start), tail);
                    let mut gradient = load(simd, gradient.as_ptr().add(start), tail);
                    let deviation = simd.sub(x, load(simd, mean.as_ptr().add(start), tail));
                    if gated {
                        let scale = load(simd, scale.as_ptr().add(start), tail);
                        let beta = load(simd, beta.as_ptr().add(start), tail);
                        // Not fused, so that it is positive exactly where the forward pass found it so.
                        let value = simd.add(simd.mul(deviation, scale), beta);
                        gradient = simd.zero_unless_above(value, simd.zero(), gradient);
                    }
                    let (plain, centered) = (plain.as_mut_ptr().add(start), centered.as_mut_ptr().add(start));
                    store(simd, plain, simd.add(load(simd, plain, tail), gradient), tail);
                    store(
                        simd,
                        centered,
                        simd.mul_add(gradient, deviation, load(simd, centered, tail)),
                        tail,
                    );
                }
            });
        }
    }
}
