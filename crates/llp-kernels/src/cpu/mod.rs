//! The work on plain slices: no tensors below this module.

pub(crate) mod batch_norm;
pub(crate) mod channels;
pub(crate) mod conv2d;
pub(crate) mod gemm;
pub(crate) mod patches;
pub(crate) mod pool;

use std::ops::Range;

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
