//! The gradient of the weights of a convolution of any shape, as products over runs of the image.

use std::ops::Range;

use rayon::prelude::*;

use super::axis::{Axis, Sizes};
use super::direct::{Plane, class_rows, task_images};
use super::products::{Pair, Pairs, accumulate_outer};
use super::shape::ConvShape;
use super::simd::{Kernel, Level, Simd, dispatch};
use super::sum_of_groups;
use crate::buffer::Buffer;

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
        sum_of_groups(shape.images, gradient, |group, gradient| {
            part_gradient(level, shape, (x, y_gradient), (group, 0..shape.c_out), gradient);
        });
    } else {
        let output_len = shape.weight_len() / shape.c_out;
        gradient.par_chunks_mut(OUTPUTS * output_len).enumerate().for_each(|(slice, gradient)| {
            let first = slice * OUTPUTS;
            let outputs = first..first + gradient.len() / output_len;
            part_gradient(level, shape, (x, y_gradient), (0..shape.images, outputs), gradient);
        });
    }
}

/// The gradient of some outputs' weights from some images.
fn part_gradient(
    level: Level,
    shape: &ConvShape,
    (x, y_gradient): (&[f32], &[f32]),
    (images, outputs): (Range<usize>, Range<usize>),
    gradient: &mut [f32],
) {
    let mut sums = Buffer::zeros(gradient.len());
    let step = task_images(shape);
    let (source, target) = (Plane::input(shape), Plane::output(shape));
    let whole = class_products(shape, step);
    for start in images.clone().step_by(step) {
        let part = start..(start + step).min(images.end);
        let partial = if part.len() == step { None } else { Some(class_products(shape, part.len())) };
        let x = &x[part.start * source.len..part.end * source.len];
        let y_gradient = &y_gradient[part.start * target.len..part.end * target.len];
        for products in partial.as_ref().unwrap_or(&whole) {
            let columns = outputs.len();
            for run in 0..products.runs {
                let a = (&x[run * source.row_stride()..], products.len);
                let b = (&y_gradient[outputs.start..], columns);
                let first = (products.first + run * shape.kernel_width * shape.c_in) * columns;
                let sums = &mut sums[first..first + products.len * columns];
                dispatch(level, OuterProduct { pairs: &products.pairs, a, b, sums });
            }
        }
    }
    transpose(shape, &sums, gradient);
}

/// The products of the pixels of one class.
struct ClassProducts {
    pairs: Pairs,
    runs: usize,
    /// Numbers in a run.
    len: usize,
    /// The row of the sums that the first number of the first run is for.
    first: usize,
}

fn class_products(shape: &ConvShape, images: usize) -> Vec<ClassProducts> {
    let rows = Axis::forward(shape, Sizes::vertical(shape));
    let columns = Axis::forward(shape, Sizes::horizontal(shape));
    let planes = (Plane::input(shape), Plane::output(shape));
    let classes = rows.classes.iter().flat_map(|y| columns.classes.iter().map(move |x| (y, x)));
    classes
        .filter(|(vertical, horizontal)| !vertical.places.is_empty() && !horizontal.places.is_empty())
        .map(|(vertical, horizontal)| {
            let (top, left) = (rows.taps[vertical.places.start], columns.taps[horizontal.places.start]);
            let pairs = class_rows((vertical, horizontal), planes, images);
            ClassProducts {
                pairs: pairs.map(|row| Pair::new(row.a, row.c)).collect(),
                runs: vertical.places.len(),
                len: horizontal.places.len() * shape.c_in,
                first: (top * shape.kernel_width + left) * shape.c_in,
            }
        })
        .collect()
}

/// Sums `[tap, c_in, output]` to weights `[output, c_in, tap]`.
fn transpose(shape: &ConvShape, sums: &[f32], gradient: &mut [f32]) {
    let taps = shape.kernel_height * shape.kernel_width;
    let outputs = gradient.len() / (shape.c_in * taps);
    for input in 0..shape.c_in {
        for out in 0..outputs {
            let filter = &mut gradient[(out * shape.c_in + input) * taps..][..taps];
            for (tap, value) in filter.iter_mut().enumerate() {
                *value = sums[(tap * shape.c_in + input) * outputs + out];
            }
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
