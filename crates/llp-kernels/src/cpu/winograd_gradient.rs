//! The gradient of the weights by Winograd's algorithm F(4x4, 3x3).
//!
//! At each of the 36 points the gradient of the transformed filters is a product `[c_in, tile] [tile, c_out]` of the
//! transformed inputs and gradients; summed over all tiles, it is transformed back.

use std::ops::Range;

use rayon::prelude::*;

use super::products::{Pair, Pairs, accumulate_outer};
use super::shape::ConvShape;
use super::simd::{Kernel, Level, Simd, dispatch};
use super::sum_of_groups;
use super::tiles::{Block, Tiling, transform_input, transform_output_gradient};
use super::transform::POINTS;
use super::winograd::{block_tiles, blocks, most_tiles};
use super::winograd_filters::{FilterSums, WeightTarget, unpack_gradient};
use crate::buffer::Buffer;

/// Numbers of a transformed gradient above which groups do not have one each.
const GROUPED_LEN: usize = 36 * 128 * 128;

/// Numbers of transformed inputs and gradients that are kept at a time where there are no groups: 24 MiB.
const KEPT_LEN: usize = 6_291_456;

/// Tiles per task of the transforms there.
const TASK_TILES: usize = 16;

/// Inputs and outputs of the sums that a task has at a time there: 576 KiB.
const SLICE: usize = 128;
const OUTPUTS: usize = 32;

/// The gradient of the weights, `[c_out, c_in, 3, 3]`, from the input and the gradient of the output.
pub(crate) fn weight_gradient(
    level: Level,
    shape: &ConvShape,
    x: &[f32],
    y_gradient: &[f32],
    gradient: &mut [f32],
) {
    if POINTS * shape.c_in * shape.c_out <= GROUPED_LEN {
        by_groups(level, shape, x, y_gradient, gradient);
    } else {
        by_slices(level, shape, x, y_gradient, gradient);
    }
}

/// For narrow layers with many tiles: groups of tiles in parallel, blocks within a group one after the other.
fn by_groups(level: Level, shape: &ConvShape, x: &[f32], y_gradient: &[f32], gradient: &mut [f32]) {
    let tiling = Tiling::new(shape);
    let tiles = block_tiles(shape.c_in + shape.c_out);
    let all = blocks(&tiling, 0..tiling.all_rows(), tiles);
    let most = most_tiles(&tiling, &all);
    let (v, z) = (Block::new(most, shape.c_in), Block::new(most, shape.c_out));
    sum_of_groups(all.len(), gradient, |group, gradient| {
        dispatch(level, Group { tiling, blocks: &all[group], x, y_gradient, v, z, gradient });
    });
}

struct Group<'a> {
    tiling: Tiling,
    blocks: &'a [Range<usize>],
    x: &'a [f32],
    y_gradient: &'a [f32],
    v: Block,
    z: Block,
    gradient: &'a mut [f32],
}

impl Kernel for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { tiling, blocks, x, y_gradient, v, z, gradient } = self;
        let mut inputs = Buffer::of_any(v.len());
        let mut gradients = Buffer::of_any(z.len());
        let point_len = v.channels * z.channels;
        let mut sums = Buffer::of_any(POINTS * point_len);
        for (index, rows) in blocks.iter().enumerate() {
            transform_input(simd, tiling, rows.clone(), x, (&mut inputs, v));
            transform_output_gradient(simd, tiling, rows.clone(), y_gradient, (&mut gradients, z));
            let tiles = rows.len() * tiling.columns();
            let pairs: Pairs = (0..tiles).map(|t| Pair::new(t * v.tile_stride, t * z.tile_stride)).collect();
            for point in 0..POINTS {
                let a = (&inputs[point * v.point_stride..], v.channels);
                let b = (&gradients[point * z.point_stride..], z.channels);
                let sums = &mut sums[point * point_len..][..point_len];
                accumulate_outer(simd, &pairs, a, b, (sums, z.channels), index > 0);
            }
        }
        let from = FilterSums { sums: &sums, inputs: v.channels, outputs: z.channels };
        let mut to = WeightTarget { gradient, c_in: v.channels, first_input: 0, add: false };
        unpack_gradient(simd, from, &mut to);
    }
}

/// For wide layers: tiles are transformed once, then slices of the sums are worked on in parallel.
fn by_slices(level: Level, shape: &ConvShape, x: &[f32], y_gradient: &[f32], gradient: &mut [f32]) {
    let tiling = Tiling::new(shape);
    let blocks = blocks(&tiling, 0..tiling.all_rows(), TASK_TILES);
    let most = most_tiles(&tiling, &blocks);
    let (v, z) = (Block::new(most, shape.c_in), Block::new(most, shape.c_out));
    let kept = (KEPT_LEN / (v.len() + z.len())).max(1);
    let mut inputs = Buffer::of_any(kept.min(blocks.len()) * v.len());
    let mut gradients = Buffer::of_any(kept.min(blocks.len()) * z.len());
    for (index, blocks) in blocks.chunks(kept).enumerate() {
        let parts = inputs.par_chunks_mut(v.len()).zip(gradients.par_chunks_mut(z.len()));
        parts.zip(blocks).for_each(|((inputs, gradients), rows)| {
            let rows = rows.clone();
            dispatch(level, TransformBoth { tiling, rows, x, y_gradient, v: (inputs, v), z: (gradients, z) });
        });
        let tile = |block: usize, tile: usize| {
            Pair::new(block * v.len() + tile * v.tile_stride, block * z.len() + tile * z.tile_stride)
        };
        let tiles = |block: usize| 0..blocks[block].len() * tiling.columns();
        let pairs: Pairs =
            (0..blocks.len()).flat_map(|block| tiles(block).map(move |index| tile(block, index))).collect();
        gradient.par_chunks_mut(OUTPUTS * shape.c_in * 9).enumerate().for_each(|(part, gradient)| {
            let (v, z) = ((&inputs[..], v), (&gradients[..], z));
            let first_output = part * OUTPUTS;
            dispatch(level, Slices { pairs: &pairs, v, z, first_output, gradient, add: index > 0 });
        });
    }
}

struct TransformBoth<'a> {
    tiling: Tiling,
    rows: Range<usize>,
    x: &'a [f32],
    y_gradient: &'a [f32],
    v: (&'a mut [f32], Block),
    z: (&'a mut [f32], Block),
}

impl Kernel for TransformBoth<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        transform_input(simd, self.tiling, self.rows.clone(), self.x, self.v);
        transform_output_gradient(simd, self.tiling, self.rows, self.y_gradient, self.z);
    }
}

/// The gradient of some outputs' weights, slice by slice of the inputs.
struct Slices<'a> {
    pairs: &'a Pairs,
    v: (&'a [f32], Block),
    z: (&'a [f32], Block),
    first_output: usize,
    gradient: &'a mut [f32],
    add: bool,
}

impl Kernel for Slices<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { pairs, v: (inputs, v), z: (gradients, z), first_output, gradient, add } = self;
        let outputs = (z.channels - first_output).min(OUTPUTS);
        let mut sums = Buffer::of_any(POINTS * SLICE * OUTPUTS);
        for first_input in (0..v.channels).step_by(SLICE) {
            let len = (v.channels - first_input).min(SLICE);
            for point in 0..POINTS {
                let a = (&inputs[point * v.point_stride + first_input..], len);
                let b = (&gradients[point * z.point_stride + first_output..], outputs);
                let sums = &mut sums[point * len * outputs..][..len * outputs];
                accumulate_outer(simd, pairs, a, b, (sums, outputs), false);
            }
            let from = FilterSums { sums: &sums, inputs: len, outputs };
            let mut to = WeightTarget { gradient: &mut *gradient, c_in: v.channels, first_input, add };
            unpack_gradient(simd, from, &mut to);
        }
    }
}
