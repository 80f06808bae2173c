//! What can be wrong with Parquet files.

use std::path::PathBuf;

/// Why a folder of Parquet files is no image data set. Rows are counted from 0 in each file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParquetError {
    /// A file or folder that cannot be read; the error names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),

    /// A split without files.
    #[error(
        "no file {split}-*.parquet in {folder} or in a folder in it: both train-*.parquet and test-*.parquet are needed"
    )]
    NoShards {
        /// The folder that was searched.
        folder: PathBuf,
        /// The split that has no file.
        split: &'static str,
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
        source: image::ImageError,
    },

    /// Images of different sizes.
    #[error(
        "the image in row {row} of {path} has height, width and channels {got:?}, the first image {expected:?}: all must have one size"
    )]
    ImageSize {
        /// The file.
        path: PathBuf,
        /// The first offender.
        row: usize,
        /// `[height, width, channels]` of the first image.
        expected: [usize; 3],
        /// `[height, width, channels]` of this one.
        got: [usize; 3],
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
