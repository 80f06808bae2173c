//! Which files make up a data set.

use std::path::{Path, PathBuf};

use super::ParquetError;

/// The files of a data set, in the order of their names; neither split is empty.
pub(super) struct Layout {
    pub(super) train: Vec<PathBuf>,
    pub(super) test: Vec<PathBuf>,
}

impl Layout {
    /// Looks in `folder` and, if it holds no shard itself, in the folders in it.
    pub(super) fn find(folder: &Path) -> Result<Self, ParquetError> {
        let entries = sorted_entries(folder)?;
        if let Some(layout) = Self::of(folder, &entries)? {
            return Ok(layout);
        }
        let mut found: Option<(PathBuf, Self)> = None;
        for inner in entries.into_iter().filter(|entry| entry.is_dir()) {
            let Some(layout) = Self::of(&inner, &sorted_entries(&inner)?)? else { continue };
            if let Some((first, _)) = found {
                return Err(ParquetError::Ambiguous { first, second: inner });
            }
            found = Some((inner, layout));
        }
        match found {
            Some((_, layout)) => Ok(layout),
            None => Err(ParquetError::NoShards { folder: folder.to_owned(), split: "train" }),
        }
    }

    /// The shards among the files of one folder; `None` if there are none of either split.
    fn of(folder: &Path, entries: &[PathBuf]) -> Result<Option<Self>, ParquetError> {
        let layout = Self { train: shards(entries, "train-"), test: shards(entries, "test-") };
        match (layout.train.is_empty(), layout.test.is_empty()) {
            (false, false) => Ok(Some(layout)),
            (true, true) => Ok(None),
            (no_train, _) => {
                let split = if no_train { "train" } else { "test" };
                Err(ParquetError::NoShards { folder: folder.to_owned(), split })
            }
        }
    }
}

fn shards(entries: &[PathBuf], prefix: &str) -> Vec<PathBuf> {
    let is_shard = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(prefix) && path.extension().is_some_and(|extension| extension == "parquet")
    };
    entries.iter().filter(is_shard).cloned().collect()
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, ParquetError> {
    let entries = fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    Ok(entries)
}
