//! One dimension of a convolution: which taps of the kernel meet which pixels.
//!
//! Pixels at which the same taps fall inside the image form a class. Within a class every product has the same
//! shape, so borders need neither zeros around the image nor multiplications by them.

use std::ops::Range;

use super::shape::ConvShape;

/// One dimension, from the pixels that are computed to those that they are computed from.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// Taps of the kernel in the order in which consecutive source pixels meet them; only those that are met.
    pub(crate) taps: Vec<usize>,
    pub(crate) classes: Vec<Class>,
}

/// Target pixels that meet the same taps.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// A range of [`Axis::taps`]; empty if these pixels meet no tap.
    pub(crate) places: Range<usize>,
    pub(crate) positions: Vec<Position>,
}

/// A target pixel, and the source pixel that meets the first of its taps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) target: usize,
    pub(crate) source: usize,
}

/// Sizes of one dimension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) kernel: usize,
    pub(crate) input: usize,
    pub(crate) output: usize,
}

impl Sizes {
    pub(crate) fn vertical(shape: &ConvShape) -> Self {
        Self { kernel: shape.kernel_height, input: shape.height, output: shape.out_height() }
    }

    pub(crate) fn horizontal(shape: &ConvShape) -> Self {
        Self { kernel: shape.kernel_width, input: shape.width, output: shape.out_width() }
    }
}

impl Axis {
    /// Outputs from inputs.
    pub(crate) fn forward(shape: &ConvShape, sizes: Sizes) -> Self {
        let starts = (0..sizes.output).map(|y| (y, (y * shape.stride) as isize - shape.padding as isize));
        let taps: Vec<usize> = (0..sizes.kernel).collect();
        Self::new(&taps, starts, sizes.input)
    }

    /// Gradients of inputs from those of outputs: one axis for each remainder on division by the stride.
    ///
    /// Input `y` meets output `q - j` at tap `first + stride j`, where `y + padding = stride q + first`.
    pub(crate) fn backward(shape: &ConvShape, sizes: Sizes) -> Vec<Self> {
        let (stride, padding) = (shape.stride, shape.padding);
        let axis = |first: usize| {
            let mut taps: Vec<usize> = (first..sizes.kernel).step_by(stride).collect();
            taps.reverse();
            let n_taps = taps.len() as isize;
            let pixels = (0..sizes.input).filter(|y| (y + padding) % stride == first);
            let starts = pixels.map(|y| (y, ((y + padding) / stride) as isize + 1 - n_taps));
            Self::new(&taps, starts, sizes.output)
        };
        (0..stride).map(axis).collect()
    }

    /// Groups targets, given with the source pixel that would meet the first tap if the image had no border.
    fn new(taps: &[usize], starts: impl Iterator<Item = (usize, isize)>, size: usize) -> Self {
        let mut classes: Vec<Class> = Vec::new();
        for (target, start) in starts {
            let begin = (-start).clamp(0, taps.len() as isize);
            let end = (size as isize - start).clamp(begin, taps.len() as isize);
            let places = begin as usize..end as usize;
            let position = Position { target, source: (start + begin).max(0) as usize };
            match classes.iter_mut().find(|class| class.places == places) {
                Some(class) => class.positions.push(position),
                None => classes.push(Class { places, positions: vec![position] }),
            }
        }
        let met = || classes.iter().filter(|class| !class.places.is_empty());
        let first = met().map(|class| class.places.start).min().unwrap_or(0);
        let last = met().map(|class| class.places.end).max().unwrap_or(0);
        for class in &mut classes {
            let places = &class.places;
            class.places = if places.is_empty() { 0..0 } else { places.start - first..places.end - first };
        }
        Self { taps: taps[first..last].to_vec(), classes }
    }
}
