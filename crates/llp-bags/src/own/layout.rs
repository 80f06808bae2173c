//! Which files hold own data.

use std::path::{Path, PathBuf};

use llp_data::files::{is_parquet, sorted_entries};
use llp_data::shards::{Shards, SplitKind, split_of};
use llp_data::table::{Format, TableReader};
use llp_data::{DataError, DataNote};

use super::collect::read;
use super::folders;
use super::rows::{Purpose, Rows, SplitName, TableFile};

/// What holds the instances.
#[derive(Debug)]
pub(super) enum Found {
    /// Tables, and what people should know of those beside them.
    Tables(Vec<TableFile>, Vec<DataNote>),
    /// A folder of folders, each a bag of images.
    Folders(PathBuf),
}

/// Whether [`read`](super::read) reads what is at `path`: a table, a folder with a table of instances or proportions
/// in it, or one of image files.
pub fn is_own(path: &Path) -> bool {
    is_table(path) || path.is_dir() && folders::holds_images(path)
}

/// Whether a table is at `path`, or in the folder there: `instances.csv`, `.tsv`, `.parquet` or `.npy`, or a table
/// of proportions.
pub fn is_table(path: &Path) -> bool {
    if path.is_dir() {
        !candidates(path, "instances").is_empty() || !candidates(path, "proportions").is_empty()
    } else {
        Format::of(path).is_some()
    }
}

impl Found {
    /// Reads the instances. Folders of test images whose names are all among `classes` are of these classes.
    pub(super) fn read(
        &self,
        purpose: Purpose<'_>,
        classes: &[String],
    ) -> Result<(Rows, Vec<DataNote>), DataError> {
        match self {
            Self::Tables(files, notes) => Ok((read(files, purpose)?, notes.clone())),
            Self::Folders(folder) => folders::read(folder, purpose, classes),
        }
    }
}

/// What holds the instances at `path`: the file itself, or what is in the folder.
pub(super) fn find(path: &Path) -> Result<Found, DataError> {
    let one = |path| Found::Tables(vec![TableFile { path, split: SplitName::Train }], vec![]);
    if !path.is_dir() {
        return Ok(one(path.to_owned()));
    }
    if let Some(path) = only(candidates(path, "instances"))? {
        return Ok(one(path));
    }
    if let Some(found) = of_shards(shards(path)?)? {
        return Ok(found);
    }
    if folders::holds_images(path) {
        return Ok(Found::Folders(path.to_owned()));
    }
    Err(no_table(path))
}

/// The table of proportions beside the table of instances at `path`, or in it if it is a folder.
pub(super) fn proportions(path: &Path) -> Result<PathBuf, DataError> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let found = only(candidates(folder, "proportions"))?;
    let is_of_images = || path.is_dir() && matches!(find(path), Ok(Found::Folders(_)));
    found.ok_or_else(|| {
        if is_of_images() {
            let problem = "it holds images, but nothing says which bag each is in and what the bags hold";
            DataError::of(path, problem).remedy(
                "give each bag a folder of its own, or write instances.csv with the columns bag and path; and write \
                 proportions.csv with a column bag and one for each class",
            )
        } else {
            DataError::of(path, "there is no table of proportions beside it")
                .remedy("name one, or put proportions.csv or proportions.parquet there")
        }
    })
}

/// A folder without a table.
fn no_table(folder: &Path) -> DataError {
    DataError::of(folder, "there is no table of instances")
        .remedy("expected instances.csv, instances.parquet, instances.npy or train-*.parquet in it")
}

/// Tables called `stem`, whether in small or in capital letters. A NumPy file of instances counts where no other does:
/// people keep arrays beside their tables.
fn candidates(folder: &Path, stem: &str) -> Vec<PathBuf> {
    let found = files(folder, stem, &["csv", "tsv", "parquet"]);
    if found.is_empty() && stem == "instances" { files(folder, stem, &["npy"]) } else { found }
}

fn files(folder: &Path, stem: &str, endings: &[&str]) -> Vec<PathBuf> {
    // The current folder has an empty name as the parent of a file.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let is_one = |path: &PathBuf| {
        let own = path.file_stem().unwrap_or_default();
        own.eq_ignore_ascii_case(stem) && has_ending(path, endings) && path.is_file()
    };
    let mut found = sorted_entries(folder).unwrap_or_default();
    found.retain(is_one);
    if folder == Path::new(".") {
        found = found.into_iter().map(|path| path.strip_prefix(".").unwrap_or(&path).to_owned()).collect();
    }
    found
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    endings.iter().any(|ending| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending)))
}

fn only(found: Vec<PathBuf>) -> Result<Option<PathBuf>, DataError> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            let problem = format!("both {} and {} are there", first.display(), second.display());
            Err(DataError::new(problem).remedy("name the one to read, or remove the other"))
        }
        (found, _) => Ok(found),
    }
}

/// The Parquet files of a folder, by the splits that their names say.
fn shards(folder: &Path) -> Result<Shards, DataError> {
    let mut shards = Shards::default();
    let is_proportions =
        |path: &Path| path.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("proportions"));
    for entry in sorted_entries(folder)? {
        if is_parquet(&entry) && !is_proportions(&entry) {
            let split = split_of(&entry);
            shards.add(entry, split);
        }
    }
    Ok(shards)
}

/// The files of each split, each in the order of its names. Returns `None` without files to train on. Validation is
/// held out if its rows have bags and there is a test split, and replaces a missing test split.
fn of_shards(mut shards: Shards) -> Result<Option<Found>, DataError> {
    let mut notes = Vec::new();
    shards.note(&mut notes);
    let [train, validation, test] =
        [SplitKind::Train, SplitKind::Validation, SplitKind::Test].map(|split| shards.take(split));
    if train.is_empty() {
        return Ok(None);
    }
    let mut files: Vec<TableFile> = Vec::new();
    let mut add =
        |paths: Vec<PathBuf>, split| files.extend(paths.into_iter().map(|path| TableFile { path, split }));
    add(train, SplitName::Train);
    if let Some(first) = validation.first() {
        let has_bags = TableReader::open(first)?.head().find("bag").is_some();
        if test.is_empty() {
            notes.push(DataNote::ValidationAsTest);
            add(validation, SplitName::Test);
        } else if has_bags {
            notes.push(DataNote::ValidationAsHeldOut);
            add(validation, SplitName::HeldOut);
        } else {
            let (what, n_files) = ("the validation split".to_owned(), validation.len());
            let remedy = "a column bag would make them held-out bags";
            notes.push(DataNote::LeftOut { what, n_files, remedy });
        }
    }
    add(test, SplitName::Test);
    Ok(Some(Found::Tables(files, notes)))
}
