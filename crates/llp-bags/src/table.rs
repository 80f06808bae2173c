//! Tables from other programs: a few columns that identify rows, any number of numeric ones.
//!
//! The ending of the file's name says what it is:
//!
//! | ending | content |
//! |---|---|
//! | `.csv`, `.tsv` | a header line, then a line per row; cells between commas, else semicolons or tabs; quotes as in RFC 4180 |
//! | `.parquet` | a flat schema: text, booleans, integers, floating point numbers, decimals; lists of numbers of one length are as many columns, `NAME[0]`, `NAME[1]` and so on |
//! | `.npy` | a one-dimensional structured array with named fields (those of several numbers are as many columns), or a plain matrix `[row, column]` whose first columns are the identifying ones and whose others have no names |
//!
//! Identifiers are text, unchanged except for spaces around it. Numbers become text: those of Parquet and NumPy files
//! that are whole become their decimal digits, so 3 and 3.0 name the same thing as the text `3`.

mod collect;
mod csv;
mod error;
mod half;
pub(crate) mod names;
mod npy;
pub(crate) mod parquet;
pub(crate) mod scan;
mod write;

use std::path::{Path, PathBuf};

use collect::Collector;
use scan::scan;

pub(crate) use error::listed;
pub use error::{Place, TableError};
pub use write::{CellType, Cells, TableFormat, TableWriter, encode};

/// A table in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    path: PathBuf,
    ids: Vec<Vec<String>>,      // [identifying column][row]
    names: Option<Vec<String>>, // [numeric column]
    values: Vec<f64>,           // [row, numeric column]
}

impl Table {
    /// Reads a table. The columns `ids` identify rows; all others must be numeric.
    ///
    /// # Errors
    /// The file cannot be read or is not a table, lacks one of `ids`, names a column twice, has no row or no numeric
    /// column; a cell that is empty, or that should be a finite number and is not.
    pub fn read(path: &Path, ids: &[&'static str]) -> Result<Self, TableError> {
        Self::read_selected(path, ids, &[], &|_| None)
    }

    /// As [`Table::read`], but cells of the columns `may_be_empty`, some of `ids`, may be empty, and `choose` may pick
    /// numeric columns: given the names of all columns, it answers with the places of those to read. All others are
    /// ignored then. It is not asked about a file without names.
    ///
    /// # Errors
    /// Those of [`Table::read`].
    pub fn read_selected(
        path: &Path,
        ids: &[&'static str],
        may_be_empty: &[&'static str],
        choose: &dyn Fn(&[String]) -> Option<Vec<usize>>,
    ) -> Result<Self, TableError> {
        let mut collector = Collector::new(path, ids, may_be_empty, choose);
        scan(path, &mut collector)?;
        collector.into_table()
    }

    /// The file that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of rows, at least 1.
    pub fn n_rows(&self) -> usize {
        self.ids.first().map_or(0, Vec::len)
    }

    /// The number of numeric columns, at least 1.
    pub fn n_columns(&self) -> usize {
        self.values.len() / self.n_rows().max(1)
    }

    /// The names of the numeric columns; a plain matrix has none.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// An identifying column, by its place among the `ids` of [`Table::read`]; empty cells are empty texts.
    pub fn ids(&self, column: usize) -> &[String] {
        &self.ids[column]
    }

    /// The numbers of a row, `[numeric column]`.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.n_columns()..][..self.n_columns()]
    }

    /// Where a row is, for people.
    pub fn place(&self, row: usize) -> Place {
        Place { path: self.path.clone(), row: row as u64 + 1 }
    }
}
