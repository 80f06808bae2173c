//! Tables from other programs: a few columns that identify rows, any number of numeric ones.
//!
//! The ending of the file's name says what it is:
//!
//! | ending | content |
//! |---|---|
//! | `.csv` | a header line, then a line per row; commas, quotes as in RFC 4180 |
//! | `.parquet` | a flat schema: text, booleans, integers, floating point numbers |
//! | `.npy` | a one-dimensional structured array with named fields, or a plain matrix `[row, column]` whose first columns are the identifying ones and whose others have no names |
//!
//! Identifiers are text, as it stands but for spaces around it. Numbers become text: those of Parquet and NumPy files
//! that are whole become their decimal digits, so 3 and 3.0 name the same thing as the text `3`.

mod csv;
mod error;
mod npy;
mod parquet;
mod write;

use std::path::{Path, PathBuf};

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
        let table = match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => csv::read(path, ids)?,
            Some("parquet") => parquet::read(path, ids)?,
            Some("npy") => npy::read(path, ids)?,
            _ => return Err(TableError::Ending { path: path.to_owned() }),
        };
        table.check(ids)?;
        Ok(table)
    }

    fn check(&self, ids: &[&'static str]) -> Result<(), TableError> {
        if self.n_rows() == 0 {
            return Err(TableError::NoRows { path: self.path.clone() });
        }
        for (column, cells) in ids.iter().zip(&self.ids) {
            if let Some(row) = cells.iter().position(|cell| cell.trim().is_empty()) {
                return Err(TableError::EmptyCell { place: self.place(row), column: (*column).to_owned() });
            }
        }
        if let Some(cell) = self.values.iter().position(|value| !value.is_finite()) {
            let (row, column) = (cell / self.n_columns(), cell % self.n_columns());
            let (place, got) = (self.place(row), self.values[cell].to_string());
            return Err(TableError::NotANumber { place, column: self.column_name(column), got });
        }
        Ok(())
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

    /// An identifying column, by its place among the `ids` of [`Table::read`].
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

    fn column_name(&self, column: usize) -> String {
        match &self.names {
            Some(names) => names[column].clone(),
            None => (self.ids.len() + column + 1).to_string(),
        }
    }
}

/// Which of the named columns identify, in the order of `ids`, and which are numeric.
struct Header {
    ids: Vec<usize>,
    numeric: Vec<usize>,
}

impl Header {
    fn new(path: &Path, names: &[String], ids: &[&'static str]) -> Result<Self, TableError> {
        if let Some(twice) = (1..names.len()).find(|&column| names[..column].contains(&names[column])) {
            return Err(TableError::RepeatedColumn { path: path.to_owned(), column: names[twice].clone() });
        }
        let find = |id: &&'static str| {
            names.iter().position(|name| name == id).ok_or_else(|| TableError::MissingColumn {
                path: path.to_owned(),
                column: id,
                found: names.to_vec(),
            })
        };
        let ids = ids.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let numeric: Vec<usize> = (0..names.len()).filter(|column| !ids.contains(column)).collect();
        if numeric.is_empty() {
            return Err(TableError::NoNumericColumn { path: path.to_owned() });
        }
        Ok(Self { ids, numeric })
    }

    fn numeric_names(&self, names: &[String]) -> Vec<String> {
        self.numeric.iter().map(|&column| names[column].clone()).collect()
    }
}

/// A number as an identifier: whole ones without a fraction, others in the shortest form that names them.
fn id_of_number(number: f64) -> String {
    number.to_string()
}

/// Text as an identifier; nothing if it is no text.
fn id_of_bytes(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(|text| text.trim().to_owned())
}

/// Columns of equal length, one after the other, as rows.
fn transpose(columns: &[Vec<f64>]) -> Vec<f64> {
    let n_rows = columns.first().map_or(0, Vec::len);
    (0..n_rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
}
