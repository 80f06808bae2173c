//! The work on plain slices: no tensors below this module.

mod axis;
pub(crate) mod batch_norm;
mod channels;
pub mod conv2d;
mod direct;
mod direct_gradient;
mod gelu;
mod gradient_sums;
pub(crate) mod pool;
mod products;
#[cfg(test)]
mod reference;
pub(crate) mod shape;
pub(crate) mod simd;
pub(crate) mod statistics;
mod tiles;
mod transform;
mod winograd;
mod winograd_filters;
mod winograd_gradient;

use std::ops::Range;

use rayon::prelude::*;

use crate::buffer::Buffer;

/// Splits `0..len` into at most `max_parts` ranges of nearly equal length.
///
/// The split depends on its arguments alone, never on the number of threads: that is what keeps results
/// bit-identical from one machine's thread count to another's.
pub(crate) fn split(len: usize, max_parts: usize) -> Vec<Range<usize>> {
    let parts = max_parts.min(len).max(1);
    (0..parts).map(|i| i * len / parts..(i + 1) * len / parts).collect()
}

/// Numbers per parallel piece of elementwise work.
const CHUNK_LEN: usize = 16_384;

/// Most groups that [`sum_of_groups`] makes, each with an array of its own.
const MAX_GROUPS: usize = 8;

/// Writes to `sum` what `part` writes for each of a few groups of `0..len`, added up first to last.
pub(crate) fn sum_of_groups(len: usize, sum: &mut [f32], part: impl Fn(Range<usize>, &mut [f32]) + Sync) {
    let parts: Vec<Buffer> = split(len, MAX_GROUPS)
        .into_par_iter()
        .map(|group| {
            let mut own = Buffer::of_any(sum.len());
            part(group, &mut own);
            own
        })
        .collect();
    sum_in_order(&parts, sum);
}

/// Writes the sum of some arrays, added up first to last.
fn sum_in_order(parts: &[Buffer], sum: &mut [f32]) {
    sum.par_chunks_mut(CHUNK_LEN).enumerate().for_each(|(chunk, sum)| {
        for (index, part) in parts.iter().enumerate() {
            let part = &part[chunk * CHUNK_LEN..][..sum.len()];
            if index == 0 {
                sum.copy_from_slice(part);
            } else {
                for (sum, value) in sum.iter_mut().zip(part) {
                    *sum += value;
                }
            }
        }
    });
}

/// `sum += values`.
pub(crate) fn add(sum: &mut [f32], values: &[f32]) {
    sum.par_chunks_mut(CHUNK_LEN).zip(values.par_chunks(CHUNK_LEN)).for_each(|(sum, values)| {
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value;
        }
    });
}
