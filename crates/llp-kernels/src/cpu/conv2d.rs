//! The choice between the algorithms of a convolution.

use super::shape::ConvShape;
use super::simd::Level;
use super::winograd_filters::Filters;
use super::{direct, direct_gradient, winograd, winograd_gradient};

/// Fewest channels that are worth the transforms of Winograd's algorithm.
const MIN_CHANNELS: usize = 8;

/// Smallest output that is: on less than three rows, tiles are mostly empty.
const MIN_SIZE: usize = 3;

fn uses_winograd(shape: &ConvShape) -> bool {
    winograd::applies(shape)
        && shape.c_in.min(shape.c_out) >= MIN_CHANNELS
        && shape.out_height().min(shape.out_width()) >= MIN_SIZE
}

/// Writes `[image, out_height, out_width, c_out]` from `x`, `[image, height, width, c_in]`, and `weight`,
/// `[c_out, c_in, kernel_height, kernel_width]`.
pub fn forward(shape: &ConvShape, x: &[f32], weight: &[f32], y: &mut [f32]) {
    let level = Level::current();
    if uses_winograd(shape) {
        winograd::convolve(level, shape, x, Filters::forward(weight, shape.c_in), y, false);
    } else {
        direct::convolve(level, shape, x, weight, y);
    }
}

/// Writes the gradient of the input, or with `add` adds it.
pub fn input_gradient(
    shape: &ConvShape,
    y_gradient: &[f32],
    weight: &[f32],
    x_gradient: &mut [f32],
    add: bool,
) {
    let level = Level::current();
    if uses_winograd(shape) {
        let filters = Filters::transposed(weight, shape.c_in);
        winograd::convolve(level, &winograd::transposed(shape), y_gradient, filters, x_gradient, add);
    } else {
        direct::input_gradient(level, shape, y_gradient, weight, x_gradient, add);
    }
}

/// Writes the gradient of the weight.
pub fn weight_gradient(shape: &ConvShape, x: &[f32], y_gradient: &[f32], gradient: &mut [f32]) {
    let level = Level::current();
    if uses_winograd(shape) {
        winograd_gradient::weight_gradient(level, shape, x, y_gradient, gradient);
    } else {
        direct_gradient::weight_gradient(level, shape, x, y_gradient, gradient);
    }
}
