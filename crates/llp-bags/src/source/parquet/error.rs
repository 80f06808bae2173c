//! What can be wrong with Parquet files.

use std::path::PathBuf;

use crate::PictureError;
use crate::picture::others;

/// Why a folder of Parquet files is no image data set. Rows are counted from 0 in each file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParquetError {
    /// A file or folder that cannot be read; the error names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),

    /// A folder without files.
    #[error(
        "no *.parquet file in {folder} or in a folder in it: expected train-*.parquet and test-*.parquet of a data set, or instances.csv and proportions.csv of own bags"
    )]
    NoShards {
        /// The folder that was searched.
        folder: PathBuf,
    },

    /// A folder that the library `datasets` wrote in its own format.
    #[error(
        "{folder} was written by save_to_disk of the library `datasets` (Arrow files): write each split with to_parquet(\"train-0.parquet\") and to_parquet(\"test-0.parquet\")"
    )]
    Arrow {
        /// The folder.
        folder: PathBuf,
    },

    /// Files, but none to train on.
    #[error(
        "{folder} has no file of the training split, only {found} and the like: call one train-*.parquet"
    )]
    NoTraining {
        /// The folder that was searched.
        folder: PathBuf,
        /// A file of another split.
        found: PathBuf,
    },

    /// More than one data set to choose from.
    #[error("both {first} and {second} hold *.parquet files: name the one to read")]
    Ambiguous {
        /// One candidate.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
    },

    /// A file that is not Parquet, cut short or damaged.
    #[error("{path} is not a readable Parquet file: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader met.
        source: parquet::errors::ParquetError,
    },

    /// A column that is not there.
    #[error("{path} has no column {expected}; its columns are {}", found.join(", "))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The names looked for.
        expected: &'static str,
        /// The names there are.
        found: Vec<String>,
    },

    /// A column that bags are to be made by, and that is not there.
    #[error("{path} has no column {column}; its columns are {}", found.join(", "))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The name looked for.
        column: String,
        /// The names there are.
        found: Vec<String>,
    },

    /// A column of another type.
    #[error("column {column} of {path} is {got}, expected {expected}")]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        got: String,
    },

    /// A row without a value.
    #[error("column {column} of {path} is null in row {row}: drop such rows, or fill them")]
    Null {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The first offender.
        row: usize,
    },

    /// Columns of different lengths.
    #[error("{path} has {n_images} images but {n_labels} labels: the file is damaged")]
    RowCount {
        /// The file.
        path: PathBuf,
        /// Values of the image column.
        n_images: usize,
        /// Values of the label column.
        n_labels: usize,
    },

    /// A split without rows.
    #[error("{path} has no rows, nor has any other file of its split")]
    NoRows {
        /// The first file of the split.
        path: PathBuf,
    },

    /// An image that cannot be decoded.
    #[error("the image in row {row} of {path} cannot be decoded: {source}")]
    BrokenImage {
        /// The file.
        path: PathBuf,
        /// The first offender.
        row: usize,
        /// What the decoder met.
        source: PictureError,
    },

    /// An image in a file of its own, which cannot be read.
    #[error("the image in row {row} of {path} has no bytes, and its file cannot be read: {source}")]
    ImageFile {
        /// The file of the row.
        path: PathBuf,
        /// The row.
        row: usize,
        /// What the system says, with the path of the image.
        source: std::io::Error,
    },

    /// Several rows whose images cannot be used.
    #[error("{}; nor can {} be read: `llp data verify` lists all", all[0], others(all.len() - 1))]
    BrokenRows {
        /// The error of each, at least two.
        all: Vec<ParquetError>,
    },

    /// Images of different sizes.
    #[error(
        "the image in row {row} of {path} has {}x{} pixels (height x width), the first image {}x{}: all must have one size",
        got[0], got[1], expected[0], expected[1]
    )]
    ImageSize {
        /// The file.
        path: PathBuf,
        /// The first offender.
        row: usize,
        /// `[height, width]` of the first image.
        expected: [usize; 2],
        /// `[height, width]` of this one.
        got: [usize; 2],
    },

    /// A label that names no class.
    #[error("row {row} of {path} has label {label}, but labels go from 0 to {}", n_classes - 1)]
    Label {
        /// The file.
        path: PathBuf,
        /// The first offender.
        row: usize,
        /// Its label.
        label: i64,
        /// The number of classes.
        n_classes: usize,
    },

    /// Metadata that cannot be understood.
    #[error("the class names in the metadata `huggingface` of {path} cannot be read: {source}")]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What the parser met.
        source: serde_json::Error,
    },

    /// Files that disagree about the classes.
    #[error("{path} names other classes than {first}: the two are not of one data set")]
    ClassNames {
        /// The file.
        path: PathBuf,
        /// The first file.
        first: PathBuf,
    },
}
