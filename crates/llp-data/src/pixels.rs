//! Bytes of pixels that several owners share.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// A part of some bytes, which are in memory or in a file that is mapped into it. Clones share the bytes.
#[derive(Clone)]
pub(crate) struct Pixels {
    all: Arc<All>,
    range: Range<usize>,
}

enum All {
    Memory(Vec<u8>),
    #[cfg(feature = "table")]
    File(memmap2::Mmap),
}

impl Pixels {
    fn new(all: All) -> Self {
        let len = all.bytes().len();
        Self { all: Arc::new(all), range: 0..len }
    }

    /// The bytes of a file.
    #[cfg(feature = "table")]
    #[expect(unsafe_code, reason = "the system's mapping has no safe interface")]
    pub(crate) fn map(file: &std::fs::File) -> std::io::Result<Self> {
        // SAFETY: the file must not change while it is mapped. Only files of the cache are mapped: a file there is
        // complete before it gets its name, and is never written again, only removed, which leaves mappings as they are.
        let map = unsafe { memmap2::Mmap::map(file) }?;
        Ok(Self::new(All::File(map)))
    }

    /// Some of the bytes.
    ///
    /// # Panics
    /// If there are no such bytes, as for a slice.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let (start, end) = (self.range.start + range.start, self.range.start + range.end);
        assert!(start <= end && end <= self.range.end, "no such part");
        Self { all: Arc::clone(&self.all), range: start..end }
    }
}

impl All {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            #[cfg(feature = "table")]
            Self::File(map) => map,
        }
    }
}

impl From<Vec<u8>> for Pixels {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(All::Memory(bytes))
    }
}

impl Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.all.bytes()[self.range.clone()]
    }
}

impl PartialEq for Pixels {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Pixels {}
