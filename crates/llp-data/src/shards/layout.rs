//! Which files make up a data set.
//!
//! The split of a file is a word of its name, as in `train-00000-of-00001.parquet` or `pets_test.parquet`, else of a
//! folder that it is in, as in `default/train/0000.parquet`. The words are those of the library `datasets`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files::{is_parquet, sorted_entries};
use crate::{DataError, DataNote};

/// Folders in folders that are looked into.
const DEPTH_MAX: usize = 4;

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SplitKind {
    /// To train on.
    Train,
    /// To choose by.
    Validation,
    /// To test on.
    Test,
}

/// The words that name each split.
const WORDS: [(SplitKind, &[&str]); 3] = [
    (SplitKind::Train, &["train", "training"]),
    (SplitKind::Validation, &["validation", "valid", "val", "dev"]),
    (SplitKind::Test, &["test", "testing", "eval", "evaluation"]),
];

/// The files of a data set, in the order of their paths; there is one for training at least.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) train: Vec<PathBuf>,
    /// What accuracy is measured on: the test split, else that of validation.
    pub(super) test: Vec<PathBuf>,
    pub(super) notes: Vec<DataNote>,
}

/// The shards of one folder, by their splits.
#[derive(Debug, Default)]
pub struct Shards {
    /// Those of each split.
    pub by_split: BTreeMap<SplitKind, Vec<PathBuf>>,
    /// Those of no known split.
    pub others: Vec<PathBuf>,
}

impl Shards {
    /// Adds a file.
    pub fn add(&mut self, path: PathBuf, split: Option<SplitKind>) {
        match split {
            Some(split) => self.by_split.entry(split).or_default().push(path),
            None => self.others.push(path),
        }
    }

    fn is_empty(&self) -> bool {
        self.by_split.is_empty() && self.others.is_empty()
    }

    /// The files of a split.
    pub fn take(&mut self, split: SplitKind) -> Vec<PathBuf> {
        self.by_split.remove(&split).unwrap_or_default()
    }

    /// Says which files of no known split there are, and which files miss others, by their names.
    pub fn note(&self, notes: &mut Vec<DataNote>) {
        let mut counts = BTreeMap::<_, (usize, &PathBuf)>::new();
        for path in self.by_split.values().flatten() {
            if let Some(set) = numbered(path) {
                counts.entry(set).or_insert((0, path)).0 += 1;
            }
        }
        for ((_, n_expected), (n_files, first)) in counts {
            if n_files < n_expected {
                notes.push(DataNote::MissingFiles { first: file_name(first), n_files, n_expected });
            }
        }
        if let Some(first) = self.others.first() {
            let name = first.file_name().unwrap_or_default().to_string_lossy();
            let what = format!("no known split ({name})");
            let remedy = "names with train, validation or test say the split";
            notes.push(DataNote::LeftOut { what, n_files: self.others.len(), remedy });
        }
    }
}

impl Layout {
    /// Looks in `folder` and, if it holds no shard itself, in the folders in it.
    pub(super) fn find(folder: &Path) -> Result<Self, DataError> {
        let mut found = BTreeMap::new();
        collect(folder, None, folder, 0, &mut found)?;
        let mut sets = found.into_iter().filter(|(_, shards)| !shards.is_empty());
        let Some((first, shards)) = sets.next() else { return Err(nothing(folder)) };
        match sets.next() {
            Some((second, _)) => Err(DataError::new(format!(
                "both {} and {} hold *.parquet files",
                first.display(),
                second.display()
            ))
            .remedy("name the one to read")),
            None => Self::of(folder, shards),
        }
    }

    fn of(folder: &Path, mut shards: Shards) -> Result<Self, DataError> {
        let mut notes = Vec::new();
        if shards.by_split.is_empty() {
            // Without any split, all of it is for training, as of the library `datasets`.
            let others = std::mem::take(&mut shards.others);
            shards.by_split.insert(SplitKind::Train, others);
        }
        shards.note(&mut notes);
        let [train, validation, mut test] =
            [SplitKind::Train, SplitKind::Validation, SplitKind::Test].map(|split| shards.take(split));
        if train.is_empty() {
            let found = test.first().or(validation.first()).cloned().unwrap_or_default();
            let problem =
                format!("there is no file of the training split, only {} and the like", found.display());
            return Err(DataError::of(folder, problem).remedy("call one train-*.parquet"));
        }
        match (test.is_empty(), validation.is_empty()) {
            (true, true) => notes.push(DataNote::NoTest),
            (true, false) => {
                notes.push(DataNote::ValidationAsTest);
                test = validation;
            }
            (false, false) => {
                let remedy =
                    "accuracy is measured on the test split, and held-out bags are drawn from training";
                let what = "the validation split".to_owned();
                notes.push(DataNote::LeftOut { what, n_files: validation.len(), remedy });
            }
            (false, true) => {}
        }
        Ok(Self { train, test, notes })
    }
}

/// Adds the shards below `folder` to those of `home`, which is `folder` but for folders that are named after a split.
/// A folder with shards of its own, or with folders that are named after splits, is one data set; in others each folder
/// may be.
fn collect(
    folder: &Path,
    split: Option<SplitKind>,
    home: &Path,
    depth: usize,
    found: &mut BTreeMap<PathBuf, Shards>,
) -> Result<(), DataError> {
    let (mut shards, mut folders) = (Vec::new(), Vec::new());
    for entry in sorted_entries(folder)? {
        if entry.is_dir() {
            let is_hidden = file_name(&entry).starts_with('.');
            folders.extend((!is_hidden).then_some(entry));
        } else if is_parquet(&entry) {
            shards.push(entry);
        }
    }
    if !shards.is_empty() {
        let set = found.entry(home.to_owned()).or_default();
        for shard in shards {
            let own = split_of(&shard);
            set.add(shard, own.or(split));
        }
        return Ok(());
    }
    if depth == DEPTH_MAX {
        return Ok(());
    }
    for inner in folders {
        match split.or_else(|| split_of(&inner)) {
            Some(split) => collect(&inner, Some(split), home, depth + 1, found)?,
            None => collect(&inner, None, &inner, depth + 1, found)?,
        }
    }
    Ok(())
}

/// The split that the name of a file or folder says: the first of its words that is one.
pub fn split_of(path: &Path) -> Option<SplitKind> {
    let name = file_name(path).to_lowercase();
    let words = name.split(|letter: char| !letter.is_ascii_alphabetic());
    let split = |word: &str| WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(split, _)| *split);
    words.into_iter().find_map(split)
}

/// What comes before `-00000-of-00003`, and the 3.
fn numbered(path: &Path) -> Option<(PathBuf, usize)> {
    let stem = path.file_stem()?.to_str()?;
    let (start, rest) = stem.rsplit_once("-of-")?;
    let (name, number) = start.rsplit_once('-')?;
    number.parse::<usize>().ok()?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    Some((path.with_file_name(name), rest[..digits].parse().ok()?))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Why there is nothing to read.
fn nothing(folder: &Path) -> DataError {
    let has = |name: &str| folder.join(name).is_file();
    if has("dataset_dict.json") || has("dataset_info.json") || has("state.json") {
        let problem = "it was written by save_to_disk of the library `datasets` (Arrow files)";
        let remedy =
            "write each split with to_parquet(\"train-0.parquet\") and to_parquet(\"test-0.parquet\")";
        return DataError::of(folder, problem).remedy(remedy);
    }
    DataError::of(folder, "there is no *.parquet file in it or in a folder in it").remedy(
        "expected train-*.parquet and test-*.parquet of a data set, or instances.csv and proportions.csv of own bags",
    )
}
