//! Convolution of any shape as products over runs of the image, forward and to the input.
//!
//! In NHWC a row of the kernel meets contiguous numbers, `kernel_width c_in` of them, so an output pixel is the
//! product of a few such runs with the weights, and nothing needs to be gathered. The gradient of the input is
//! the same: input pixels that leave the same remainders on division by the stride meet the same taps, which
//! form a smaller kernel over the gradient of the output.

use rayon::prelude::*;

use super::axis::{Axis, Class, Sizes};
use super::products::{Row, Rows, Runs, multiply, packed_len, panels};
use super::shape::ConvShape;
use super::simd::{Kernel, Level, Simd, dispatch};
use crate::buffer::Buffer;

/// Fewest output pixels of a task, as far as whole images allow.
const TASK_PIXELS: usize = 128;

/// Fewest tasks, as far as there are images.
const MIN_TASKS: usize = 4;

/// Images per task.
pub(crate) fn task_images(shape: &ConvShape) -> usize {
    TASK_PIXELS.div_ceil(shape.out_pixels()).min(shape.images.div_ceil(MIN_TASKS))
}

/// NHWC images: what runs are taken from, or what results are written to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Numbers of one image.
    pub(crate) len: usize,
}

impl Plane {
    pub(crate) fn input(shape: &ConvShape) -> Self {
        Self { width: shape.width, channels: shape.c_in, len: shape.in_len() }
    }

    pub(crate) fn output(shape: &ConvShape) -> Self {
        Self { width: shape.out_width(), channels: shape.c_out, len: shape.out_len() }
    }

    pub(crate) fn row_stride(&self) -> usize {
        self.width * self.channels
    }

    fn offset(&self, image: usize, y: usize, x: usize) -> usize {
        image * self.len + (y * self.width + x) * self.channels
    }
}

/// For every pixel of a class in some images: where its first run starts, and where its result goes.
pub(crate) fn class_rows(
    (vertical, horizontal): (&Class, &Class),
    (source, target): (Plane, Plane),
    images: usize,
) -> impl Iterator<Item = Row> {
    (0..images).flat_map(move |image| {
        vertical.positions.iter().flat_map(move |y| {
            horizontal.positions.iter().map(move |x| Row {
                a: source.offset(image, y.source, x.source),
                c: target.offset(image, y.target, x.target),
            })
        })
    })
}

/// A weight as this module reads it: the number for one target and one source channel at one tap.
#[derive(Clone, Copy)]
struct Weights<'a> {
    numbers: &'a [f32],
    /// Taps of the whole kernel, and of one of its rows.
    n_taps: usize,
    row: usize,
    target_stride: usize,
    source_stride: usize,
}

/// A kernel over the pixels of a vertical and a horizontal axis, packed `[tap, source channel]` by target channel.
struct PackedKernel {
    vertical: Axis,
    horizontal: Axis,
    packed: Buffer,
}

impl PackedKernel {
    fn new(
        level: Level,
        axes: (&Axis, &Axis),
        weights: Weights<'_>,
        (sources, targets): (usize, usize),
    ) -> Self {
        let (vertical, horizontal) = (axes.0.clone(), axes.1.clone());
        let lanes = level.lanes();
        let places: Vec<usize> = vertical
            .taps
            .iter()
            .flat_map(|y| horizontal.taps.iter().map(move |x| y * weights.row + x))
            .collect();
        let depth = places.len() * sources;
        let mut packed = Buffer::of_any(packed_len(depth, targets, lanes));
        if depth > 0 {
            let extents: Vec<_> = panels(targets, lanes).collect();
            packed.par_chunks_mut(depth * 2 * lanes).zip(extents).for_each(|(packed, panel)| {
                let width = panel.vectors * lanes;
                for source in 0..sources {
                    for lane in 0..width {
                        let target = panel.start + lane;
                        let filter = (target < targets).then(|| {
                            &weights.numbers
                                [target * weights.target_stride + source * weights.source_stride..]
                                [..weights.n_taps]
                        });
                        for (place, tap) in places.iter().enumerate() {
                            packed[(place * sources + source) * width + lane] =
                                filter.map_or(0.0, |filter| filter[*tap]);
                        }
                    }
                }
            });
        }
        Self { vertical, horizontal, packed }
    }

    /// Computes the targets of some images, in `c`, from their sources, in `a`.
    fn apply(&self, level: Level, (a, source): (&[f32], Plane), (c, target): (&mut [f32], Plane), add: bool) {
        let images = a.len() / source.len;
        for vertical in &self.vertical.classes {
            for horizontal in &self.horizontal.classes {
                let rows = class_rows((vertical, horizontal), (source, target), images);
                if vertical.places.is_empty() || horizontal.places.is_empty() {
                    if !add {
                        rows.for_each(|row| c[row.c..][..target.channels].fill(0.0));
                    }
                    continue;
                }
                let row_taps = self.horizontal.taps.len();
                let runs = Runs {
                    count: vertical.places.len(),
                    stride: source.row_stride(),
                    len: horizontal.places.len() * source.channels,
                    depth: self.vertical.taps.len() * row_taps * source.channels,
                    first: (vertical.places.start * row_taps + horizontal.places.start) * source.channels,
                    step: row_taps * source.channels,
                };
                let (rows, c) = (rows.collect(), &mut *c);
                dispatch(
                    level,
                    Product { a, rows: &rows, runs, b: &self.packed, c, columns: target.channels, add },
                );
            }
        }
    }
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

/// `y = x * weight`: `[image, height, width, c_in]` to `[image, out_height, out_width, c_out]`.
pub(crate) fn convolve(level: Level, shape: &ConvShape, x: &[f32], weight: &[f32], y: &mut [f32]) {
    let n_taps = shape.kernel_height * shape.kernel_width;
    let (target_stride, source_stride) = (shape.c_in * n_taps, n_taps);
    let weights = Weights { numbers: weight, n_taps, row: shape.kernel_width, target_stride, source_stride };
    let vertical = Axis::forward(shape, Sizes::vertical(shape));
    let horizontal = Axis::forward(shape, Sizes::horizontal(shape));
    let kernel = PackedKernel::new(level, (&vertical, &horizontal), weights, (shape.c_in, shape.c_out));
    let (source, target, images) = (Plane::input(shape), Plane::output(shape), task_images(shape));
    let tasks = x.par_chunks(images * source.len).zip(y.par_chunks_mut(images * target.len));
    tasks.for_each(|(x, y)| kernel.apply(level, (x, source), (y, target), false));
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
    let n_taps = shape.kernel_height * shape.kernel_width;
    let (target_stride, source_stride) = (n_taps, shape.c_in * n_taps);
    let weights = Weights { numbers: weight, n_taps, row: shape.kernel_width, target_stride, source_stride };
    let rows = Axis::backward(shape, Sizes::vertical(shape));
    let columns = Axis::backward(shape, Sizes::horizontal(shape));
    let axes = rows.iter().flat_map(|vertical| columns.iter().map(move |horizontal| (vertical, horizontal)));
    let channels = (shape.c_out, shape.c_in);
    let kernels: Vec<_> = axes.map(|axes| PackedKernel::new(level, axes, weights, channels)).collect();
    let (source, target, images) = (Plane::output(shape), Plane::input(shape), task_images(shape));
    let tasks =
        y_gradient.par_chunks(images * source.len).zip(x_gradient.par_chunks_mut(images * target.len));
    tasks.for_each(|(y_gradient, x_gradient)| {
        for kernel in &kernels {
            kernel.apply(level, (y_gradient, source), (&mut *x_gradient, target), add);
        }
    });
}
