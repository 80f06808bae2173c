//! Loops over chunks of slices, in the caller's rayon pool if the crate is built with it.
//!
//! Chunks depend on shapes alone and no result is reduced here, so the bits do not depend on the number of
//! threads.

/// Calls `work(chunk, a, b)` for the matching chunks of two slices, in parallel or in order.
pub(crate) fn for_each_chunk<A: Send, B: Send>(
    (a, a_len): (&mut [A], usize),
    (b, b_len): (&mut [B], usize),
    parallel: bool,
    work: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    let chunks = a.chunks_mut(a_len).zip(b.chunks_mut(b_len)).enumerate();
    for_each(parallel, chunks, |(chunk, (a, b))| work(chunk, a, b));
}

/// Calls `work` for each item.
pub(crate) fn for_each<I: Send>(
    parallel: bool,
    items: impl ExactSizeIterator<Item = I> + Send,
    work: impl Fn(I) + Sync,
) {
    #[cfg(feature = "rayon")]
    if parallel && items.len() > 1 {
        let work = &work;
        rayon::scope(|scope| items.for_each(|item| scope.spawn(move |_| work(item))));
        return;
    }
    let _ = parallel;
    items.for_each(work);
}
