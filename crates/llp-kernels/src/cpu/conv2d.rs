//! The three passes of a convolution on plain slices, for use without tensors.
//!
//! Inputs are `[image, height, width, c_in]`, weights `[c_out, c_in, kernel_height, kernel_width]`, outputs
//! `[image, out_height, out_width, c_out]`, all row-major; each pass runs in rayon's current pool.

use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Result, bail};

use super::shape::ConvShape;
use super::simd::Level;
use super::winograd_filters::Filters;
use super::{direct, direct_gradient, winograd, winograd_gradient};

/// Fewest channels that are worth the transforms of Winograd's algorithm.
const MIN_CHANNELS: usize = 8;

/// Smallest output that is: on less than three rows, tiles are mostly empty.
const MIN_SIZE: usize = 3;

/// Whether Winograd's algorithm may be used.
static WINOGRAD: AtomicBool = AtomicBool::new(true);

/// Whether 3x3 convolutions of stride 1 may go through Winograd's algorithm, from now on, in the whole process.
///
/// They may unless this says otherwise. Direct sums take two to three times as long and round a few bits less.
pub fn allow_winograd(allowed: bool) {
    WINOGRAD.store(allowed, Ordering::Relaxed);
}

fn uses_winograd(shape: &ConvShape) -> bool {
    WINOGRAD.load(Ordering::Relaxed)
        && winograd::applies(shape)
        && shape.c_in.min(shape.c_out) >= MIN_CHANNELS
        && shape.out_height().min(shape.out_width()) >= MIN_SIZE
}

fn check(shape: &ConvShape, x_len: usize, weight_len: usize, y_len: usize) -> Result<()> {
    shape.check()?;
    let expected = [shape.images * shape.in_len(), shape.weight_len(), shape.images * shape.out_len()];
    if [x_len, weight_len, y_len] != expected {
        bail!(
            "conv2d: input, weight and output have {x_len}, {weight_len} and {y_len} numbers, {shape:?} needs {expected:?}"
        );
    }
    Ok(())
}

/// Writes the output.
///
/// # Errors
/// When there is no such convolution or a slice has another length than it says.
pub fn forward(shape: &ConvShape, x: &[f32], weight: &[f32], y: &mut [f32]) -> Result<()> {
    check(shape, x.len(), weight.len(), y.len())?;
    let level = Level::current();
    if uses_winograd(shape) {
        winograd::convolve(level, shape, x, Filters::forward(weight, shape.c_in), y, false);
    } else {
        direct::convolve(level, shape, x, weight, y);
    }
    Ok(())
}

/// Writes the gradient of the input, or with `add` adds it to what is there.
///
/// # Errors
/// When there is no such convolution or a slice has another length than it says.
pub fn input_gradient(
    shape: &ConvShape,
    y_gradient: &[f32],
    weight: &[f32],
    x_gradient: &mut [f32],
    add: bool,
) -> Result<()> {
    check(shape, x_gradient.len(), weight.len(), y_gradient.len())?;
    let level = Level::current();
    if uses_winograd(shape) {
        let filters = Filters::transposed(weight, shape.c_in);
        winograd::convolve(level, &winograd::transposed(shape), y_gradient, filters, x_gradient, add);
    } else {
        direct::input_gradient(level, shape, y_gradient, weight, x_gradient, add);
    }
    Ok(())
}

/// Writes the gradient of the weight.
///
/// # Errors
/// When there is no such convolution or a slice has another length than it says.
pub fn weight_gradient(shape: &ConvShape, x: &[f32], y_gradient: &[f32], gradient: &mut [f32]) -> Result<()> {
    check(shape, x.len(), gradient.len(), y_gradient.len())?;
    let level = Level::current();
    if uses_winograd(shape) {
        winograd_gradient::weight_gradient(level, shape, x, y_gradient, gradient);
    } else {
        direct_gradient::weight_gradient(level, shape, x, y_gradient, gradient);
    }
    Ok(())
}
