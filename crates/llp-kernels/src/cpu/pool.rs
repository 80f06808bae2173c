//! Pooling over NHWC images.

use std::ops::Range;

use rayon::prelude::*;

use super::shape::ConvShape;
use super::simd::{Level, dispatch, loops};

/// The mean over the pixels of each image: `[image, pixel, channel]` to `[image, channel]`.
pub(crate) fn average(x: &[f32], pixels: usize, channels: usize) -> Vec<f32> {
    let mut y = vec![0.0; x.len() / pixels];
    y.par_chunks_mut(channels).zip(x.par_chunks(pixels * channels)).for_each(|(y, x)| {
        for pixel in x.chunks_exact(channels) {
            y.iter_mut().zip(pixel).for_each(|(y, x)| *y += x);
        }
        for y in y.iter_mut() {
            *y /= pixels as f32;
        }
    });
    y
}

/// The adjoint of [`average`].
pub(crate) fn average_backward(y_gradient: &[f32], pixels: usize, channels: usize, x_gradient: &mut [f32]) {
    x_gradient.par_chunks_mut(pixels * channels).zip(y_gradient.par_chunks(channels)).for_each(|(x, y)| {
        for pixel in x.chunks_exact_mut(channels) {
            pixel.iter_mut().zip(y).for_each(|(x, y)| *x = y / pixels as f32);
        }
    });
}

/// The pixels of a window along one side: cut at the border, as padding never wins.
#[inline(always)]
fn window(shape: &ConvShape, out: usize, kernel: usize, size: usize) -> Range<usize> {
    let start = out * shape.stride;
    start.saturating_sub(shape.padding)..(start + kernel - shape.padding).min(size)
}

/// Writes the largest value of each window, `[image, out_height, out_width, channel]`; NaN is larger than any number, so
/// that a diverged network is seen downstream.
pub(crate) fn max(shape: &ConvShape, x: &[f32], y: &mut [f32]) {
    let level = Level::current();
    y.par_chunks_mut(shape.out_len()).zip(x.par_chunks(shape.in_len())).for_each(|(y, x)| {
        dispatch(level, MaxOfImage { shape, x, y });
    });
}

loops!(MaxOfImage<'a> = max_of_image(shape: &'a ConvShape, x: &'a [f32], y: &'a mut [f32]));

#[inline(always)]
fn max_of_image(shape: &ConvShape, x: &[f32], y: &mut [f32]) {
    let channels = shape.c_in;
    for (out, y) in y.chunks_exact_mut(channels).enumerate() {
        let columns = window(shape, out % shape.out_width(), shape.kernel_width, shape.width);
        y.fill(f32::NEG_INFINITY);
        for row in window(shape, out / shape.out_width(), shape.kernel_height, shape.height) {
            for column in columns.clone() {
                keep_larger(&x[(row * shape.width + column) * channels..][..channels], y);
            }
        }
    }
}

#[inline(always)]
fn keep_larger(x: &[f32], largest: &mut [f32]) {
    for (x, largest) in x.iter().zip(largest) {
        // Not `<=`, which would be false for NaN on either side: NaN comes in, and stays.
        *largest = if *x > *largest || x.is_nan() { *x } else { *largest };
    }
}

/// Writes the gradient of the input: that of each window goes to the first place with its largest value, which is found
/// again in the input `x` and the output `y`.
pub(crate) fn max_backward(
    shape: &ConvShape,
    (x, y): (&[f32], &[f32]),
    y_gradient: &[f32],
    x_gradient: &mut [f32],
) {
    let (in_len, out_len, level) = (shape.in_len(), shape.out_len(), Level::current());
    let inputs = x_gradient.par_chunks_mut(in_len).zip(x.par_chunks(in_len));
    let outputs = y_gradient.par_chunks(out_len).zip(y.par_chunks(out_len));
    inputs.zip(outputs).for_each(|((x_gradient, x), (y_gradient, y))| {
        let mut left = vec![0.0; shape.c_in];
        x_gradient.fill(0.0);
        dispatch(level, MaxGradientOfImage { shape, x, y, y_gradient, left: &mut left, x_gradient });
    });
}

loops!(MaxGradientOfImage<'a> = max_gradient_of_image(
    shape: &'a ConvShape,
    x: &'a [f32],
    y: &'a [f32],
    y_gradient: &'a [f32],
    left: &'a mut [f32],
    x_gradient: &'a mut [f32],
));

/// `left` is room for what of a window's gradient has not found its place yet, `[channel]`.
#[inline(always)]
fn max_gradient_of_image(
    shape: &ConvShape,
    x: &[f32],
    y: &[f32],
    y_gradient: &[f32],
    left: &mut [f32],
    x_gradient: &mut [f32],
) {
    let channels = shape.c_in;
    let outputs = y_gradient.chunks_exact(channels).zip(y.chunks_exact(channels));
    for (out, (y_gradient, y)) in outputs.enumerate() {
        left.copy_from_slice(y_gradient);
        let columns = window(shape, out % shape.out_width(), shape.kernel_width, shape.width);
        for row in window(shape, out / shape.out_width(), shape.kernel_height, shape.height) {
            for column in columns.clone() {
                let pixel =
                    (row * shape.width + column) * channels..(row * shape.width + column + 1) * channels;
                give_to_largest(&x[pixel.clone()], y, left, &mut x_gradient[pixel]);
            }
        }
    }
}

#[inline(always)]
fn give_to_largest(x: &[f32], y: &[f32], left: &mut [f32], x_gradient: &mut [f32]) {
    for (((x, y), left), x_gradient) in x.iter().zip(y).zip(left).zip(x_gradient) {
        let is_largest = x == y || x.is_nan();
        *x_gradient += if is_largest { *left } else { 0.0 };
        *left = if is_largest { 0.0 } else { *left };
    }
}
