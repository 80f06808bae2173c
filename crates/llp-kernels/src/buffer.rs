//! Arrays that are used again.
//!
//! A training step allocates the same sizes every time. The system's allocator gives large blocks back to the
//! kernel and gets them again page by page, which costs about as much as reading them; so arrays go to a common
//! store when they are dropped, and come from there.
#![expect(unsafe_code, reason = "views aligned blocks of numbers as numbers")]

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// One cache line of numbers.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([f32; LINE]);

const LINE: usize = 16;

/// Numbers that begin at a cache line.
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// `len` uninitialized numbers of any value: the caller writes them before it reads them.
    pub(crate) fn of_any(len: usize) -> Self {
        let n_lines = len.div_ceil(LINE);
        let lines = STORE.lock().unwrap_or_else(PoisonError::into_inner).take(n_lines);
        let lines = lines.unwrap_or_else(|| vec![Line([0.0; LINE]); n_lines]);
        Self { lines, len }
    }

    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let mut buffer = Self::of_any(len);
        buffer.fill(0.0);
        buffer
    }

    /// A copy.
    pub(crate) fn copy_of(values: &[f32]) -> Self {
        let mut buffer = Self::of_any(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `Line` is sixteen numbers without padding, and there are at least `len / 16` lines.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; the exclusive borrow of `self` is one of the numbers.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        STORE.lock().unwrap_or_else(PoisonError::into_inner).put(lines);
    }
}

static STORE: Mutex<Store> = Mutex::new(Store { free: BTreeMap::new(), n_free: 0, n_used: 0, most_used: 0 });

/// The arrays that wait for their next use, by length in lines.
struct Store {
    free: BTreeMap<usize, Vec<Vec<Line>>>,
    /// Lines in `free`, in use, and the most that were ever in use at once.
    n_free: usize,
    n_used: usize,
    most_used: usize,
}

impl Store {
    /// A free array of at least `n_lines` that is not wastefully long, the last used first.
    fn take(&mut self, n_lines: usize) -> Option<Vec<Line>> {
        let fits = self.free.range(n_lines..=n_lines + n_lines / 4).next().map(|(len, _)| *len);
        let array = fits.and_then(|len| self.pop(len));
        self.n_used += array.as_ref().map_or(n_lines, Vec::len);
        self.most_used = self.most_used.max(self.n_used);
        // A program that changes its sizes does not hold on to the old ones: no more than half as much again as
        // it ever used.
        while self.n_used + self.n_free > self.most_used + self.most_used / 2 {
            let Some(len) = self.free.keys().next_back().copied() else { break };
            drop(self.pop(len));
        }
        array
    }

    fn pop(&mut self, len: usize) -> Option<Vec<Line>> {
        let arrays = self.free.get_mut(&len)?;
        let array = arrays.pop();
        if arrays.is_empty() {
            self.free.remove(&len);
        }
        self.n_free -= len;
        array
    }

    fn put(&mut self, lines: Vec<Line>) {
        self.n_used -= lines.len();
        self.n_free += lines.len();
        self.free.entry(lines.len()).or_default().push(lines);
    }
}
