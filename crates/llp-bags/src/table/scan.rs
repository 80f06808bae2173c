//! A table cell by cell, whatever its format: what is kept of a cell is up to who reads.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use super::{TableError, csv, npy, parquet};

/// A column, as the file declares it.
pub(crate) struct ColumnHead {
    /// Its name; its number, from 1, in a file without names.
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What the cells of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Numbers,
    Text,
    /// Text that may stand for numbers.
    Undeclared,
    /// Nothing that can be read, and what it is instead.
    Other(String),
}

/// The columns of a file, none twice.
pub(crate) struct Head {
    /// Whether the file names its columns.
    pub(crate) is_named: bool,
    pub(crate) columns: Vec<ColumnHead>,
}

/// One value. Text has no spaces around it and is not empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Empty,
    Integer(i128),
    Number(f64),
    Text(&'a str),
    /// Bytes that are no UTF-8 text.
    Bytes(&'a [u8]),
}

/// Whoever keeps what a file holds.
pub(crate) trait Sink {
    type Error: From<TableError>;

    /// Chooses the columns whose cells are wanted, by their places.
    fn head(&mut self, head: &Head) -> Result<Vec<usize>, Self::Error>;

    /// Takes a cell of a wanted column. The rows of a column come in order, from 0; columns may come one after the other
    /// or row by row.
    fn cell(&mut self, column: usize, row: usize, cell: Cell<'_>) -> Result<(), Self::Error>;
}

/// Reads the file at `path` as the ending of its name says.
///
/// # Errors
/// The file cannot be read or is not what its name says, names a column twice or a wanted one not at all, or a wanted
/// column cannot be read; and whatever `sink` refuses.
pub(crate) fn scan<S: Sink>(path: &Path, sink: &mut S) -> Result<(), S::Error> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => csv::scan(path, sink),
        Some("parquet") => parquet::scan(path, sink),
        Some("npy") => npy::scan(path, sink),
        _ => Err(TableError::Ending { path: path.to_owned() }.into()),
    }
}

impl Head {
    pub(super) fn named(path: &Path, columns: Vec<ColumnHead>) -> Result<Self, TableError> {
        let mut names = BTreeSet::new();
        for (place, ColumnHead { name, .. }) in columns.iter().enumerate() {
            if name.is_empty() {
                return Err(TableError::UnnamedColumn { path: path.to_owned(), column: place + 1 });
            }
            if !names.insert(name) {
                return Err(TableError::RepeatedColumn { path: path.to_owned(), column: name.clone() });
            }
        }
        Ok(Self { is_named: true, columns })
    }

    /// Asks `sink` for the columns that it wants, and refuses those that cannot be read.
    pub(super) fn wanted<S: Sink>(&self, path: &Path, sink: &mut S) -> Result<Vec<usize>, S::Error> {
        let wanted = sink.head(self)?;
        for &column in &wanted {
            let ColumnHead { name, kind } = &self.columns[column];
            if let Kind::Other(got) = kind {
                let (path, column, got) = (path.to_owned(), name.clone(), got.clone());
                return Err(TableError::ColumnType { path, column, got }.into());
            }
        }
        Ok(wanted)
    }

    /// The place of a column.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The names of all columns.
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }
}

impl<'a> Cell<'a> {
    /// Text without the spaces around it.
    pub(super) fn of_text(text: &'a str) -> Self {
        match text.trim() {
            "" => Self::Empty,
            text => Self::Text(text),
        }
    }

    pub(super) fn of_bytes(bytes: &'a [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::Bytes(bytes), Self::of_text)
    }

    /// The cell as a name: numbers that are whole without a fraction, others in the shortest form that names them.
    /// Nothing for what is empty or no text.
    pub(crate) fn name(&self) -> Option<Cow<'a, str>> {
        match *self {
            Self::Empty | Self::Bytes(_) => None,
            Self::Integer(integer) => Some(integer.to_string().into()),
            Self::Number(number) => Some(number.to_string().into()),
            Self::Text(text) => Some(text.into()),
        }
    }

    /// The cell as a number, if it is or stands for one; it may be infinite or NaN.
    pub(crate) fn number(&self) -> Option<f64> {
        match *self {
            Self::Empty | Self::Bytes(_) => None,
            Self::Integer(integer) => Some(integer as f64),
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// The cell as people would write it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            cell => cell.name().unwrap_or_default().into_owned(),
        }
    }
}
