//! Convolution with 3x3 filters and stride 1 by Winograd's algorithm F(4x4, 3x3) \[lavin:16\].
//!
//! A tile of 4x4 outputs and the 6x6 inputs that it depends on become 36 numbers per channel; the convolution
//! becomes, at each of the 36 points, a product of the tiles' matrix `[tile, c_in]` with that of the filters
//! `[c_in, c_out]`: a quarter of the multiplications. Blocks of tiles go through transform, products and
//! transform back while they are in the cache. The gradient of the input is the same with the filters rotated.

use std::ops::Range;

use rayon::prelude::*;

use super::products::{Panel, Row, Rows, Runs, multiply, panels};
use super::shape::ConvShape;
use super::simd::{Kernel, Level, Simd, dispatch};
use super::tiles::{Block, Target, Tiling, transform_input, transform_output};
use super::transform::POINTS;
use super::winograd_filters::{Filters, pack_filters, pack_panel};
use crate::buffer::Buffer;

/// Numbers in the two transformed blocks of a task: 768 KiB, for a second-level cache of a megabyte.
const BLOCK_LEN: usize = 196_608;

/// Fewest and most tiles of a block: enough rows for the filters to be worth loading.
const MIN_BLOCK_TILES: usize = 32;
const MAX_BLOCK_TILES: usize = 128;

/// Up to how many tiles, and from how many outputs on, each panel of outputs transforms its own filters.
const FEW_TILES: usize = 160;
const MANY_CHANNELS: usize = 128;

/// Inputs whose transformed filters to one panel are used at a time: 576 KiB.
const SLICE: usize = 128;

/// Tiles per task where panels are transformed back.
const OUTPUT_TILES: usize = 8;

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
pub(crate) fn blocks(tiling: &Tiling, rows: Range<usize>, tiles: usize) -> Vec<Range<usize>> {
    let step = (tiles / tiling.columns()).max(1);
    let end = rows.end;
    rows.step_by(step).map(|start| start..(start + step).min(end)).collect()
}

pub(crate) fn block_tiles(channels: usize) -> usize {
    (BLOCK_LEN / (POINTS * channels)).clamp(MIN_BLOCK_TILES, MAX_BLOCK_TILES)
}

/// Tiles of the largest block.
pub(crate) fn most_tiles(tiling: &Tiling, blocks: &[Range<usize>]) -> usize {
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
    let tiling = Tiling::new(shape);
    if tiling.n_tiles() <= FEW_TILES && shape.c_out >= MANY_CHANNELS {
        return by_panels(level, shape, x, filters, y, add);
    }
    let packed = pack_filters(level, filters, (shape.c_in, shape.c_out));
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
        let target = Target { y, channels: m.channels, first_channel: 0, add };
        transform_output(simd, tiling, rows, (&products, m), target);
    }
}

/// For few tiles: as the transformed filters are many times as large as what they are applied to, each panel of
/// outputs transforms its own, slice by slice, and uses them while they are in the cache.
fn by_panels(level: Level, shape: &ConvShape, x: &[f32], filters: Filters<'_>, y: &mut [f32], add: bool) {
    let tiling = Tiling::new(shape);
    let all = 0..tiling.all_rows();
    let v = Block::new(tiling.n_tiles(), shape.c_in);
    let mut inputs = Buffer::of_any(v.len());
    // Too little work to share out.
    dispatch(level, TransformInput { tiling, rows: all.clone(), x, v: (&mut inputs, v) });
    let lanes = level.lanes();
    let m = Block::new(tiling.n_tiles(), 2 * lanes);
    let extents: Vec<Panel> = panels(shape.c_out, lanes).collect();
    let mut products = Buffer::of_any(extents.len() * m.len());
    products.par_chunks_mut(m.len()).zip(&extents).for_each(|(products, panel)| {
        let inputs = (&inputs[..], v);
        dispatch(level, ConvolvePanel { inputs, filters, panel: *panel, c_out: shape.c_out, products, m });
    });
    let blocks = blocks(&tiling, all, OUTPUT_TILES);
    let parts = cut_rows(&tiling, &blocks, y, shape.c_out);
    blocks.into_par_iter().zip(parts).for_each(|(rows, y)| {
        dispatch(level, GatherPanels { tiling, rows, products: &products, m, y, channels: shape.c_out, add });
    });
}

struct TransformInput<'a> {
    tiling: Tiling,
    rows: Range<usize>,
    x: &'a [f32],
    v: (&'a mut [f32], Block),
}

impl Kernel for TransformInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        transform_input(simd, self.tiling, self.rows, self.x, self.v);
    }
}

struct ConvolvePanel<'a> {
    inputs: (&'a [f32], Block),
    filters: Filters<'a>,
    panel: Panel,
    c_out: usize,
    products: &'a mut [f32],
    m: Block,
}

impl Kernel for ConvolvePanel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { inputs: (inputs, v), filters, panel, c_out, products, m } = self;
        let width = panel.vectors * S::LANES;
        let columns = (c_out - panel.start).min(width);
        let mut packed = Buffer::of_any(POINTS * SLICE * width);
        let rows: Rows = (0..v.tiles).map(|t| Row { a: t * v.tile_stride, c: t * m.tile_stride }).collect();
        for start in (0..v.channels).step_by(SLICE) {
            let slice = start..(start + SLICE).min(v.channels);
            pack_panel(simd, filters, slice.clone(), c_out, panel, &mut packed);
            for point in 0..POINTS {
                let a = (&inputs[point * v.point_stride + start..], &rows);
                let b = &packed[point * slice.len() * width..];
                let c = (&mut products[point * m.point_stride..], columns);
                multiply(simd, a, Runs::one(slice.len()), b, c, start > 0);
            }
        }
    }
}

struct GatherPanels<'a> {
    tiling: Tiling,
    rows: Range<usize>,
    products: &'a [f32],
    m: Block,
    y: &'a mut [f32],
    channels: usize,
    add: bool,
}

impl Kernel for GatherPanels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { tiling, rows, products, m, y, channels, add } = self;
        let first_tile = rows.start * tiling.columns();
        for (products, panel) in products.chunks(m.len()).zip(panels(channels, S::LANES)) {
            let block = Block { channels: (channels - panel.start).min(m.channels), ..m };
            let products = (&products[first_tile * m.tile_stride..], block);
            let target = Target { y: &mut *y, channels, first_channel: panel.start, add };
            transform_output(simd, tiling, rows.clone(), products, target);
        }
    }
}
