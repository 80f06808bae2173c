//! CIFAR-10 and CIFAR-100 in the binary form that their author publishes.
//!
//! A gzipped tar archive, or the folder that is in it. CIFAR-10 has `data_batch_1.bin` to `data_batch_5.bin` and
//! `test_batch.bin`; CIFAR-100 has `train.bin` and `test.bin`. A file is a sequence of records without a header: one
//! byte of label (CIFAR-100: one of coarse label, then one of fine label), then 3,072 bytes of pixels, the planes of
//! red, green and blue, each 32 rows of 32. Text files name the classes, one a line. The instance id of a record is its
//! place when the files of a split are read in the order of their numbers.
//!
//! Source: <https://www.cs.toronto.edu/~kriz/cifar.html>.

mod files;
mod layout;
mod records;

use std::ffi::OsStr;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::{DataError, ImageSet, LabeledImages, Labels};
use files::Files;

/// What a pickle starts with; its version follows.
const PICKLE: u8 = 0x80;
/// What a gzip file starts with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads an archive or a folder, or a folder in a folder, such as `cifar-10-batches-bin`.
///
/// # Errors
/// With the file and the record at fault.
pub fn read(path: &Path, labels: Labels) -> Result<ImageSet, DataError> {
    if !path.is_dir() {
        return read_archive(path, labels);
    }
    let Some(folder) = layout::find_folder(path)? else {
        return Err(layout::find_pickles(path)?.map_or_else(|| no_parts(path), |path| pickles(&path)));
    };
    let mut files = Files::new(labels);
    for part in layout::PARTS {
        let file = folder.join(part.name);
        if file.is_file() {
            files.add(part, &file, BufReader::new(open(&file)?))?;
        }
    }
    files.into_dataset(&folder)
}

/// Whether a folder, or a folder in it, holds files of CIFAR, those of the Python version included.
///
/// # Errors
/// If it cannot be listed.
#[cfg(feature = "table")]
pub(crate) fn is_in(folder: &Path) -> Result<bool, DataError> {
    Ok(layout::find_folder(folder)?.is_some() || layout::find_pickles(folder)?.is_some())
}

/// Reads a tar archive, no longer compressed, from any reader; `path` is its name in messages.
///
/// Files are taken by their names, in whatever order and folder; others are skipped. Memory is bounded by the size of
/// the real data set, whatever the archive claims to hold.
///
/// # Errors
/// As [`read`].
pub fn read_tar(tar: impl Read, path: &Path, labels: Labels) -> Result<ImageSet, DataError> {
    let unreadable = |source| unreadable(path, source);
    let (mut files, mut has_pickles) = (Files::new(labels), false);
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let inner = entry.path().map_err(unreadable)?.into_owned();
        let Some(name) = inner.file_name().and_then(OsStr::to_str) else { continue };
        has_pickles |= layout::is_pickle(name) || inner.ends_with("cifar-100-python/train");
        if let Some(part) = layout::part(name) {
            files.add(part, &path.join(&inner), BufReader::new(entry))?;
        }
    }
    if has_pickles && files.is_empty() {
        return Err(pickles(path));
    }
    files.into_dataset(path)
}

/// Reads the records of one file; its `name` says what they are, as in `data_batch_1.bin`.
///
/// # Errors
/// Another name; else as [`read`].
pub fn read_records(records: impl Read, name: &str, labels: Labels) -> Result<LabeledImages, DataError> {
    let part = layout::part(name).ok_or_else(|| DataError::new(format!("{name:?} is {NO_PART}")))?;
    part.version.classes(labels)?;
    records::read(records, part, labels, Path::new(name))?.into_split()
}

fn open(path: &Path) -> Result<fs_err::File, DataError> {
    Ok(fs_err::File::open(path)?)
}

fn read_archive(path: &Path, labels: Labels) -> Result<ImageSet, DataError> {
    let mut file = BufReader::new(open(path)?);
    let mut start = Vec::new();
    file.by_ref()
        .take(GZIP.len() as u64)
        .read_to_end(&mut start)
        .map_err(|source| unreadable(path, source))?;
    if start.is_empty() {
        return Err(DataError::of(path, "it is empty").remedy("fetch it again"));
    }
    if start[0] == PICKLE {
        return Err(pickles(path));
    }
    if start != GZIP {
        return Err(DataError::of(path, "cannot tell what it is").remedy(
            "expected a table (.csv, .parquet, .npy), an archive of NumPy arrays (.npz), cifar-10-binary.tar.gz, cifar-100-binary.tar.gz, or the folder of a data set",
        ));
    }
    read_tar(MultiGzDecoder::new(start.chain(file)), path, labels)
}

/// What the names of files are not.
const NO_PART: &str = "no file of CIFAR-10 (data_batch_1.bin, ...) or CIFAR-100 (train.bin, ...)";

fn no_parts(path: &Path) -> DataError {
    DataError::of(path, format!("it holds {NO_PART}"))
}

fn pickles(path: &Path) -> DataError {
    DataError::of(
        path,
        "it is the Python version of CIFAR (pickles, which may run any program when they are read)",
    )
    .remedy("take the binary version, cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, or --data cifar10 or cifar100, which are fetched from the hub")
}

/// A file that breaks off or is damaged.
fn unreadable(path: &Path, source: std::io::Error) -> DataError {
    DataError::unreadable(path, format!("it cannot be read, {source}"), source)
        .remedy("it is cut short or damaged, fetch it again")
}
