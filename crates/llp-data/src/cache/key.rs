//! What names an entry.

use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::{DataError, Fit};

/// To be raised whenever the same files decode to other pixels.
const VERSION: u32 = 1;

/// The files that images come from, in their order, and what becomes of them.
#[derive(Debug, Clone)]
pub struct Key {
    hasher: blake3::Hasher,
    source: String,
    n_bytes: u64,
    is_of_tables: bool,
}

impl Key {
    /// Images in files of their own, which become ones of this `fit`; no file so far. People know them as `source`.
    pub fn of_files(source: &Path, fit: Fit) -> Self {
        Self { is_of_tables: false, ..Self::of_tables(source, fit) }
    }

    /// As [`of_files`](Self::of_files), for images in the cells of tables. Images that a table only names are not kept,
    /// since they may change while the table does not.
    pub fn of_tables(source: &Path, fit: Fit) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("llp-data decoded images");
        hasher.update(format!("version {VERSION}, {fit:?}\n").as_bytes());
        Self { hasher, source: source.display().to_string(), n_bytes: 0, is_of_tables: true }
    }

    /// Adds a part of the images by its name: the training images, say.
    #[must_use]
    pub fn part(mut self, name: &str) -> Self {
        self.hasher.update(format!("part {name}\n").as_bytes());
        self
    }

    /// Adds a file: where it is, its size, and when it was changed.
    ///
    /// # Errors
    /// The file cannot be found.
    pub fn file(&mut self, path: &Path) -> Result<(), DataError> {
        let path = std::path::absolute(path)?;
        let facts = fs_err::metadata(&path)?;
        let modified = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = path.as_os_str().as_encoded_bytes();
        self.hasher.update(&(name.len() as u64).to_le_bytes());
        self.hasher.update(name);
        self.hasher.update(&facts.len().to_le_bytes());
        self.hasher.update(&modified.to_le_bytes());
        self.hasher.update(&status_time(&facts));
        self.n_bytes += facts.len();
        Ok(())
    }

    /// Whether the files are tables.
    pub(crate) fn is_of_tables(&self) -> bool {
        self.is_of_tables
    }

    /// The bytes of all files.
    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// What people know the images as.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The name of the entry.
    pub(super) fn name(&self) -> String {
        self.hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// When the system last changed anything of the file, which programs that keep the time of a file cannot set.
#[cfg(unix)]
fn status_time(facts: &std::fs::Metadata) -> Vec<u8> {
    use std::os::unix::fs::MetadataExt;
    [facts.ctime().to_le_bytes(), facts.ctime_nsec().to_le_bytes()].concat()
}

#[cfg(not(unix))]
fn status_time(_: &std::fs::Metadata) -> Vec<u8> {
    vec![]
}
