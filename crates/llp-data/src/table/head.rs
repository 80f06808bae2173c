//! What a table says of its columns before any row is read.

use std::collections::BTreeSet;
use std::path::Path;

use super::names::is_row_numbers;
use crate::DataError;

/// A column, as the file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnHead {
    /// Its name; its number, from 1, in a file without names.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
}

/// What the cells of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers, or truth values.
    Integers,
    /// Any numbers.
    Reals,
    /// Text, or other bytes.
    Text,
    /// Text that may stand for numbers.
    Undeclared,
    /// Nothing that can be read, and what it is instead.
    Other(String),
}

/// The columns of a file, none twice.
#[derive(Debug, Clone)]
pub struct Head {
    /// Whether the file names its columns.
    pub is_named: bool,
    /// All of them.
    pub columns: Vec<ColumnHead>,
    /// Columns that the file calls the index of a data frame.
    pub index_columns: Vec<String>,
}

/// What a file is by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.csv` or `.tsv`.
    Csv,
    /// `.parquet`.
    Parquet,
    /// `.npy`.
    Npy,
}

impl Kind {
    /// Whether the cells are declared as numbers.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integers | Self::Reals)
    }
}

impl Format {
    /// The format that the ending of a file's name says, whether in small or in capital letters.
    pub fn of(path: &Path) -> Option<Self> {
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
    /// Named columns.
    ///
    /// # Errors
    /// A name that is empty, or there twice; the table is at `path`.
    pub fn named(path: &Path, columns: Vec<ColumnHead>) -> Result<Self, DataError> {
        let mut names = BTreeSet::new();
        for (place, ColumnHead { name, .. }) in columns.iter().enumerate() {
            if name.is_empty() {
                return Err(DataError::of(path, format!("column {} has no name", place + 1))
                    .remedy("name it, or write the table without its row numbers (pandas: index=False)"));
            }
            if !names.insert(name) {
                return Err(DataError::of(path, format!("there are two columns {name:?}"))
                    .remedy("rename or remove one"));
            }
        }
        Ok(Self { is_named: true, columns, index_columns: vec![] })
    }

    /// Whether a column is the index of a data frame.
    pub fn is_row_numbers(&self, column: usize) -> bool {
        let name = &self.columns[column].name;
        self.is_named && (is_row_numbers(name) || self.index_columns.contains(name))
    }

    /// The place of a column.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The names of all columns.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }
}
