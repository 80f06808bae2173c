//! The gradient of the weights of a convolution of any shape, as products over runs of a padded image.

use rayon::prelude::*;

use super::direct::{input_border, padded, room, starts, task_images};
use super::padding::Border;
use super::products::{Pair, Pairs, accumulate_outer};
use super::shape::ConvShape;
use super::simd::{Kernel, Level, Simd, dispatch};
use super::split;
use crate::buffer::Buffer;

/// Most groups of images; each sums a gradient of its own.
const MAX_GROUPS: usize = 8;

/// Numbers of a weight above which groups do not have a gradient each.
const GROUPED_LEN: usize = 131_072;

/// Outputs of the sums of a task where there are no groups.
const OUTPUTS: usize = 32;

/// The gradient of the weight, `[c_out, c_in, kernel_height, kernel_width]`.
pub(crate) fn weight_gradient(
    level: Level,
    shape: &ConvShape,
    x: &[f32],
    y_gradient: &[f32],
    gradient: &mut [f32],
) {
    if shape.weight_len() <= GROUPED_LEN {
        by_groups(level, shape, x, y_gradient, gradient);
    } else {
        by_outputs(level, shape, x, y_gradient, gradient);
    }
}

/// For narrow layers: groups of images in parallel.
fn by_groups(level: Level, shape: &ConvShape, x: &[f32], y_gradient: &[f32], gradient: &mut [f32]) {
    let border = input_border(shape);
    let images = task_images(shape);
    let parts: Vec<Buffer> = split(shape.images, MAX_GROUPS)
        .into_par_iter()
        .map(|group| {
            let mut sums = Buffer::zeros(shape.weight_len());
            let mut copy = room(&border, images);
            for start in group.clone().step_by(images) {
                let part = start..(start + images).min(group.end);
                let x = &x[part.start * shape.in_len()..part.end * shape.in_len()];
                let y_gradient = &y_gradient[part.start * shape.out_len()..part.end * shape.out_len()];
                let len = part.len() * border.padded_len();
                let x = if border.is_empty() { x } else { padded(&border, x, &mut copy[..len]) };
                let products = Products { shape, border: &border, x, y_gradient, outputs: 0..shape.c_out };
                products.add_to(level, &pairs(shape, &border, part.len()), &mut sums);
            }
            let mut gradient = Buffer::of_any(shape.weight_len());
            transpose(shape, &sums, &mut gradient);
            gradient
        })
        .collect();
    super::sum_in_order(&parts, gradient);
}

/// For wide layers: slices of the outputs in parallel, over an input that was padded once.
fn by_outputs(level: Level, shape: &ConvShape, x: &[f32], y_gradient: &[f32], gradient: &mut [f32]) {
    let border = input_border(shape);
    let mut copy = room(&border, shape.images);
    let x = if border.is_empty() {
        x
    } else {
        let images = copy.par_chunks_mut(border.padded_len()).zip(x.par_chunks(shape.in_len()));
        images.for_each(|(copy, x)| border.pad(x, copy));
        &copy
    };
    let images = task_images(shape);
    let pairs_of_task = pairs(shape, &border, images);
    let depth = shape.weight_len() / shape.c_out;
    gradient.par_chunks_mut(OUTPUTS * depth).enumerate().for_each(|(slice, gradient)| {
        let outputs = slice * OUTPUTS..slice * OUTPUTS + gradient.len() / depth;
        let mut sums = Buffer::zeros(gradient.len());
        let parts = x.chunks(images * border.padded_len()).zip(y_gradient.chunks(images * shape.out_len()));
        for (x, y_gradient) in parts {
            let products = Products { shape, border: &border, x, y_gradient, outputs: outputs.clone() };
            let images_here = x.len() / border.padded_len();
            if images_here == images {
                products.add_to(level, &pairs_of_task, &mut sums);
            } else {
                products.add_to(level, &pairs(shape, &border, images_here), &mut sums);
            }
        }
        transpose(shape, &sums, gradient);
    });
}

/// The runs of the padded input that meet each output pixel of some images.
fn pairs(shape: &ConvShape, border: &Border, images: usize) -> Pairs {
    let starts = starts(shape, border, images).enumerate();
    starts.map(|(pixel, start)| Pair::new(start, pixel * shape.c_out)).collect()
}

/// Sums `[tap, c_in, output]` to weights `[output, c_in, tap]`.
fn transpose(shape: &ConvShape, sums: &[f32], gradient: &mut [f32]) {
    let taps = shape.kernel_height * shape.kernel_width;
    let outputs = gradient.len() / (shape.c_in * taps);
    for (out, gradient) in gradient.chunks_exact_mut(shape.c_in * taps).enumerate() {
        for (input, gradient) in gradient.chunks_exact_mut(taps).enumerate() {
            for (tap, value) in gradient.iter_mut().enumerate() {
                *value = sums[(tap * shape.c_in + input) * outputs + out];
            }
        }
    }
}

/// The products of some padded images and some outputs of their gradient.
struct Products<'a> {
    shape: &'a ConvShape,
    border: &'a Border,
    x: &'a [f32],
    y_gradient: &'a [f32],
    outputs: std::ops::Range<usize>,
}

impl Products<'_> {
    /// Adds them to sums `[tap, c_in, output]`.
    fn add_to(&self, level: Level, pairs: &Pairs, sums: &mut [f32]) {
        let len = self.shape.kernel_width * self.shape.c_in;
        for (row, sums) in sums.chunks_exact_mut(len * self.outputs.len()).enumerate() {
            let a = (&self.x[row * self.border.row_stride()..], len);
            let b = (&self.y_gradient[self.outputs.start..], self.outputs.len());
            dispatch(level, OuterProduct { pairs, a, b, sums });
        }
    }
}

struct OuterProduct<'a> {
    pairs: &'a Pairs,
    a: (&'a [f32], usize),
    b: (&'a [f32], usize),
    sums: &'a mut [f32],
}

impl Kernel for OuterProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        accumulate_outer(simd, self.pairs, self.a, self.b, (self.sums, self.b.1), true);
    }
}
