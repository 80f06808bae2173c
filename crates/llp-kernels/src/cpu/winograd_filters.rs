//! The filters of Winograd's algorithm: into the transformed domain, and their gradient back.
#![expect(
    unsafe_code,
    reason = "loads and stores of vectors; each is of a local array or of a slice that was cut to its length"
)]

use rayon::prelude::*;

use super::products::{packed_len, panels};
use super::simd::{Kernel, Level, Simd, dispatch};
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
    packed.par_chunks_mut(panel_len).enumerate().for_each(|(index, panel)| {
        dispatch(level, PackPanel { filters, c_in, c_out, index, panel });
    });
    packed
}

struct PackPanel<'a> {
    filters: Filters<'a>,
    c_in: usize,
    c_out: usize,
    index: usize,
    panel: &'a mut [f32],
}

impl Kernel for PackPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Some(extent) = panels(self.c_out, S::LANES).nth(self.index) else { return };
        let width = extent.vectors * S::LANES;
        for vector in 0..extent.vectors {
            let start = extent.start + vector * S::LANES;
            let lanes = (self.c_out - start).min(S::LANES);
            for input in 0..self.c_in {
                let mut taps = [[0.0_f32; MAX_LANES]; 9];
                for lane in 0..lanes {
                    let filter = self.filters.get(input, start + lane);
                    for tap in 0..9 {
                        taps[tap][lane] = filter[if self.filters.rotated { 8 - tap } else { tap }];
                    }
                }
                let mut tile = [[simd.zero(); 3]; 3];
                for tap in 0..9 {
                    // SAFETY: the array has as many numbers as the widest vector.
                    tile[tap / 3][tap % 3] = unsafe { simd.load(taps[tap].as_ptr()) };
                }
                let transformed = filter_tile(simd, tile);
                for point in 0..POINTS {
                    let target = &mut self.panel[(point * self.c_in + input) * width + vector * S::LANES..];
                    let target = &mut target[..S::LANES];
                    // SAFETY: the slice has as many numbers as a vector.
                    unsafe { simd.store(target.as_mut_ptr(), transformed[point / 6][point % 6]) }
                }
            }
        }
    }
}

/// The gradient of a weight `[c_out, c_in, 3, 3]` from that of its transformed filters `[point, c_in, c_out]`.
pub(crate) fn unpack_gradient(
    level: Level,
    sums: &[f32],
    (c_in, c_out): (usize, usize),
    gradient: &mut [f32],
) {
    assert!(sums.len() == POINTS * c_in * c_out, "a gradient at every point");
    gradient.par_chunks_mut(level.lanes() * c_in * 9).enumerate().for_each(|(vector, gradient)| {
        dispatch(level, UnpackVector { sums, c_in, c_out, start: vector * level.lanes(), gradient });
    });
}

struct UnpackVector<'a> {
    sums: &'a [f32],
    c_in: usize,
    c_out: usize,
    start: usize,
    gradient: &'a mut [f32],
}

impl Kernel for UnpackVector<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let lanes = (self.c_out - self.start).min(S::LANES);
        for input in 0..self.c_in {
            let mut tile = [[simd.zero(); 6]; 6];
            for point in 0..POINTS {
                let source = &self.sums[(point * self.c_in + input) * self.c_out + self.start..][..lanes];
                // SAFETY: the slice has `lanes` numbers.
                tile[point / 6][point % 6] = unsafe {
                    if lanes == S::LANES {
                        simd.load(source.as_ptr())
                    } else {
                        simd.load_part(source.as_ptr(), lanes)
                    }
                };
            }
            let back = filter_adjoint_tile(simd, tile);
            let mut taps = [[0.0_f32; MAX_LANES]; 9];
            for tap in 0..9 {
                // SAFETY: the array has as many numbers as the widest vector.
                unsafe { simd.store(taps[tap].as_mut_ptr(), back[tap / 3][tap % 3]) }
            }
            for lane in 0..lanes {
                let filter = &mut self.gradient[(lane * self.c_in + input) * 9..][..9];
                for tap in 0..9 {
                    filter[tap] = taps[tap][lane];
                }
            }
        }
    }
}
