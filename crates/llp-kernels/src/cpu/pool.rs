//! Pooling over NHWC images.

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

/// For every output number of a max pooling, the position within its image of the first largest input.
///
/// `shape.c_in == shape.c_out`; windows are cut at the border (padding never wins).
fn argmax(shape: &ConvShape, x: &[f32], mut visit: impl FnMut(usize, usize)) {
    for (pixel, channel) in (0..shape.out_pixels()).flat_map(|p| (0..shape.c_in).map(move |c| (p, c))) {
        let window = |out: usize, kernel: usize, size: usize| {
            let start = out * shape.stride;
            start.saturating_sub(shape.padding)..(start + kernel - shape.padding).min(size)
        };
        let rows = window(pixel / shape.out_width(), shape.kernel_height, shape.height);
        let columns = window(pixel % shape.out_width(), shape.kernel_width, shape.width);
        let mut best: Option<usize> = None;
        for index in
            rows.flat_map(|y| columns.clone().map(move |x| (y * shape.width + x) * shape.c_in + channel))
        {
            // A NaN wins and stays, so that it is seen downstream.
            if best.is_none_or(|best| x[index] > x[best] || (x[index].is_nan() && !x[best].is_nan())) {
                best = Some(index);
            }
        }
        let best = best.expect("padding is smaller than the kernel, so every window holds a pixel");
        visit(pixel * shape.c_in + channel, best);
    }
}

/// The largest value of each window, `[image, out_height, out_width, channel]`.
pub(crate) fn max(shape: &ConvShape, x: &[f32], y: &mut [f32]) {
    let out_len = shape.out_len();
    y.par_chunks_mut(out_len).zip(x.par_chunks(shape.in_len())).for_each(|(y, x)| {
        argmax(shape, x, |out, input| y[out] = x[input]);
    });
}

/// Adds the gradient to the first largest value of each window.
pub(crate) fn max_backward(shape: &ConvShape, x: &[f32], y_gradient: &[f32], x_gradient: &mut [f32]) {
    let out_len = shape.out_len();
    x_gradient
        .par_chunks_mut(shape.in_len())
        .zip(x.par_chunks(shape.in_len()).zip(y_gradient.par_chunks(out_len)))
        .for_each(|(x_gradient, (x, y_gradient))| {
            argmax(shape, x, |out, input| x_gradient[input] += y_gradient[out]);
        });
}
