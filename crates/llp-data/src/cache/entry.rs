//! Files of decoded images: pixels, and an index that says what they are.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::File;
use serde::{Deserialize, Serialize};

use super::{CacheEvent, Key, failed};
use crate::files::sorted_entries;
use crate::{DataError, Images, PictureFacts, Shared};

/// The files of an entry.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) pixels: PathBuf,
    pub(super) index: PathBuf,
    /// Held while the entry is made; it stays there.
    pub(super) lock: PathBuf,
    /// What is being written.
    pub(super) unfinished: PathBuf,
    /// The same with more channels.
    pub(super) wide: PathBuf,
}

/// What an entry holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Index {
    /// The data set, for people.
    pub source: String,
    /// The number of images.
    pub n_images: usize,
    /// Height, width and channels of each.
    pub shape: [usize; 3],
    /// The BLAKE3 hash of the pixels.
    pub hash: String,
    /// What the files had that the pixels no longer show.
    pub facts: PictureFacts,
}

/// Images of the cache.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) images: Images,
    pub(crate) facts: PictureFacts,
    path: PathBuf,
}

impl Paths {
    pub(super) fn of(folder: &Path, name: &str) -> Self {
        let file = |ending: &str| folder.join(format!("{name}.{ending}"));
        Self {
            pixels: file("pixels"),
            index: file("json"),
            unfinished: file("unfinished"),
            wide: file("wide"),
            lock: folder.join("locks").join(name),
        }
    }

    /// Removes what there is of the entry, the index first, and returns how many bytes that were.
    pub(super) fn remove(&self) -> std::io::Result<u64> {
        let mut n_bytes = 0;
        for path in [&self.index, &self.pixels, &self.unfinished, &self.wide] {
            let len = fs::metadata(path).map_or(0, |facts| facts.len());
            match fs::remove_file(path) {
                Ok(()) => n_bytes += len,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(n_bytes)
    }
}

impl Index {
    /// The bytes of the pixels.
    pub fn n_bytes(&self) -> u64 {
        self.shape.iter().fold(self.n_images as u64, |product, &side| product.saturating_mul(side as u64))
    }
}

impl Entry {
    /// The images of a key, if they are there and whole. What is not whole is reported and removed.
    ///
    /// # Errors
    /// The files cannot be read or removed.
    pub(super) fn open(
        folder: &Path,
        key: &Key,
        report: fn(&CacheEvent<'_>),
    ) -> Result<Option<Self>, DataError> {
        let paths = Paths::of(folder, &key.name());
        let text = match fs::read(&paths.index) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let whole = serde_json::from_slice::<Index>(&text).ok().and_then(|index| {
            let images = map(&paths.pixels, &index)?;
            Some((index, images))
        });
        let Some((index, images)) = whole else {
            report(&CacheEvent::Damaged(&paths.pixels));
            paths.remove().map_err(failed)?;
            return Ok(None);
        };
        report(&CacheEvent::Found(&index));
        Ok(Some(Self { images, facts: index.facts, path: paths.pixels }))
    }

    /// The images, of which `n_expected` are expected.
    ///
    /// # Errors
    /// There are others.
    pub(crate) fn into_images(self, n_expected: usize) -> Result<Images, DataError> {
        let n_images = self.images.len();
        if n_images == n_expected {
            return Ok(self.images);
        }
        let problem = format!("the cache holds {n_images} images of data that has {n_expected}");
        Err(DataError::of(&self.path, problem)
            .remedy("was the data changed meanwhile? Run again, or empty the cache: llp data cache clear"))
    }
}

/// The images in a file, if it holds exactly what the index says.
pub(super) fn map(path: &Path, index: &Index) -> Option<Images> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() != index.n_bytes() {
        return None;
    }
    let pixels = Shared::map(file.file()).ok()?;
    let hash = blake3::Hasher::new().update_rayon(&pixels).finalize();
    (hash.to_hex().as_str() == index.hash).then_some(())?;
    Images::of(index.shape, pixels).ok()
}

/// The indices of a folder; none if it is not there. What cannot be understood is left out.
pub(super) fn indices(folder: &Path) -> Result<Vec<Index>, DataError> {
    let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
    Ok(names(folder)?.iter().filter_map(|name| read(&Paths::of(folder, name).index)).collect())
}

/// Removes all entries that no program is making.
pub(super) fn clear(folder: &Path) -> Result<u64, DataError> {
    let mut n_bytes = 0;
    for name in names(folder)? {
        let paths = Paths::of(folder, &name);
        let lock = fs::OpenOptions::new().create(true).append(true).open(&paths.lock);
        let lock = lock.map_err(failed)?;
        if lock.file().try_lock().is_ok() {
            n_bytes += paths.remove().map_err(failed)?;
        }
    }
    Ok(n_bytes)
}

/// The names of all entries, also of unfinished ones.
fn names(folder: &Path) -> Result<Vec<String>, DataError> {
    let files = match sorted_entries(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(failed(error)),
    };
    let is_own = |ending: &str| matches!(ending, "pixels" | "json" | "unfinished" | "wide");
    let mut names: Vec<String> = files
        .iter()
        .filter(|path| path.extension().and_then(|ending| ending.to_str()).is_some_and(is_own))
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.dedup();
    Ok(names)
}
