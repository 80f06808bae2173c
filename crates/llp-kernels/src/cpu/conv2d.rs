//! Convolution and its two gradients, as products of patch tiles and weights.
//!
//! The images are split into a fixed number of groups, one task each; a task goes through its output pixels
//! in tiles whose patches stay in the second-level cache. Backward walks over the same tiles once: it
//! gathers the patches for the gradient of the weights and scatters those of the gradient of the input.

use std::ops::Range;

use rayon::prelude::*;

use super::gemm::{Into, Matrix, gemm};
use super::patches::ConvShape;
use super::{cut, split};

/// Most groups of images; each holds a gradient of the weights of its own in the backward pass.
const MAX_GROUPS: usize = 8;

/// Fewest multiplications that are worth a group of their own.
const GROUP_WORK: usize = 2_000_000;

/// Numbers in one tile of patches: 256 KiB.
const TILE_LEN: usize = 65_536;

/// `[out, in, kernel row, kernel column]` to `[kernel row, kernel column, in, out]`.
fn pack_weight(shape: &ConvShape, weight: &[f32]) -> Vec<f32> {
    let taps = shape.kernel_height * shape.kernel_width;
    let mut packed = vec![0.0; weight.len()];
    for (o, filter) in weight.chunks_exact(shape.c_in * taps).enumerate() {
        for (i, taps_of_channel) in filter.chunks_exact(taps).enumerate() {
            for (tap, value) in taps_of_channel.iter().enumerate() {
                packed[(tap * shape.c_in + i) * shape.c_out + o] = *value;
            }
        }
    }
    packed
}

/// The inverse of [`pack_weight`].
fn unpack_weight(shape: &ConvShape, packed: &[f32]) -> Vec<f32> {
    let taps = shape.kernel_height * shape.kernel_width;
    let mut weight = vec![0.0; packed.len()];
    for (o, filter) in weight.chunks_exact_mut(shape.c_in * taps).enumerate() {
        for (i, taps_of_channel) in filter.chunks_exact_mut(taps).enumerate() {
            for (tap, value) in taps_of_channel.iter_mut().enumerate() {
                *value = packed[(tap * shape.c_in + i) * shape.c_out + o];
            }
        }
    }
    weight
}

/// The groups of images that are worked on in parallel.
fn groups(shape: &ConvShape) -> Vec<Range<usize>> {
    let work = shape.images * shape.out_pixels() * shape.patch_len() * shape.c_out;
    split(shape.images, (work / GROUP_WORK).clamp(1, MAX_GROUPS))
}

/// Output pixels per tile.
fn tile_pixels(shape: &ConvShape) -> usize {
    (TILE_LEN / shape.patch_len()).max(16)
}

/// The tiles of a group of `images` images, as ranges of output pixels.
fn tiles(shape: &ConvShape, images: usize) -> impl Iterator<Item = Range<usize>> {
    let (pixels, step) = (images * shape.out_pixels(), tile_pixels(shape));
    (0..pixels).step_by(step).map(move |start| start..(start + step).min(pixels))
}

/// `x` is `[image, height, width, c_in]`, `weight` `[c_out, c_in, kernel_height, kernel_width]`; returns
/// `[image, out_height, out_width, c_out]`.
pub(crate) fn forward(shape: &ConvShape, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let packed = pack_weight(shape, weight);
    let weights = Matrix::new(&packed, shape.patch_len(), shape.c_out);
    let groups = groups(shape);
    let mut y = vec![0.0; shape.images * shape.out_pixels() * shape.c_out];
    let parts = cut(&mut y, &groups, shape.out_pixels() * shape.c_out);
    groups.into_par_iter().zip(parts).for_each(|(group, y)| {
        let x = &x[group.start * shape.in_len()..group.end * shape.in_len()];
        let mut patches = Vec::new();
        for tile in tiles(shape, group.len()) {
            let rows = tile.len();
            let y = &mut y[tile.start * shape.c_out..tile.end * shape.c_out];
            let patches = patches_of(shape, x, tile, &mut patches);
            gemm(y, Matrix::new(patches, rows, shape.patch_len()), weights, Into::Overwrite);
        }
    });
    y
}

/// The patches of one tile: gathered into `buffer`, or the input itself for a pointwise convolution.
fn patches_of<'a>(
    shape: &ConvShape,
    x: &'a [f32],
    tile: Range<usize>,
    buffer: &'a mut Vec<f32>,
) -> &'a [f32] {
    if shape.is_pointwise() {
        return &x[tile.start * shape.c_in..tile.end * shape.c_in];
    }
    buffer.resize(tile.len() * shape.patch_len(), 0.0);
    shape.gather(x, tile, buffer);
    buffer
}

/// Which gradients of a convolution are asked for.
#[derive(Clone, Copy)]
pub(crate) struct Wants {
    pub(crate) x: bool,
    pub(crate) weight: bool,
}

/// The gradients of a convolution, where asked for.
pub(crate) struct Gradients {
    /// `[image, height, width, c_in]`.
    pub(crate) x: Option<Vec<f32>>,
    /// `[c_out, c_in, kernel_height, kernel_width]`.
    pub(crate) weight: Option<Vec<f32>>,
}

/// The gradients from that of the output, `[image, out_height, out_width, c_out]`.
pub(crate) fn backward(
    shape: &ConvShape,
    x: &[f32],
    weight: &[f32],
    y_gradient: &[f32],
    wants: Wants,
) -> Gradients {
    let packed = pack_weight(shape, weight);
    let groups = groups(shape);
    let mut x_gradient = wants.x.then(|| vec![0.0; shape.images * shape.in_len()]);
    let x_parts: Vec<Option<&mut [f32]>> = match &mut x_gradient {
        Some(gradient) => cut(gradient, &groups, shape.in_len()).into_iter().map(Some).collect(),
        None => groups.iter().map(|_| None).collect(),
    };
    let partial: Vec<Option<Vec<f32>>> = groups
        .into_par_iter()
        .zip(x_parts)
        .map(|(group, x_gradient)| {
            let x = &x[group.start * shape.in_len()..group.end * shape.in_len()];
            let out_len = shape.out_pixels() * shape.c_out;
            let y_gradient = &y_gradient[group.start * out_len..group.end * out_len];
            let mut weight_gradient = wants.weight.then(|| vec![0.0; packed.len()]);
            backward_group(shape, x, &packed, y_gradient, x_gradient, weight_gradient.as_deref_mut());
            weight_gradient
        })
        .collect();
    let weight_gradient =
        wants.weight.then(|| unpack_weight(shape, &sum_in_order(partial.into_iter().flatten())));
    Gradients { x: x_gradient, weight: weight_gradient }
}

/// Adds the gradients from one group of images to those of its input and of the packed weights.
fn backward_group(
    shape: &ConvShape,
    x: &[f32],
    packed: &[f32],
    y_gradient: &[f32],
    mut x_gradient: Option<&mut [f32]>,
    mut weight_gradient: Option<&mut [f32]>,
) {
    let weights = Matrix::new(packed, shape.patch_len(), shape.c_out);
    let mut buffer = Vec::new();
    for tile in tiles(shape, x.len() / shape.in_len()) {
        let rows = tile.len();
        let y_gradient = &y_gradient[tile.start * shape.c_out..tile.end * shape.c_out];
        let y_gradient = Matrix::new(y_gradient, rows, shape.c_out);
        if let Some(weight_gradient) = weight_gradient.as_deref_mut() {
            let patches = patches_of(shape, x, tile.clone(), &mut buffer);
            let patches = Matrix::new(patches, rows, shape.patch_len());
            gemm(weight_gradient, patches.transposed(), y_gradient, Into::Add);
        }
        let Some(x_gradient) = x_gradient.as_deref_mut() else { continue };
        if shape.is_pointwise() {
            let x_gradient = &mut x_gradient[tile.start * shape.c_in..tile.end * shape.c_in];
            gemm(x_gradient, y_gradient, weights.transposed(), Into::Overwrite);
        } else {
            buffer.resize(rows * shape.patch_len(), 0.0);
            gemm(&mut buffer, y_gradient, weights.transposed(), Into::Overwrite);
            shape.scatter_add(&buffer, tile, x_gradient);
        }
    }
}

/// Adds the groups' gradients, first to last.
fn sum_in_order(mut partial: impl Iterator<Item = Vec<f32>>) -> Vec<f32> {
    let mut sum = partial.next().unwrap_or_default();
    for part in partial {
        for (sum, value) in sum.iter_mut().zip(part) {
            *sum += value;
        }
    }
    sum
}
