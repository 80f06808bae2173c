//! Loops over chunks of slices, in the caller's rayon pool if the crate is built with it.
//!
//! Chunks depend on shapes alone and no result is reduced here, so the bits do not depend on the number of threads.

/// Calls `work(chunk, a, b)` for the matching chunks of two slices, `parallel` or in order.
pub(crate) fn for_each_chunk<A: Send, B: Send>(
    (a, a_len): (&mut [A], usize),
    (b, b_len): (&mut [B], usize),
    parallel: bool,
    work: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    #[cfg(feature = "rayon")]
    if parallel && a.len() > a_len {
        use rayon::prelude::*;
        a.par_chunks_mut(a_len)
            .zip(b.par_chunks_mut(b_len))
            .enumerate()
            .for_each(|(chunk, (a, b))| work(chunk, a, b));
        return;
    }
    let _ = parallel;
    for (chunk, (a, b)) in a.chunks_mut(a_len).zip(b.chunks_mut(b_len)).enumerate() {
        work(chunk, a, b);
    }
}
