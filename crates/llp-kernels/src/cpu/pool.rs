//! Pooling over NHWC images.

use pulp::Arch;
use rayon::prelude::*;

use super::shape::ConvShape;

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

/// The windows of a max pooling over one image: `visit(output pixel, place in the window, input pixel)`.
///
/// Windows are cut at the border, as padding never wins; the places of one window come in row-major order.
fn for_each_place(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let window = |out: usize, kernel: usize, size: usize| {
        let start = out * shape.stride;
        start.saturating_sub(shape.padding)..(start + kernel - shape.padding).min(size)
    };
    for out in 0..shape.out_pixels() {
        let rows = window(out / shape.out_width(), shape.kernel_height, shape.height);
        let columns = window(out % shape.out_width(), shape.kernel_width, shape.width);
        let pixels = rows.flat_map(|y| columns.clone().map(move |x| y * shape.width + x));
        for (place, pixel) in pixels.enumerate() {
            visit(out, place, pixel);
        }
    }
}

/// Writes the largest value of each window, `[image, out_height, out_width, channel]`, and returns the place of
/// the first such value in its window.
pub(crate) fn max(shape: &ConvShape, x: &[f32], y: &mut [f32]) -> Vec<u16> {
    let (out_len, channels) = (shape.out_len(), shape.c_in);
    let mut winners = vec![0; y.len()];
    let images = y.par_chunks_mut(out_len).zip(winners.par_chunks_mut(out_len));
    images.zip(x.par_chunks(shape.in_len())).for_each(|((y, winners), x)| {
        for_each_place(shape, |out, place, pixel| {
            let out = out * channels..(out + 1) * channels;
            let (y, winners, x) =
                (&mut y[out.clone()], &mut winners[out], &x[pixel * channels..][..channels]);
            if place == 0 {
                y.copy_from_slice(x);
            } else {
                Arch::new().dispatch(|| keep_larger(x, place as u16, y, winners));
            }
        });
    });
    winners
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
    let (out_len, channels) = (shape.out_len(), shape.c_in);
    let images = x_gradient.par_chunks_mut(shape.in_len()).zip(winners.par_chunks(out_len));
    images.zip(y_gradient.par_chunks(out_len)).for_each(|((x_gradient, winners), y_gradient)| {
        x_gradient.fill(0.0);
        for_each_place(shape, |out, place, pixel| {
            let out = out * channels..(out + 1) * channels;
            let x_gradient = &mut x_gradient[pixel * channels..][..channels];
            let (winners, y_gradient) = (&winners[out.clone()], &y_gradient[out]);
            Arch::new().dispatch(|| add_where(place as u16, winners, y_gradient, x_gradient));
        });
    });
}

#[inline(always)]
fn add_where(place: u16, winners: &[u16], y_gradient: &[f32], x_gradient: &mut [f32]) {
    for ((x, y), winner) in x_gradient.iter_mut().zip(y_gradient).zip(winners) {
        *x += if *winner == place { *y } else { 0.0 };
    }
}
