//! Decoded images in files, which any number of programs map into memory.
//!
//! Decoding is most of the time before a training, and the pixels of many images are more than memory holds. So they are
//! kept: once decoded and resized they are one file, and a program that needs them again maps it in place of reading the
//! images. The name of an entry is a hash of the files that the images come from (their paths, sizes and times) and of
//! what was done with them, so an entry that has become wrong is not found. One program decodes, and others that need the
//! same images wait for it. An entry is complete or absent, and is checked against its BLAKE3 hash whenever it is opened.

mod build;
mod entry;
mod key;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::Cause;
use crate::{DataError, memory};
pub(crate) use build::Builder;
pub(crate) use entry::Entry;
pub use entry::Index;
pub use key::Key;

/// Files of images of at least this many bytes take some seconds to decode.
const LARGE: u64 = 32 << 20;

/// Where decoded images are kept, and when.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    takes: Takes,
    report: fn(&CacheEvent<'_>),
}

/// Which images are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    All,
    Large,
    None,
}

/// What happens in the cache, for people.
#[derive(Debug)]
#[non_exhaustive]
pub enum CacheEvent<'a> {
    /// Images are there.
    Found(&'a Index),
    /// Another program decodes the same images.
    Waiting,
    /// Images will be decoded, and take so many bytes.
    Building {
        /// The file that they go to.
        path: &'a Path,
        /// How many.
        n_images: usize,
        /// What they take.
        n_bytes: u64,
    },
    /// Images were decoded.
    Decoded {
        /// So far.
        n_images: usize,
        /// Of so many.
        n_expected: usize,
    },
    /// An entry is not what was written, and is made again.
    Damaged(&'a Path),
    /// The cache is of no use, and images are decoded into memory.
    Unused(&'a DataError),
    /// Numbers of a table go to a file in this folder, since they take more than a quarter of memory.
    Spilling {
        /// The folder.
        folder: &'a Path,
    },
    /// The folder is of no use for them, and they stay in memory.
    NotSpilling(&'a DataError),
}

/// What the cache has for a key.
pub(crate) enum Slot {
    /// The images.
    Found(Entry),
    /// Nothing so far, but this can take them.
    Empty(Box<Builder>),
    /// Nothing, and nothing is to be kept.
    Unused,
}

static CACHE: OnceLock<Cache> = OnceLock::new();

/// Says where decoded images are kept, once, before any is read: a program knows, a library does not ask.
pub fn set_cache(cache: Cache) {
    CACHE.get_or_init(|| cache);
}

/// The cache of this program, if it has one.
pub(crate) fn current() -> Option<&'static Cache> {
    CACHE.get()
}

/// Says what happens.
pub(crate) fn tell(event: &CacheEvent<'_>) {
    if let Some(cache) = current() {
        (cache.report)(event);
    }
}

impl Cache {
    /// A cache for all images in `folder`, which need not be there. If it cannot be used, reading images fails.
    pub fn for_all(folder: impl Into<PathBuf>, report: fn(&CacheEvent<'_>)) -> Self {
        Self { folder: folder.into(), takes: Takes::All, report }
    }

    /// A cache for images that take long to decode or much memory: whose files have at least 32 MiB, or whose pixels take
    /// more than half of what is there. If it cannot be used, images go into memory.
    pub fn for_large_data(folder: impl Into<PathBuf>, report: fn(&CacheEvent<'_>)) -> Self {
        Self { takes: Takes::Large, ..Self::for_all(folder, report) }
    }

    /// The same cache, which neither has nor takes any image: for programs that look at the files themselves. Numbers of
    /// tables that memory does not hold still go to its folder.
    #[must_use]
    pub fn without_images(self) -> Self {
        Self { takes: Takes::None, ..self }
    }

    /// Whether the user chose the folder, so that it must do.
    pub(crate) fn is_required(&self) -> bool {
        self.takes == Takes::All
    }

    /// What there is for a key, of `n_images` images with pixels of at most `shape`, if that is known.
    ///
    /// # Errors
    /// The cache cannot be used, and is for all images.
    pub(crate) fn open(
        &self,
        key: &Key,
        n_images: usize,
        shape: Option<[usize; 3]>,
    ) -> Result<Slot, DataError> {
        let is_large = key.n_bytes() >= LARGE || shape.is_some_and(|shape| memory::is_tight(n_images, shape));
        match self.takes {
            Takes::All => {}
            Takes::Large if is_large => {}
            Takes::Large | Takes::None => return Ok(Slot::Unused),
        }
        let found = Entry::open(&self.folder, key, self.report).and_then(|found| match found {
            Some(entry) => Ok(Slot::Found(entry)),
            None => Builder::start(self, key),
        });
        self.or_unused(found)
    }

    /// Goes on without the cache, unless it is for all images.
    fn or_unused(&self, slot: Result<Slot, DataError>) -> Result<Slot, DataError> {
        match slot {
            Err(error) if !self.is_required() => {
                (self.report)(&CacheEvent::Unused(&error));
                Ok(Slot::Unused)
            }
            slot => slot,
        }
    }

    /// What is kept, the largest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn entries(&self) -> Result<Vec<Index>, DataError> {
        let mut entries = entry::indices(&self.folder)?;
        entries.sort_by_key(|index| std::cmp::Reverse(index.n_bytes()));
        Ok(entries)
    }

    /// Removes everything that no program is making, and returns how many bytes that were. Programs that use an entry go
    /// on with it.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn clear(&self) -> Result<u64, DataError> {
        entry::clear(&self.folder)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A failure of the cache itself; the error names the file.
fn failed(error: std::io::Error) -> DataError {
    DataError::new(format!("the cache of decoded images cannot be used: {error}"))
        .remedy("choose another folder with --cache DIR, or read without one by --cache none")
        .because(Cause::Io(error))
}

#[cfg(test)]
mod tests;
