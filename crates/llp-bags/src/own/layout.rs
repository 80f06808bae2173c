//! Which files own data lies in.

use std::path::{Path, PathBuf};

use super::OwnError;
use super::rows::SplitName;
use crate::table::TableError;
use crate::table::scan::Format;

/// A table of instances, and the split of rows that name none.
#[derive(Debug)]
pub(super) struct TableFile {
    pub(super) path: PathBuf,
    pub(super) split: SplitName,
}

/// Whether [`read`](super::read) reads what lies at `path`: a table, or a folder with `instances.csv`,
/// `instances.parquet` or a table of proportions in it.
pub fn is_own(path: &Path) -> bool {
    if path.is_dir() {
        candidates(path, "instances").next().is_some() || candidates(path, "proportions").next().is_some()
    } else {
        Format::of(path).is_some()
    }
}

/// The files of the table at `path`: itself, or what lies in the folder.
pub(super) fn instances(path: &Path) -> Result<Vec<TableFile>, OwnError> {
    if !path.is_dir() {
        return Ok(vec![TableFile { path: path.to_owned(), split: SplitName::Train }]);
    }
    if let Some(path) = only(candidates(path, "instances"))? {
        return Ok(vec![TableFile { path, split: SplitName::Train }]);
    }
    let files = shards(path)?;
    if files.iter().any(|file| file.split == SplitName::Train) {
        return Ok(files);
    }
    Err(OwnError::NoTable { folder: path.to_owned() })
}

/// The table of proportions that lies beside the table of instances at `path`, or in it if it is a folder.
pub(super) fn proportions(path: &Path) -> Result<PathBuf, OwnError> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    only(candidates(folder, "proportions"))?.ok_or_else(|| OwnError::NoProportions { table: path.to_owned() })
}

fn candidates<'a>(folder: &'a Path, stem: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    ["csv", "tsv", "parquet"]
        .iter()
        .map(move |ending| folder.join(format!("{stem}.{ending}")))
        .filter(|path| path.is_file())
}

fn only(mut found: impl Iterator<Item = PathBuf>) -> Result<Option<PathBuf>, OwnError> {
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => Err(OwnError::TwoTables { first, second }),
        (found, _) => Ok(found),
    }
}

/// The files `train-*.parquet` and `test-*.parquet`, as the hub names them, each in the order of its names.
fn shards(folder: &Path) -> Result<Vec<TableFile>, OwnError> {
    let entries = fs_err::read_dir(folder).map_err(TableError::from)?;
    let entries = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(TableError::from)?;
    entries.sort();
    let of_split = |(prefix, split): (&'static str, SplitName)| {
        let is_shard = move |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".parquet")
        };
        entries.iter().filter(is_shard).map(move |path| TableFile { path: path.clone(), split })
    };
    Ok([("train-", SplitName::Train), ("test-", SplitName::Test)].into_iter().flat_map(of_split).collect())
}
