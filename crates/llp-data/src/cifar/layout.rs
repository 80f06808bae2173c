//! Which files there are, and what is in them.

use std::path::{Path, PathBuf};

use crate::{DataError, Labels};

/// Bytes of the pixels of a record.
pub(super) const PIXELS_LEN: usize = SIDE * SIDE * CHANNELS;
/// Rows and columns of an image.
pub(super) const SIDE: usize = 32;
/// Red, green, blue.
pub(super) const CHANNELS: usize = 3;

/// Either data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Cifar10,
    Cifar100,
}

/// The classes that a version has for a kind of labels.
#[derive(Clone, Copy)]
pub(super) struct Classes {
    /// How many.
    pub(super) n: usize,
    /// The file that names them.
    pub(super) file: &'static str,
}

/// A file that is read.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) version: Version,
    pub(super) content: Content,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Records to train on, at most this many.
    Train { n_max: usize },
    /// Records to test on, at most this many.
    Test { n_max: usize },
    /// Names of classes.
    Names,
}

/// All files, each split in the order of its records.
pub(super) const PARTS: [Part; 11] = [
    Part::cifar10("data_batch_1.bin", Content::Train { n_max: 10_000 }),
    Part::cifar10("data_batch_2.bin", Content::Train { n_max: 10_000 }),
    Part::cifar10("data_batch_3.bin", Content::Train { n_max: 10_000 }),
    Part::cifar10("data_batch_4.bin", Content::Train { n_max: 10_000 }),
    Part::cifar10("data_batch_5.bin", Content::Train { n_max: 10_000 }),
    Part::cifar10("test_batch.bin", Content::Test { n_max: 10_000 }),
    Part::cifar10("batches.meta.txt", Content::Names),
    Part::cifar100("train.bin", Content::Train { n_max: 50_000 }),
    Part::cifar100("test.bin", Content::Test { n_max: 10_000 }),
    Part::cifar100("fine_label_names.txt", Content::Names),
    Part::cifar100("coarse_label_names.txt", Content::Names),
];

/// The file of this name.
pub(super) fn part(name: &str) -> Option<Part> {
    PARTS.into_iter().find(|part| part.name == name)
}

/// Whether a file of this name is one of the Python version, and no other version has one.
pub(super) fn is_pickle(name: &str) -> bool {
    name == "test_batch" || name.strip_prefix("data_batch_").is_some_and(|number| number.len() == 1)
}

/// The folder, or the first folder in it, that holds the Python version.
pub(super) fn find_pickles(folder: &Path) -> Result<Option<PathBuf>, DataError> {
    let holds = |folder: &Path| {
        let has = |name: &str| folder.join(name).is_file();
        has("data_batch_1") || has("test_batch") || has("train") && has("meta")
    };
    find(folder, holds)
}

/// The folder, or the first folder in it, that holds records.
pub(super) fn find_folder(folder: &Path) -> Result<Option<PathBuf>, DataError> {
    find(folder, holds_records)
}

fn find(folder: &Path, holds: impl Fn(&Path) -> bool) -> Result<Option<PathBuf>, DataError> {
    if holds(folder) {
        return Ok(Some(folder.to_owned()));
    }
    let entries = fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries.into_iter().find(|inner| holds(inner)))
}

fn holds_records(folder: &Path) -> bool {
    PARTS.iter().any(|part| part.content != Content::Names && folder.join(part.name).is_file())
}

impl Part {
    const fn cifar10(name: &'static str, content: Content) -> Self {
        Self { name, version: Version::Cifar10, content }
    }

    const fn cifar100(name: &'static str, content: Content) -> Self {
        Self { name, version: Version::Cifar100, content }
    }

    /// The records that the file of the real data set has; none of names.
    pub(super) fn n_max(&self) -> usize {
        match self.content {
            Content::Train { n_max } | Content::Test { n_max } => n_max,
            Content::Names => 0,
        }
    }
}

impl Version {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Cifar10 => "CIFAR-10",
            Self::Cifar100 => "CIFAR-100",
        }
    }

    /// Classes by each label byte of a record, in the order of the bytes.
    pub(super) fn label_bytes(self) -> &'static [(Labels, Classes)] {
        const TEN: Classes = Classes { n: 10, file: "batches.meta.txt" };
        const COARSE: Classes = Classes { n: 20, file: "coarse_label_names.txt" };
        const FINE: Classes = Classes { n: 100, file: "fine_label_names.txt" };
        match self {
            Self::Cifar10 => &[(Labels::Fine, TEN)],
            Self::Cifar100 => &[(Labels::Coarse, COARSE), (Labels::Fine, FINE)],
        }
    }

    /// The classes of a kind of labels.
    ///
    /// # Errors
    /// Coarse labels of CIFAR-10.
    pub(super) fn classes(self, labels: Labels) -> Result<Classes, DataError> {
        let found = self.label_bytes().iter().find(|(kind, _)| *kind == labels);
        found
            .map(|(_, classes)| *classes)
            .ok_or_else(|| DataError::new("CIFAR-10 has no coarse labels").remedy("leave out #coarse"))
    }
}
