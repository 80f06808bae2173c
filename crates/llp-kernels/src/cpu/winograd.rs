//! Convolution with 3x3 filters and stride 1 by Winograd's algorithm F(4x4, 3x3), in all three passes.
//!
//! A tile of 4x4 outputs and the 6x6 inputs that it depends on become 36 numbers per channel; the convolution
//! becomes, at each of the 36 points, a product of the tiles' matrix `[tile, c_in]` with that of the filters
//! `[c_in, c_out]`: a quarter of the multiplications. Blocks of tiles go through transform, products and
//! transform back while they are in the cache.

use std::ops::Range;

use rayon::prelude::*;

use super::products::{Pair, Pairs, Row, Rows, Runs, accumulate_outer, multiply, panels};
use super::shape::ConvShape;
use super::simd::{Kernel, Level, Simd, dispatch};
use super::tiles::{Block, Tiling, transform_input, transform_output, transform_output_gradient};
use super::transform::POINTS;
use super::winograd_filters::{Filters, pack_filters, unpack_gradient};
use crate::buffer::Buffer;

/// Numbers in the two transformed blocks of a task: 768 KiB, for a second-level cache of a megabyte.
const BLOCK_LEN: usize = 196_608;

/// Fewest and most tiles of a block: enough rows for the filters to be worth loading.
const MIN_BLOCK_TILES: usize = 32;
const MAX_BLOCK_TILES: usize = 128;

/// Most groups of tiles of a gradient of the weights; each sums a gradient of its own.
const MAX_GROUPS: usize = 8;

/// Numbers of a transformed gradient of the weights above which groups do not have one each.
const GROUPED_GRADIENT_LEN: usize = 36 * 128 * 128;

/// Whether this algorithm applies to a convolution.
pub(crate) fn applies(shape: &ConvShape) -> bool {
    (shape.kernel_height, shape.kernel_width, shape.stride) == (3, 3, 1) && shape.padding <= 2
}

/// The convolution whose output is the gradient of the input, and whose input is the gradient of the output.
pub(crate) fn transposed(shape: &ConvShape) -> ConvShape {
    ConvShape {
        height: shape.out_height(),
        width: shape.out_width(),
        c_in: shape.c_out,
        c_out: shape.c_in,
        padding: 2 - shape.padding,
        ..*shape
    }
}

/// Rows of tiles, cut into blocks of a size that depends on the shape alone.
fn blocks(tiling: &Tiling, rows: Range<usize>, tiles: usize) -> Vec<Range<usize>> {
    let step = (tiles / tiling.columns()).max(1);
    let end = rows.end;
    rows.step_by(step).map(|start| start..(start + step).min(end)).collect()
}

fn block_tiles(channels: usize) -> usize {
    (BLOCK_LEN / (POINTS * channels)).clamp(MIN_BLOCK_TILES, MAX_BLOCK_TILES)
}

/// Tiles of the largest block.
fn most_tiles(tiling: &Tiling, blocks: &[Range<usize>]) -> usize {
    blocks.iter().map(|rows| rows.len() * tiling.columns()).max().unwrap_or(0)
}

/// `y = x * filters`, or `+=` with `add`: `x` is `[image, height, width, c_in]`, `y` `[image, out_height, out_width, c_out]`.
pub(crate) fn convolve(
    level: Level,
    shape: &ConvShape,
    x: &[f32],
    filters: Filters<'_>,
    y: &mut [f32],
    add: bool,
) {
    let packed = pack_filters(level, filters, (shape.c_in, shape.c_out));
    let tiling = Tiling::new(shape);
    let blocks = blocks(&tiling, 0..tiling.all_rows(), block_tiles(shape.c_in + shape.c_out));
    let tiles = most_tiles(&tiling, &blocks);
    let v = Block::new(tiles, shape.c_in);
    let m = Block::new(tiles, shape.c_out);
    let parts = cut_rows(&tiling, &blocks, y, shape.c_out);
    blocks.into_par_iter().zip(parts).for_each(|(rows, y)| {
        dispatch(level, ConvolveBlock { tiling, rows, x, packed: &packed, v, m, y, add });
    });
}

/// Cuts an output at the ends of blocks of rows of tiles.
fn cut_rows<'a>(
    tiling: &Tiling,
    blocks: &[Range<usize>],
    mut y: &'a mut [f32],
    channels: usize,
) -> Vec<&'a mut [f32]> {
    let mut parts = Vec::with_capacity(blocks.len());
    for rows in blocks {
        let pixels = tiling.first_pixel(rows.end) - tiling.first_pixel(rows.start);
        let (part, rest) = y.split_at_mut(pixels * channels);
        parts.push(part);
        y = rest;
    }
    parts
}

struct ConvolveBlock<'a> {
    tiling: Tiling,
    rows: Range<usize>,
    x: &'a [f32],
    packed: &'a [f32],
    v: Block,
    m: Block,
    y: &'a mut [f32],
    add: bool,
}

impl Kernel for ConvolveBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { tiling, rows, x, packed, v, m, y, add } = self;
        let mut inputs = Buffer::of_any(v.len());
        let mut products = Buffer::of_any(m.len());
        transform_input(simd, tiling, rows.clone(), x, (&mut inputs, v));
        let tiles = rows.len() * tiling.columns();
        let list: Rows = (0..tiles).map(|t| Row { a: t * v.tile_stride, c: t * m.tile_stride }).collect();
        for point in 0..POINTS {
            let inputs = &inputs[point * v.point_stride..];
            for panel in panels(m.channels, S::LANES) {
                let columns = (m.channels - panel.start).min(2 * S::LANES);
                let width = panel.vectors * S::LANES;
                let filters = &packed[(POINTS * panel.start + point * width) * v.channels..];
                let products = &mut products[point * m.point_stride + panel.start..];
                multiply(simd, (inputs, &list), Runs::one(v.channels), filters, (products, columns), false);
            }
        }
        transform_output(simd, tiling, rows, (&products, m), y, add);
    }
}

/// The gradient of the weights, `[c_out, c_in, 3, 3]`, from the input and the gradient of the output.
pub(crate) fn weight_gradient(
    level: Level,
    shape: &ConvShape,
    x: &[f32],
    y_gradient: &[f32],
    gradient: &mut [f32],
) {
    if POINTS * shape.c_in * shape.c_out <= GROUPED_GRADIENT_LEN {
        by_groups(level, shape, x, y_gradient, gradient);
    } else {
        by_points(level, shape, x, y_gradient, gradient);
    }
}

/// For narrow layers with many tiles: groups of tiles in parallel, blocks within a group one after the other.
fn by_groups(level: Level, shape: &ConvShape, x: &[f32], y_gradient: &[f32], gradient: &mut [f32]) {
    let tiling = Tiling::new(shape);
    let tiles = block_tiles(shape.c_in + shape.c_out);
    let all = blocks(&tiling, 0..tiling.all_rows(), tiles);
    let most = most_tiles(&tiling, &all);
    let (v, z) = (Block::new(most, shape.c_in), Block::new(most, shape.c_out));
    let groups = super::split(all.len(), MAX_GROUPS);
    let parts: Vec<Buffer> = groups
        .into_par_iter()
        .map(|group| {
            let mut sums = Buffer::of_any(POINTS * shape.c_in * shape.c_out);
            let mut gradient = Buffer::of_any(shape.weight_len());
            let blocks = &all[group];
            dispatch(level, GradientGroup { tiling, blocks, x, y_gradient, v, z, sums: &mut sums });
            unpack_gradient(level, &sums, (shape.c_in, shape.c_out), &mut gradient);
            gradient
        })
        .collect();
    gradient.copy_from_slice(&parts[0]);
    for part in &parts[1..] {
        for (sum, value) in gradient.iter_mut().zip(part.iter()) {
            *sum += value;
        }
    }
}

struct GradientGroup<'a> {
    tiling: Tiling,
    blocks: &'a [Range<usize>],
    x: &'a [f32],
    y_gradient: &'a [f32],
    v: Block,
    z: Block,
    sums: &'a mut [f32],
}

impl Kernel for GradientGroup<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { tiling, blocks, x, y_gradient, v, z, sums } = self;
        let mut inputs = Buffer::of_any(v.len());
        let mut gradients = Buffer::of_any(z.len());
        let point_len = v.channels * z.channels;
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
    }
}

/// For wide layers with few tiles: all tiles are transformed, then the points are worked on in parallel.
fn by_points(level: Level, shape: &ConvShape, x: &[f32], y_gradient: &[f32], gradient: &mut [f32]) {
    let tiling = Tiling::new(shape);
    let blocks = blocks(&tiling, 0..tiling.all_rows(), MIN_BLOCK_TILES);
    let most = most_tiles(&tiling, &blocks);
    let (v, z) = (Block::new(most, shape.c_in), Block::new(most, shape.c_out));
    let mut inputs = Buffer::of_any(blocks.len() * v.len());
    let mut gradients = Buffer::of_any(blocks.len() * z.len());
    let pairs: Pairs = (0..blocks.len())
        .flat_map(|block| (0..blocks[block].len() * tiling.columns()).map(move |tile| (block, tile)))
        .map(|(block, tile)| {
            Pair::new(block * v.len() + tile * v.tile_stride, block * z.len() + tile * z.tile_stride)
        })
        .collect();
    inputs.par_chunks_mut(v.len()).zip(gradients.par_chunks_mut(z.len())).zip(blocks).for_each(
        |((inputs, gradients), rows)| {
            dispatch(level, TransformBoth { tiling, rows, x, y_gradient, v: (inputs, v), z: (gradients, z) });
        },
    );
    let point_len = shape.c_in * shape.c_out;
    let mut sums = Buffer::of_any(POINTS * point_len);
    sums.par_chunks_mut(point_len).enumerate().for_each(|(point, sums)| {
        let a = (&inputs[point * v.point_stride..], shape.c_in);
        let b = (&gradients[point * z.point_stride..], shape.c_out);
        dispatch(level, OuterProducts { pairs: &pairs, a, b, sums });
    });
    unpack_gradient(level, &sums, (shape.c_in, shape.c_out), gradient);
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

struct OuterProducts<'a> {
    pairs: &'a Pairs,
    a: (&'a [f32], usize),
    b: (&'a [f32], usize),
    sums: &'a mut [f32],
}

impl Kernel for OuterProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        accumulate_outer(simd, self.pairs, self.a, self.b, (self.sums, self.b.1), false);
    }
}
