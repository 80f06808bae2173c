//! The work on plain slices: no tensors below this module.

pub(crate) mod batch_norm;
pub(crate) mod channels;
pub mod conv2d;
pub(crate) mod direct;
pub(crate) mod padding;
pub(crate) mod pool;
pub(crate) mod products;
pub mod shape;
pub(crate) mod simd;
pub(crate) mod tiles;
pub(crate) mod transform;
pub(crate) mod winograd;
pub(crate) mod winograd_filters;

use std::ops::Range;

use rayon::prelude::*;

/// Splits `0..len` into at most `max_parts` ranges of nearly equal length.
///
/// The split depends on its arguments alone, never on the number of threads: that is what keeps results
/// bit-identical from one machine's thread count to another's.
pub(crate) fn split(len: usize, max_parts: usize) -> Vec<Range<usize>> {
    let parts = max_parts.min(len).max(1);
    (0..parts).map(|i| i * len / parts..(i + 1) * len / parts).collect()
}

/// Cuts a slice at the given ranges, which must tile it in units of `unit` elements.
pub(crate) fn cut<'a, T>(mut slice: &'a mut [T], ranges: &[Range<usize>], unit: usize) -> Vec<&'a mut [T]> {
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        let (part, rest) = slice.split_at_mut(range.len() * unit);
        parts.push(part);
        slice = rest;
    }
    assert!(slice.is_empty(), "the ranges must cover the slice");
    parts
}

/// Numbers per parallel piece of elementwise work.
const CHUNK_LEN: usize = 16_384;

/// `sum += values`.
pub(crate) fn add(sum: &mut [f32], values: &[f32]) {
    sum.par_chunks_mut(CHUNK_LEN).zip(values.par_chunks(CHUNK_LEN)).for_each(|(sum, values)| {
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value;
        }
    });
}
