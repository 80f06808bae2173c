//! What can be wrong with a table.

use std::fmt;
use std::path::PathBuf;

/// A row of a file, for people: counted from 1, headers and empty lines left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// From 1.
    pub row: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.path.display(), self.row)
    }
}

pub(crate) fn listed(columns: &[String]) -> String {
    if columns.is_empty() { "nothing".to_owned() } else { columns.join(", ") }
}

/// Why a table was refused, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The operating system refused something.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The name does not say what the file is.
    #[error("{}: cannot tell what it is, expected a name that ends with .csv, .parquet or .npy", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// Tables are not written in this format.
    #[error("{}: cannot be written, expected a name that ends with .csv, .jsonl or .parquet", path.display())]
    OutputEnding {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what its name says, or is damaged.
    #[error("{}: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// An identifying column is not there.
    #[error("{}: there is no column {column:?}, only {}: add it, or rename one; commas, semicolons or tabs separate columns", path.display(), listed(found))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// The columns of the file.
        found: Vec<String>,
    },
    /// Two columns have one name.
    #[error("{}: there are two columns {column:?}: rename or remove one", path.display())]
    RepeatedColumn {
        /// The file.
        path: PathBuf,
        /// Their name.
        column: String,
    },
    /// A column without a name.
    #[error(
        "{}: column {column} has no name: name it, or write the table without its row numbers (pandas: index=False)",
        path.display()
    )]
    UnnamedColumn {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        column: usize,
    },
    /// Only identifiers.
    #[error("{}: there is no column besides those that identify rows", path.display())]
    NoNumericColumn {
        /// The file.
        path: PathBuf,
    },
    /// A header at most.
    #[error("{}: there are no rows: a table needs at least one below its header", path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// A column of dates, lists or the like.
    #[error("{}: column {column:?} holds {got}", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it holds.
        got: String,
    },
    /// Bytes that are no text.
    #[error("{place}: not UTF-8 text: save the file as UTF-8")]
    Encoding {
        /// Where.
        place: Place,
    },
    /// A row with too few or too many cells.
    #[error(
        "{place}: {got} cells, the header has {expected}: separate cells by commas, and put text that has one in quotes"
    )]
    CellCount {
        /// Where.
        place: Place,
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        got: usize,
    },
    /// An empty cell where an identifier or a number should be.
    #[error("{place}: column {column:?} is empty: fill it in, or drop the row")]
    EmptyCell {
        /// Where.
        place: Place,
        /// The column.
        column: String,
    },
    /// Text, infinity or NaN where a number should be.
    #[error("{place}: column {column:?} is {got:?}, expected a finite number")]
    NotANumber {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// What is there.
        got: String,
    },
}
