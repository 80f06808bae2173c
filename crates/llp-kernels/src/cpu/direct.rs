//! Convolution of any shape as products over runs of a padded image, in all three passes.
//!
//! In NHWC a row of the kernel meets `kernel_width c_in` contiguous numbers of the padded input, so an output
//! pixel is the product of `kernel_height` such runs with the weights, and nothing needs to be gathered. The
//! gradient of the input is the same: input pixels that leave the same remainders on division by the stride meet
//! the same taps, which again form a smaller kernel over the padded gradient of the output.

use rayon::prelude::*;

use super::padding::Border;
use super::products::{Row, Rows, Runs, multiply, packed_len, panels};
use super::shape::ConvShape;
use super::simd::{Kernel, Level, Simd, dispatch};
use crate::buffer::Buffer;

/// Fewest output pixels of a task, as far as whole images allow.
const TASK_PIXELS: usize = 128;

/// A weight matrix `[depth, columns]` for [`multiply`], filled by a function of row and column.
fn pack(level: Level, depth: usize, columns: usize, get: impl Fn(usize, usize) -> f32 + Sync) -> Buffer {
    let lanes = level.lanes();
    let mut packed = Buffer::of_any(packed_len(depth, columns, lanes));
    if packed.is_empty() {
        return packed;
    }
    packed.par_chunks_mut(depth * 2 * lanes).zip(panels(columns, lanes).collect::<Vec<_>>()).for_each(
        |(packed, panel)| {
            for (row, packed) in packed.chunks_exact_mut(panel.vectors * lanes).enumerate() {
                for (column, value) in packed.iter_mut().enumerate() {
                    let column = panel.start + column;
                    *value = if column < columns { get(row, column) } else { 0.0 };
                }
            }
        },
    );
    packed
}

/// Images per task.
pub(crate) fn task_images(shape: &ConvShape) -> usize {
    TASK_PIXELS.div_ceil(shape.out_pixels()).min(shape.images)
}

/// The border around the input.
pub(crate) fn input_border(shape: &ConvShape) -> Border {
    let p = shape.padding;
    let (height, width, channels) = (shape.height, shape.width, shape.c_in);
    Border { height, width, channels, top: p, left: p, bottom: p, right: p }
}

/// Where the runs of every output pixel of the first `images` images begin in the padded input.
pub(crate) fn starts(shape: &ConvShape, border: &Border, images: usize) -> impl Iterator<Item = usize> {
    let (out_height, out_width, stride) = (shape.out_height(), shape.out_width(), shape.stride);
    let (image_len, row_stride, channels) = (border.padded_len(), border.row_stride(), border.channels);
    (0..images).flat_map(move |image| {
        (0..out_height).flat_map(move |y| {
            let row = image * image_len + y * stride * row_stride;
            (0..out_width).map(move |x| row + x * stride * channels)
        })
    })
}

/// The images of one task with their border: a padded copy, or they themselves where there is no border.
pub(crate) fn padded<'a>(border: &Border, images: &'a [f32], copy: &'a mut [f32]) -> &'a [f32] {
    if border.is_empty() {
        return images;
    }
    border.pad(images, copy);
    copy
}

/// Room for the padded copies of so many images.
pub(crate) fn room(border: &Border, images: usize) -> Buffer {
    Buffer::of_any(if border.is_empty() { 0 } else { images * border.padded_len() })
}

/// `y = x * weight`: `[image, height, width, c_in]` to `[image, out_height, out_width, c_out]`.
pub(crate) fn convolve(level: Level, shape: &ConvShape, x: &[f32], weight: &[f32], y: &mut [f32]) {
    let taps = shape.kernel_height * shape.kernel_width;
    let packed = pack(level, taps * shape.c_in, shape.c_out, |row, out| {
        let (tap, input) = (row / shape.c_in, row % shape.c_in);
        weight[(out * shape.c_in + input) * taps + tap]
    });
    let border = input_border(shape);
    let images = task_images(shape);
    let runs = Runs {
        count: shape.kernel_height,
        stride: border.row_stride(),
        len: shape.kernel_width * shape.c_in,
    };
    let tasks = x.par_chunks(images * shape.in_len()).zip(y.par_chunks_mut(images * shape.out_len()));
    tasks.for_each(|(x, y)| {
        let images = x.len() / shape.in_len();
        let mut copy = room(&border, images);
        let a = padded(&border, x, &mut copy);
        let rows = starts(shape, &border, images).enumerate().map(|(i, a)| Row { a, c: i * shape.c_out });
        let rows = rows.collect();
        dispatch(level, Product { a, rows: &rows, runs, b: &packed, c: y, columns: shape.c_out, add: false });
    });
}

struct Product<'a> {
    a: &'a [f32],
    rows: &'a Rows,
    runs: Runs,
    b: &'a [f32],
    c: &'a mut [f32],
    columns: usize,
    add: bool,
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        multiply(simd, (self.a, self.rows), self.runs, self.b, (self.c, self.columns), self.add);
    }
}

/// One dimension of the input pixels that leave the same remainder on division by the stride.
#[derive(Clone, Copy)]
struct Residue {
    /// Taps of the kernel that meet them: `first, first + stride, ..`.
    first_tap: usize,
    n_taps: usize,
    /// The first of the pixels.
    first_pixel: usize,
    /// The output pixel that the last tap meets there, counted with the zeros of [`Residue::shift`].
    first_output: usize,
}

impl Residue {
    /// The residues of a dimension with `kernel` taps.
    fn all(shape: &ConvShape, kernel: usize, size: usize) -> Vec<Self> {
        let (stride, padding) = (shape.stride, shape.padding);
        let residue = |first_tap: usize| {
            let first_pixel = (first_tap + stride - padding % stride) % stride;
            let n_taps = kernel.saturating_sub(first_tap).div_ceil(stride);
            let last_output = (first_pixel + padding - first_tap) / stride + Self::shift(shape, kernel);
            let first_output = (last_output + 1).saturating_sub(n_taps);
            Self { first_tap, n_taps, first_pixel, first_output }
        };
        (0..stride).map(residue).filter(|residue| residue.first_pixel < size).collect()
    }

    /// Zeros before the gradient of the output, so that no pixel reaches further back.
    fn shift(shape: &ConvShape, kernel: usize) -> usize {
        kernel.div_ceil(shape.stride) - 1
    }

    /// The pixels, and where each one's run of outputs starts.
    fn pixels(self, stride: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
        (self.first_pixel..size)
            .step_by(stride)
            .enumerate()
            .map(move |(i, pixel)| (pixel, self.first_output + i))
    }

    /// The tap of the kernel that meets output number `index` of a run.
    fn tap(self, stride: usize, index: usize) -> usize {
        self.first_tap + stride * (self.n_taps - 1 - index)
    }
}

/// The border around the gradient of the output that [`Residue`] counts on.
fn output_border(shape: &ConvShape) -> Border {
    let after = |size: usize, out: usize| ((size - 1 + shape.padding) / shape.stride + 1).saturating_sub(out);
    let (height, width) = (shape.out_height(), shape.out_width());
    Border {
        height,
        width,
        channels: shape.c_out,
        top: Residue::shift(shape, shape.kernel_height),
        left: Residue::shift(shape, shape.kernel_width),
        bottom: after(shape.height, height),
        right: after(shape.width, width),
    }
}

/// The pixels of one remainder in both dimensions, with the weights of the taps that they meet.
struct ResidueProduct {
    vertical: Residue,
    horizontal: Residue,
    packed: Buffer,
}

/// The gradient of the input, into `x_gradient` or added to it.
pub(crate) fn input_gradient(
    level: Level,
    shape: &ConvShape,
    y_gradient: &[f32],
    weight: &[f32],
    x_gradient: &mut [f32],
    add: bool,
) {
    let rows = Residue::all(shape, shape.kernel_height, shape.height);
    let columns = Residue::all(shape, shape.kernel_width, shape.width);
    let products: Vec<ResidueProduct> = rows
        .iter()
        .flat_map(|vertical| columns.iter().map(move |horizontal| (*vertical, *horizontal)))
        .map(|(vertical, horizontal)| {
            let packed = pack_transposed(level, shape, weight, vertical, horizontal);
            ResidueProduct { vertical, horizontal, packed }
        })
        .collect();
    let border = output_border(shape);
    let images = task_images(shape);
    let tasks = y_gradient
        .par_chunks(images * shape.out_len())
        .zip(x_gradient.par_chunks_mut(images * shape.in_len()));
    tasks.for_each(|(y_gradient, x_gradient)| {
        let images = y_gradient.len() / shape.out_len();
        let mut copy = room(&border, images);
        let a = padded(&border, y_gradient, &mut copy);
        if !add && products.iter().any(|p| p.vertical.n_taps * p.horizontal.n_taps == 0) {
            x_gradient.fill(0.0);
        }
        for product in &products {
            let rows = residue_rows(shape, &border, product, images);
            let runs = Runs {
                count: product.vertical.n_taps,
                stride: border.row_stride(),
                len: product.horizontal.n_taps * shape.c_out,
            };
            let (b, c) = (&product.packed, &mut *x_gradient);
            dispatch(level, Product { a, rows: &rows, runs, b, c, columns: shape.c_in, add });
        }
    });
}

/// The weights `[tap and output channel, input channel]` of the taps of a residue, last tap first.
fn pack_transposed(
    level: Level,
    shape: &ConvShape,
    weight: &[f32],
    vertical: Residue,
    horizontal: Residue,
) -> Buffer {
    let (c_in, c_out, width) = (shape.c_in, shape.c_out, shape.kernel_width);
    let depth = vertical.n_taps * horizontal.n_taps * c_out;
    pack(level, depth, c_in, |row, input| {
        let (place, out) = (row / c_out, row % c_out);
        let ky = vertical.tap(shape.stride, place / horizontal.n_taps);
        let kx = horizontal.tap(shape.stride, place % horizontal.n_taps);
        weight[((out * c_in + input) * shape.kernel_height + ky) * width + kx]
    })
}

fn residue_rows(shape: &ConvShape, border: &Border, product: &ResidueProduct, images: usize) -> Rows {
    let mut rows = Rows::default();
    for image in 0..images {
        for (y, output_y) in product.vertical.pixels(shape.stride, shape.height) {
            for (x, output_x) in product.horizontal.pixels(shape.stride, shape.width) {
                let start = output_y * border.row_stride() + output_x * border.channels;
                rows.push(Row {
                    a: image * border.padded_len() + start,
                    c: image * shape.in_len() + (y * shape.width + x) * shape.c_in,
                });
            }
        }
    }
    rows
}

