//! Moving 4x4 output tiles of NHWC images into and out of the transformed domain.
#![expect(
    unsafe_code,
    reason = "loads and stores of channel vectors by pointer; each public function checks the extents of its \
              slices, and no pointer is followed for a pixel outside the image"
)]

use std::ops::Range;

use super::shape::ConvShape;
use super::simd::{Simd, for_each_vector, load, store};
use super::transform::{POINTS, input_tile, output_adjoint_tile, output_tile};

/// How the outputs of a convolution with a 3x3 filter and stride 1 are cut into 4x4 tiles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiling {
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    pub(crate) padding: usize,
}

/// One tile: the image, and the first row and column of its outputs.
#[derive(Clone, Copy, Debug)]
struct Tile {
    image: usize,
    row: usize,
    column: usize,
}

impl Tiling {
    pub(crate) fn new(shape: &ConvShape) -> Self {
        Self {
            images: shape.images,
            height: shape.height,
            width: shape.width,
            out_height: shape.out_height(),
            out_width: shape.out_width(),
            padding: shape.padding,
        }
    }

    /// Rows of tiles in one image.
    fn rows(&self) -> usize {
        self.out_height.div_ceil(4)
    }

    /// Tiles in a row.
    pub(crate) fn columns(&self) -> usize {
        self.out_width.div_ceil(4)
    }

    /// Rows of tiles in all images.
    pub(crate) fn all_rows(&self) -> usize {
        self.images * self.rows()
    }

    pub(crate) fn n_tiles(&self) -> usize {
        self.all_rows() * self.columns()
    }

    /// The output pixels before a row of tiles, counted over all images.
    pub(crate) fn first_pixel(&self, row: usize) -> usize {
        let (image, row) = (row / self.rows(), row % self.rows());
        (image * self.out_height + 4 * row) * self.out_width
    }

    /// The tiles of some rows of tiles, in order.
    #[inline(always)]
    fn tiles(self, rows: Range<usize>) -> impl Iterator<Item = (usize, Tile)> {
        let columns = self.columns();
        let tile = move |row: usize, column: usize| Tile {
            image: row / self.rows(),
            row: 4 * (row % self.rows()),
            column: 4 * column,
        };
        rows.flat_map(move |row| (0..columns).map(move |column| tile(row, column))).enumerate()
    }
}

/// The layout of the transformed tiles of a block: `[point, tile, channel]` with gaps.
///
/// The gaps are a cache line each. They keep the same channels of neighbouring tiles and points from falling
/// into the same few sets of the cache, as they do at distances of large powers of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) tiles: usize,
    pub(crate) channels: usize,
    /// Distance of two neighbouring tiles at the same point.
    pub(crate) tile_stride: usize,
    /// Distance of the same tile at two neighbouring points.
    pub(crate) point_stride: usize,
}

impl Block {
    pub(crate) fn new(tiles: usize, channels: usize) -> Self {
        let tile_stride = if channels.is_multiple_of(128) { channels + 16 } else { channels };
        let point_stride = (tiles * tile_stride).next_multiple_of(16) + 16;
        Self { tiles, channels, tile_stride, point_stride }
    }

    pub(crate) fn len(self) -> usize {
        POINTS * self.point_stride
    }

    /// Length of the part up to the last of this many tiles at the last point.
    fn reach(self, tiles: usize) -> usize {
        (POINTS - 1) * self.point_stride + (tiles - 1) * self.tile_stride + self.channels
    }
}

/// Stores a transformed vector at every point.
///
/// # Safety
/// `target` is valid at every point for `tail` numbers, or for a vector if `tail` is 0.
#[inline(always)]
unsafe fn scatter<S: Simd>(simd: S, target: *mut f32, stride: usize, tile: [[S::V; 6]; 6], tail: usize) {
    for i in 0..6 {
        for j in 0..6 {
            // SAFETY: the caller's.
            unsafe { store(simd, target.add((6 * i + j) * stride), tile[i][j], tail) }
        }
    }
}

/// Transforms the inputs of the tiles in `rows`: `x` is `[image, height, width, channel]`, `v` a `block`.
#[inline(always)]
pub(crate) fn transform_input<S: Simd>(
    simd: S,
    tiling: Tiling,
    rows: Range<usize>,
    x: &[f32],
    (v, block): (&mut [f32], Block),
) {
    let channels = block.channels;
    assert!(x.len() == tiling.images * tiling.height * tiling.width * channels, "`x` holds the images");
    assert!(rows.len() * tiling.columns() <= block.tiles && rows.end <= tiling.all_rows(), "the block fits");
    assert!(v.len() >= block.len(), "`v` holds the block");
    for (index, tile) in tiling.tiles(rows) {
        // Pixels before the image wrap around to large numbers, which are outside as well.
        let top = tile.row.wrapping_sub(tiling.padding);
        let left = tile.column.wrapping_sub(tiling.padding);
        let image = x[tile.image * tiling.height * tiling.width * channels..].as_ptr();
        let target = v[index * block.tile_stride..].as_mut_ptr();
        // Small enough not to wrap, so the last row and column being inside is enough.
        let inside =
            top < tiling.height && top + 5 < tiling.height && left < tiling.width && left + 5 < tiling.width;
        for_each_vector!(S::LANES, channels, |start, tail| {
            let mut d = [[simd.zero(); 6]; 6];
            // SAFETY: a pixel is read only if it is in the image, and `start` and `tail` stay within its
            // channels; the block has room for `tiles` tiles at every point, and `index` is below that.
            unsafe {
                if inside {
                    let first = image.add((top * tiling.width + left) * channels + start);
                    for i in 0..6 {
                        for j in 0..6 {
                            d[i][j] = load(simd, first.add((i * tiling.width + j) * channels), tail);
                        }
                    }
                } else {
                    for i in 0..6 {
                        for j in 0..6 {
                            let (row, column) = (top.wrapping_add(i), left.wrapping_add(j));
                            if row < tiling.height && column < tiling.width {
                                let pixel = image.add((row * tiling.width + column) * channels + start);
                                d[i][j] = load(simd, pixel, tail);
                            }
                        }
                    }
                }
                scatter(simd, target.add(start), block.point_stride, input_tile(simd, d), tail);
            }
        });
    }
}

/// Transforms the gradients of the outputs of the tiles in `rows`, by the adjoint of [`transform_output`].
///
/// `y` is `[image, out_height, out_width, channel]`, `z` a `block`.
#[inline(always)]
pub(crate) fn transform_output_gradient<S: Simd>(
    simd: S,
    tiling: Tiling,
    rows: Range<usize>,
    y: &[f32],
    (z, block): (&mut [f32], Block),
) {
    let channels = block.channels;
    let out_pixels = tiling.out_height * tiling.out_width;
    assert!(y.len() == tiling.images * out_pixels * channels, "`y` holds the images");
    assert!(rows.len() * tiling.columns() <= block.tiles && rows.end <= tiling.all_rows(), "the block fits");
    assert!(z.len() >= block.len(), "`z` holds the block");
    for (index, tile) in tiling.tiles(rows) {
        let first = (tile.image * out_pixels + tile.row * tiling.out_width + tile.column) * channels;
        let first = y[first..].as_ptr();
        let target = z[index * block.tile_stride..].as_mut_ptr();
        let (height, width) = (tiling.out_height - tile.row, tiling.out_width - tile.column);
        for_each_vector!(S::LANES, channels, |start, tail| {
            let mut d = [[simd.zero(); 4]; 4];
            // SAFETY: a pixel is read only if it is in the image, and `start` and `tail` stay within its
            // channels; the block has room for `tiles` tiles at every point, and `index` is below that.
            unsafe {
                for i in 0..4 {
                    for j in 0..4 {
                        if i < height && j < width {
                            let pixel = first.add((i * tiling.out_width + j) * channels + start);
                            d[i][j] = load(simd, pixel, tail);
                        }
                    }
                }
                scatter(simd, target.add(start), block.point_stride, output_adjoint_tile(simd, d), tail);
            }
        });
    }
}

/// Where outputs go: whole rows of tiles from the first pixel of the first row on.
pub(crate) struct Target<'a> {
    pub(crate) y: &'a mut [f32],
    /// All channels of a pixel, and the first one that is written.
    pub(crate) channels: usize,
    pub(crate) first_channel: usize,
    /// Whether outputs are added to what is there.
    pub(crate) add: bool,
}

/// Transforms products back to the outputs of the tiles in `rows`; `m` is a `block`.
#[inline(always)]
pub(crate) fn transform_output<S: Simd>(
    simd: S,
    tiling: Tiling,
    rows: Range<usize>,
    (m, block): (&[f32], Block),
    target: Target<'_>,
) {
    let Target { y, channels, first_channel, add } = target;
    let origin = tiling.first_pixel(rows.start);
    let tiles = rows.len() * tiling.columns();
    assert!(y.len() == (tiling.first_pixel(rows.end) - origin) * channels, "`y` holds the rows of tiles");
    assert!(first_channel + block.channels <= channels, "`y` has the channels");
    assert!(tiles == 0 || m.len() >= block.reach(tiles), "`m` holds the tiles at every point");
    for (index, tile) in tiling.tiles(rows) {
        let first = (tile.image * tiling.out_height + tile.row) * tiling.out_width + tile.column - origin;
        let first = y[first * channels + first_channel..].as_mut_ptr();
        let source = m[index * block.tile_stride..].as_ptr();
        let (height, width) = (tiling.out_height - tile.row, tiling.out_width - tile.column);
        for_each_vector!(S::LANES, block.channels, |start, tail| {
            let mut d = [[simd.zero(); 6]; 6];
            // SAFETY: `m` reaches to tile `tiles` at every point, and `index` is below that; a pixel is touched
            // only if it is in the image, and `start` and `tail` stay within its channels.
            unsafe {
                for i in 0..6 {
                    for j in 0..6 {
                        let point = source.add((6 * i + j) * block.point_stride + start);
                        d[i][j] = load(simd, point, tail);
                    }
                }
                let out = output_tile(simd, d);
                for i in 0..4 {
                    for j in 0..4 {
                        if i < height && j < width {
                            let pixel = first.add((i * tiling.out_width + j) * channels + start);
                            let value =
                                if add { simd.add(load(simd, pixel, tail), out[i][j]) } else { out[i][j] };
                            store(simd, pixel, value, tail);
                        }
                    }
                }
            }
        });
    }
}
