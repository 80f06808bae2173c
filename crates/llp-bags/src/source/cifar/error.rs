//! What can be wrong with files of CIFAR.

use std::io;
use std::path::PathBuf;

/// Why a binary form of CIFAR was refused. Records are counted from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CifarError {
    /// A file or folder that cannot be read; the error names it.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// An archive that breaks off or is damaged.
    #[error("{path} cannot be read: {source}; it is cut short or damaged: fetch it again")]
    Unreadable {
        /// The archive, or the file in it.
        path: PathBuf,
        /// What the reader met.
        source: io::Error,
    },

    /// An archive of 0 bytes.
    #[error("{path} is empty: fetch it again")]
    EmptyArchive {
        /// The archive.
        path: PathBuf,
    },

    /// A file that is something else.
    #[error(
        "{path}: cannot tell what it is: expected a table (.csv, .parquet, .npy), an archive of NumPy arrays (.npz), cifar-10-binary.tar.gz, cifar-100-binary.tar.gz, or the folder of a data set"
    )]
    NoArchive {
        /// The file.
        path: PathBuf,
    },

    /// The version of CIFAR that is for Python.
    #[error(
        "{path} is the Python version of CIFAR (pickles, which may run any program when they are read): take the binary version, cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, or --data cifar10 or cifar100, which are fetched from the hub"
    )]
    Pickles {
        /// The archive, folder or file.
        path: PathBuf,
    },

    /// A place without any of the files.
    #[error("{path} holds no file of CIFAR-10 (data_batch_1.bin, ...) or CIFAR-100 (train.bin, ...)")]
    NoParts {
        /// The archive or folder.
        path: PathBuf,
    },

    /// A name that is none of the files with records.
    #[error("{name:?} is no file of CIFAR-10 (data_batch_1.bin, ...) or CIFAR-100 (train.bin, ...)")]
    NoPart {
        /// The name.
        name: String,
    },

    /// Some files, but not all.
    #[error("{path} has no {name}, which {title} needs: unpack or fetch it again")]
    MissingPart {
        /// The archive or folder.
        path: PathBuf,
        /// The data set.
        title: &'static str,
        /// The file that is missing.
        name: &'static str,
    },

    /// An archive that holds a file twice.
    #[error("{path} is there a second time: pack each file once")]
    Repeated {
        /// The second one.
        path: PathBuf,
    },

    /// A file without records.
    #[error("{path} is empty, expected at least one record: fetch it again")]
    Empty {
        /// The file.
        path: PathBuf,
    },

    /// A last record that is not whole.
    #[error(
        "record {record} of {path} has {got} bytes, expected {expected}: the file is cut short, or another one"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The last record.
        record: usize,
        /// Bytes of a record.
        expected: usize,
        /// Bytes there are.
        got: usize,
    },

    /// More than the real data set has.
    #[error("{path} has more than {n_max} records, which are all that there should be: it is another file")]
    TooMany {
        /// The file.
        path: PathBuf,
        /// The records of the real file.
        n_max: usize,
    },

    /// A label that names no class.
    #[error("record {record} of {path} has label {label}, but labels go from 0 to {}: the file is damaged, or another one", n_classes - 1)]
    Label {
        /// The file.
        path: PathBuf,
        /// The first offender.
        record: usize,
        /// Its label.
        label: u8,
        /// The number of classes.
        n_classes: usize,
    },

    /// Too few or too many names.
    #[error("{path} names {got} classes, expected {expected}")]
    NameCount {
        /// The file.
        path: PathBuf,
        /// The number of classes.
        expected: usize,
        /// The number of names.
        got: usize,
    },

    /// Coarse labels of CIFAR-10.
    #[error("CIFAR-10 has no coarse labels: leave out #coarse")]
    NoCoarse,
}
