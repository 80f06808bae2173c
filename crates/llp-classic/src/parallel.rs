//! A loop over indices, in the caller's rayon pool if the crate is built with it.
//!
//! Nothing is reduced here, and callers choose their tasks by shapes alone, so the bits of a result do not
//! depend on the number of threads.

#[cfg(feature = "rayon")]
use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// Calls `work` for each index below `n` and returns the results in order.
#[cfg(feature = "rayon")]
pub(crate) fn map<R: Send>(n: usize, work: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    (0..n).into_par_iter().map(work).collect()
}

/// Calls `work` for each index below `n` and returns the results in order.
#[cfg(not(feature = "rayon"))]
pub(crate) fn map<R>(n: usize, work: impl Fn(usize) -> R) -> Vec<R> {
    (0..n).map(work).collect()
}

/// Cuts `0..n` into at most `parts` ranges of nearly equal length.
pub(crate) fn cut(n: usize, parts: usize) -> Vec<std::ops::Range<usize>> {
    let parts = parts.min(n).max(1);
    (0..parts).map(|part| n * part / parts..n * (part + 1) / parts).collect()
}
