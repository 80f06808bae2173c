//! The filters of Winograd's algorithm: into the transformed domain, and their gradient back.
#![expect(
    unsafe_code,
    reason = "loads and stores of vectors; each is of a local array or of a slice that was cut to its length"
)]

use std::ops::Range;

use rayon::prelude::*;

use super::products::{Panel, packed_len, panels};
use super::simd::{Kernel, Level, Simd, dispatch, load};
use super::transform::{POINTS, filter_adjoint_tile, filter_tile};
use crate::buffer::Buffer;

/// Most lanes of a vector.
const MAX_LANES: usize = 16;

/// 3x3 filters in a weight `[c_out, c_in, 3, 3]`.
#[derive(Clone, Copy)]
pub(crate) struct Filters<'a> {
    weight: &'a [f32],
    /// Distance of the filters of neighbouring outputs, and of neighbouring inputs.
    out_stride: usize,
    in_stride: usize,
    rotated: bool,
}

impl<'a> Filters<'a> {
    /// Those of the convolution itself.
    pub(crate) fn forward(weight: &'a [f32], c_in: usize) -> Self {
        Self { weight, out_stride: c_in * 9, in_stride: 9, rotated: false }
    }

    /// Those of its transpose: rotated by half a turn, inputs and outputs exchanged.
    pub(crate) fn transposed(weight: &'a [f32], c_in: usize) -> Self {
        Self { weight, out_stride: 9, in_stride: c_in * 9, rotated: true }
    }

    #[inline(always)]
    fn get(&self, input: usize, output: usize) -> &[f32; 9] {
        let start = output * self.out_stride + input * self.in_stride;
        self.weight[start..].first_chunk().expect("a weight holds nine numbers for every pair of channels")
    }
}

/// Transformed filters, packed: panel of outputs, point, input, output within the panel.
pub(crate) fn pack_filters(level: Level, filters: Filters<'_>, (c_in, c_out): (usize, usize)) -> Buffer {
    let lanes = level.lanes();
    let mut packed = Buffer::of_any(POINTS * packed_len(c_in, c_out, lanes));
    let panel_len = POINTS * c_in * 2 * lanes;
    let extents: Vec<Panel> = panels(c_out, lanes).collect();
    packed.par_chunks_mut(panel_len).zip(extents).for_each(|(packed, panel)| {
        dispatch(level, PackPanel { filters, inputs: 0..c_in, c_out, panel, packed });
    });
    packed
}

struct PackPanel<'a> {
    filters: Filters<'a>,
    inputs: Range<usize>,
    c_out: usize,
    panel: Panel,
    packed: &'a mut [f32],
}

impl Kernel for PackPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        pack_panel(simd, self.filters, self.inputs, self.c_out, self.panel, self.packed);
    }
}

/// Transforms the filters from some inputs to the outputs of a panel: point, input, output within the panel.
#[inline(always)]
pub(crate) fn pack_panel<S: Simd>(
    simd: S,
    filters: Filters<'_>,
    inputs: Range<usize>,
    c_out: usize,
    panel: Panel,
    packed: &mut [f32],
) {
    let width = panel.vectors * S::LANES;
    for vector in 0..panel.vectors {
        let start = panel.start + vector * S::LANES;
        let lanes = (c_out - start).min(S::LANES);
        for (row, input) in inputs.clone().enumerate() {
            let mut taps = [[0.0_f32; MAX_LANES]; 9];
            for lane in 0..lanes {
                let filter = filters.get(input, start + lane);
                for tap in 0..9 {
                    taps[tap][lane] = filter[if filters.rotated { 8 - tap } else { tap }];
                }
            }
            let mut tile = [[simd.zero(); 3]; 3];
            for tap in 0..9 {
                // SAFETY: the array has as many numbers as the widest vector.
                tile[tap / 3][tap % 3] = unsafe { simd.load(taps[tap].as_ptr()) };
            }
            let transformed = filter_tile(simd, tile);
            for point in 0..POINTS {
                let target = &mut packed[(point * inputs.len() + row) * width + vector * S::LANES..];
                let target = &mut target[..S::LANES];
                // SAFETY: the slice has as many numbers as a vector.
                unsafe { simd.store(target.as_mut_ptr(), transformed[point / 6][point % 6]) }
            }
        }
    }
}

/// The gradient of transformed filters, `[point, input, output]`, of some inputs and outputs.
#[derive(Clone, Copy)]
pub(crate) struct FilterSums<'a> {
    pub(crate) sums: &'a [f32],
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// The gradient of a weight: `[output, input, 3, 3]` of the outputs of a [`FilterSums`] and all inputs.
pub(crate) struct WeightTarget<'a> {
    pub(crate) gradient: &'a mut [f32],
    pub(crate) c_in: usize,
    pub(crate) first_input: usize,
    /// Whether it is added to what is there.
    pub(crate) add: bool,
}

/// Transforms the gradient of filters back.
#[inline(always)]
pub(crate) fn unpack_gradient<S: Simd>(simd: S, from: FilterSums<'_>, to: &mut WeightTarget<'_>) {
    let FilterSums { sums, inputs, outputs } = from;
    for start in (0..outputs).step_by(S::LANES) {
        let lanes = (outputs - start).min(S::LANES);
        for input in 0..inputs {
            let mut tile = [[simd.zero(); 6]; 6];
            for point in 0..POINTS {
                let source = &sums[(point * inputs + input) * outputs + start..][..lanes];
                // SAFETY: the slice has `lanes` numbers, a whole vector or fewer.
                tile[point / 6][point % 6] = unsafe { load(simd, source.as_ptr(), lanes % S::LANES) };
            }
            let back = filter_adjoint_tile(simd, tile);
            let mut taps = [[0.0_f32; MAX_LANES]; 9];
            for tap in 0..9 {
                // SAFETY: the array has as many numbers as the widest vector.
                unsafe { simd.store(taps[tap].as_mut_ptr(), back[tap / 3][tap % 3]) }
            }
            for lane in 0..lanes {
                let first = ((start + lane) * to.c_in + to.first_input + input) * 9;
                let filter = &mut to.gradient[first..][..9];
                for tap in 0..9 {
                    filter[tap] = if to.add { filter[tap] + taps[tap][lane] } else { taps[tap][lane] };
                }
            }
        }
    }
}
