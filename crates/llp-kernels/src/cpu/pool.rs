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

/// Writes the largest value of each window, `[image, out_height, out_width, channel]`, and returns the place of
/// the first such value in its window.
pub(crate) fn max(shape: &ConvShape, x: &[f32], y: &mut [f32]) -> Vec<u16> {
    let (out_len, level) = (shape.out_len(), Level::current());
    let mut winners = vec![0; y.len()];
    let images = y.par_chunks_mut(out_len).zip(winners.par_chunks_mut(out_len));
    images.zip(x.par_chunks(shape.in_len())).for_each(|((y, winners), x)| {
        dispatch(level, MaxOfImage { shape, x, y, winners });
    });
    winners
}

loops!(MaxOfImage<'a> = max_of_image(
    shape: &'a ConvShape,
    x: &'a [f32],
    y: &'a mut [f32],
    winners: &'a mut [u16],
));

#[inline(always)]
fn max_of_image(shape: &ConvShape, x: &[f32], y: &mut [f32], winners: &mut [u16]) {
    let channels = shape.c_in;
    let outputs = y.chunks_exact_mut(channels).zip(winners.chunks_exact_mut(channels));
    for (out, (y, winners)) in outputs.enumerate() {
        let columns = window(shape, out % shape.out_width(), shape.kernel_width, shape.width);
        let mut place = 0;
        for row in window(shape, out / shape.out_width(), shape.kernel_height, shape.height) {
            for column in columns.clone() {
                let x = &x[(row * shape.width + column) * channels..][..channels];
                if place == 0 {
                    y.copy_from_slice(x);
                } else {
                    keep_larger(x, place, y, winners);
                }
                place += 1;
            }
        }
    }
}

#[inline(always)]
fn keep_larger(x: &[f32], place: u16, largest: &mut [f32], winners: &mut [u16]) {
    for ((x, largest), winner) in x.iter().zip(largest).zip(winners) {
        // A NaN wins and stays, so that it is seen downstream.
        let wins = (*x > *largest || x.is_nan()) && !largest.is_nan();
        *winner = if wins { place } else { *winner };
        *largest = if wins { *x } else { *largest };
    }
}

/// Writes the gradient of the input: that of each window goes to the place that won it.
pub(crate) fn max_backward(shape: &ConvShape, winners: &[u16], y_gradient: &[f32], x_gradient: &mut [f32]) {
    let (out_len, level) = (shape.out_len(), Level::current());
    let images = x_gradient.par_chunks_mut(shape.in_len()).zip(winners.par_chunks(out_len));
    images.zip(y_gradient.par_chunks(out_len)).for_each(|((x_gradient, winners), y_gradient)| {
        x_gradient.fill(0.0);
        dispatch(level, MaxGradientOfImage { shape, winners, y_gradient, x_gradient });
    });
}

loops!(MaxGradientOfImage<'a> = max_gradient_of_image(
    shape: &'a ConvShape,
    winners: &'a [u16],
    y_gradient: &'a [f32],
    x_gradient: &'a mut [f32],
));

#[inline(always)]
fn max_gradient_of_image(shape: &ConvShape, winners: &[u16], y_gradient: &[f32], x_gradient: &mut [f32]) {
    let channels = shape.c_in;
    let outputs = y_gradient.chunks_exact(channels).zip(winners.chunks_exact(channels));
    for (out, (y_gradient, winners)) in outputs.enumerate() {
        let columns = window(shape, out % shape.out_width(), shape.kernel_width, shape.width);
        let mut place = 0;
        for row in window(shape, out / shape.out_width(), shape.kernel_height, shape.height) {
            for column in columns.clone() {
                let x_gradient = &mut x_gradient[(row * shape.width + column) * channels..][..channels];
                add_where(place, winners, y_gradient, x_gradient);
                place += 1;
            }
        }
    }
}

#[inline(always)]
fn add_where(place: u16, winners: &[u16], y_gradient: &[f32], x_gradient: &mut [f32]) {
    for ((x, y), winner) in x_gradient.iter_mut().zip(y_gradient).zip(winners) {
        *x += if *winner == place { *y } else { 0.0 };
    }
}
