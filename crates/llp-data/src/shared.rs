//! Values that several owners share, in memory or in a file.

use std::ops::{Deref, Range};
use std::sync::Arc;

use bytemuck::Pod;

/// A part of some values, which are in memory or in a file that is mapped into it. Clones share them.
///
/// ```
/// let values = llp_data::Shared::from(vec![0.5_f32, 1.5]);
/// assert_eq!(values[1], 1.5);
/// ```
#[derive(Clone)]
pub struct Shared<T: Pod> {
    all: Arc<All<T>>,
    range: Range<usize>,
}

enum All<T> {
    Memory(Vec<T>),
    #[cfg(feature = "table")]
    Held(Vec<T>, #[expect(dead_code, reason = "for its end")] crate::memory::Held),
    #[cfg(feature = "table")]
    File(memmap2::Mmap),
}

impl<T: Pod> Shared<T> {
    fn new(all: All<T>) -> Self {
        let len = all.values().len();
        Self { all: Arc::new(all), range: 0..len }
    }

    /// Values in memory that is accounted for.
    #[cfg(feature = "table")]
    pub(crate) fn holding(values: Vec<T>, held: crate::memory::Held) -> Self {
        Self::new(All::Held(values, held))
    }

    /// The values of a file, as this machine stores them.
    #[cfg(feature = "table")]
    #[expect(unsafe_code, reason = "the system's mapping has no safe interface")]
    pub(crate) fn map(file: &std::fs::File) -> std::io::Result<Self> {
        // SAFETY: the file must not change while it is mapped. Two kinds of files are: those of the cache, which are
        // complete before they get their names and are never written again, only removed, which leaves mappings as they
        // are; and those of `Sequence`, which are complete, and of which no other program has the name.
        let map = unsafe { memmap2::Mmap::map(file) }?;
        if bytemuck::try_cast_slice::<u8, T>(&map).is_err() {
            return Err(std::io::Error::other("its length is not a whole number of values"));
        }
        Ok(Self::new(All::File(map)))
    }

    /// Says that parts of `part_len` values will be read now, part 0 being the first. Of a file that takes more than a
    /// quarter of memory, the system then fetches these parts; else it would read ahead at each of them, which is many
    /// times as much where they are not in order.
    ///
    /// # Panics
    /// If there is no such part, as for a slice, of a file.
    pub fn will_need_parts(&self, parts: &[u32], part_len: usize) {
        #[cfg(all(feature = "table", unix))]
        if let All::File(map) = &*self.all
            && map.len() as u64 > crate::memory::available() / 4
        {
            for run in parts.chunk_by(|&one, &next| one.checked_add(1) == Some(next)) {
                let (start, end) = (run[0] as usize * part_len, (run[run.len() - 1] as usize + 1) * part_len);
                assert!(end <= self.len(), "no such part");
                let first_byte = (self.range.start + start) * size_of::<T>();
                // It is no more than advice.
                let _ =
                    map.advise_range(memmap2::Advice::WillNeed, first_byte, (end - start) * size_of::<T>());
            }
        }
        #[cfg(not(all(feature = "table", unix)))]
        let _ = (parts, part_len);
    }

    /// Some of the values.
    ///
    /// # Panics
    /// If there are no such values, as for a slice.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let (start, end) = (self.range.start + range.start, self.range.start + range.end);
        assert!(start <= end && end <= self.range.end, "no such part");
        Self { all: Arc::clone(&self.all), range: start..end }
    }
}

impl<T: Pod> All<T> {
    fn values(&self) -> &[T] {
        match self {
            Self::Memory(values) => values,
            #[cfg(feature = "table")]
            Self::Held(values, _) => values,
            #[cfg(feature = "table")]
            Self::File(map) => bytemuck::cast_slice(map),
        }
    }
}

impl<T: Pod> From<Vec<T>> for Shared<T> {
    fn from(values: Vec<T>) -> Self {
        Self::new(All::Memory(values))
    }
}

impl<T: Pod> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all.values()[self.range.clone()]
    }
}

impl<T: Pod + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Pod + Eq> Eq for Shared<T> {}
