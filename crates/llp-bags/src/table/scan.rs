//! A table cell by cell, whatever its format: what is kept of a cell is up to who reads.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use super::names::is_row_numbers;
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
    /// Columns that the file calls the index of a data frame.
    pub(crate) index_columns: Vec<String>,
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

/// A number as a file holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Exact {
    Integer(i128),
    Real(f64),
}

impl Exact {
    pub(crate) fn is_finite(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Real(real) => real.is_finite(),
        }
    }
}

/// Texts that programs write for a number that is not known.
const MISSING: [&str; 10] = ["NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None", "NaN", "nan"];

/// Receives the cells of a file.
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
    match Format::of(path) {
        Some(Format::Csv) => csv::scan(path, sink),
        Some(Format::Parquet) => parquet::scan(path, sink),
        Some(Format::Npy) => npy::scan(path, sink),
        None => Err(TableError::Ending { path: path.to_owned() }.into()),
    }
}

/// What a file is by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Parquet,
    Npy,
}

impl Format {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            "npy" => Some(Self::Npy),
            _ => None,
        }
    }
}

impl Head {
    pub(crate) fn named(path: &Path, columns: Vec<ColumnHead>) -> Result<Self, TableError> {
        let mut names = BTreeSet::new();
        for (place, ColumnHead { name, .. }) in columns.iter().enumerate() {
            if name.is_empty() {
                return Err(TableError::UnnamedColumn { path: path.to_owned(), column: place + 1 });
            }
            if !names.insert(name) {
                return Err(TableError::RepeatedColumn { path: path.to_owned(), column: name.clone() });
            }
        }
        Ok(Self { is_named: true, columns, index_columns: vec![] })
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

    /// Whether a column is the index of a data frame.
    pub(crate) fn is_row_numbers(&self, column: usize) -> bool {
        let name = &self.columns[column].name;
        self.is_named && (is_row_numbers(name) || self.index_columns.contains(name))
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
    pub(crate) fn of_text(text: &'a str) -> Self {
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

    /// The cell as a number with all its digits, if it is or stands for one, or for a truth value.
    pub(crate) fn exact(&self) -> Option<Exact> {
        match *self {
            Self::Empty | Self::Bytes(_) => None,
            Self::Integer(integer) => Some(Exact::Integer(integer)),
            Self::Number(number) => Some(Exact::Real(number)),
            Self::Text(text) => {
                let integer = text.parse().ok().map(|integer: i64| Exact::Integer(integer.into()));
                let real = || text.parse().ok().map(Exact::Real);
                let truth = || self.truth().map(|truth| Exact::Integer(truth.into()));
                integer.or_else(real).or_else(truth)
            }
        }
    }

    /// The truth value that a text stands for.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::Text("true" | "True" | "TRUE") => Some(true),
            Self::Text("false" | "False" | "FALSE") => Some(false),
            _ => None,
        }
    }

    /// Whether it is a text that stands for a number that is not known.
    pub(crate) fn stands_for_missing(&self) -> bool {
        matches!(self, Self::Text(text) if MISSING.contains(text))
    }

    /// Whether there is no value: an empty cell, or a number that is none, as pandas writes it.
    pub(crate) fn is_missing(&self) -> bool {
        match *self {
            Self::Number(number) => number.is_nan(),
            cell => cell == Self::Empty,
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
