//! Data sets and networks of the Hugging Face hub, fetched once into the cache that its own tools share.
//!
//! In the cache, `datasets--OWNER--NAME/refs/main` names the commit whose files are in `snapshots/COMMIT/`. Here that
//! name is written last, once every file has the length and the hash that the hub says and the splits have as many rows
//! as they should: what the cache offers as the data set is complete.

mod error;
mod fetch;
mod model;
mod upload;

use std::fmt;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, RepoType};

use crate::{DataError, shards};
use fetch::{Fetch, Repository};
pub use upload::UploadFile;

/// Where the hub is, and where what it gives is kept.
#[derive(Clone)]
pub struct Hub {
    /// Address of the hub, such as [`ENDPOINT`].
    pub endpoint: String,
    /// Folder of the cache, such as `~/.cache/huggingface/hub`.
    pub cache: PathBuf,
    /// What opens data sets that are not public; without it, the file `token` beside the cache does, if there is one.
    pub token: Option<String>,
    /// Use the cache alone.
    pub is_offline: bool,
}

/// The hub of everybody.
pub const ENDPOINT: &str = "https://huggingface.co";

/// A data set that the hub has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubDataset {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name on the hub.
    pub repo: &'static str,
    /// Images for training and for testing.
    pub n_rows: [usize; 2],
}

/// The data sets that are known by name.
pub const DATASETS: [HubDataset; 2] = [
    HubDataset { name: "cifar10", repo: "uoft-cs/cifar10", n_rows: [50_000, 10_000] },
    HubDataset { name: "cifar100", repo: "uoft-cs/cifar100", n_rows: [50_000, 10_000] },
];

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileProgress<'a> {
    /// Its name on the hub.
    pub file: &'a str,
    /// Bytes that are there.
    pub done: u64,
    /// Bytes in all.
    pub len: u64,
}

impl HubDataset {
    /// The data set of this name.
    pub fn named(name: &str) -> Option<Self> {
        DATASETS.into_iter().find(|dataset| dataset.name == name)
    }

    fn repository(&self) -> Repository {
        Repository { name: self.repo.to_owned(), kind: RepoType::Dataset }
    }
}

impl Hub {
    /// The folder of a data set in the cache, if it is complete. Uses no network.
    pub fn locate(&self, dataset: &HubDataset) -> Option<PathBuf> {
        let folder = Cache::new(self.cache.clone()).repo(dataset.repository().at(fetch::BRANCH)).get("")?;
        let folder: PathBuf = folder.components().collect(); // without the separator at its end
        shards::count_rows(&folder).is_ok_and(|got| got == dataset.n_rows).then_some(folder)
    }

    /// Fetches a data set into the cache, or what is missing of it there, and returns its folder.
    ///
    /// What an interrupted call has left is used by the next one. Nothing is retried: a call ends with the first error.
    ///
    /// # Errors
    /// The hub refuses or does not answer, or what it gives is not what it should be.
    pub fn fetch(
        &self,
        dataset: &HubDataset,
        progress: &mut dyn FnMut(FileProgress<'_>),
    ) -> Result<PathBuf, DataError> {
        if self.is_offline {
            return Err(self.offline(dataset.name, "the data with --data PATH"));
        }
        let is_table = |file: &str| Path::new(file).extension().is_some_and(|it| it == "parquet");
        let fetch = Fetch::new(self, dataset.repository(), is_table)?;
        let folder = fetch.files(progress)?;
        let (name, expected, got) = (dataset.name, dataset.n_rows, shards::count_rows(&folder)?);
        if got != expected {
            let rows =
                |[train, test]: [usize; 2]| format!("{train} rows for training and {test} for testing");
            let problem = format!("it has {}, {name} has {}", rows(got), rows(expected));
            return Err(DataError::of(&folder, problem).remedy("remove that folder and fetch it again"));
        }
        fetch.publish()?;
        Ok(folder)
    }
}

/// Digits of a hash.
fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect()
}

/// Shows no token.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({}, cache {}, offline: {})", self.endpoint, self.cache.display(), self.is_offline)
    }
}
