//! One interface to tables of every format.

use std::path::{Path, PathBuf};

use super::batch::{Batch, Column, Lines};
use super::error::column_type;
use super::head::{ColumnHead, Format, Head, Kind};
use super::{csv, npy, parquet};
use crate::DataError;

/// Rows of a batch at most.
const N_ROWS_MAX: usize = 1 << 16;
/// Cells of a batch at most, unless a single row has more.
const N_CELLS_MAX: usize = 1 << 20;

/// An open table: its columns are known, no row is read.
pub struct TableReader {
    path: PathBuf,
    head: Head,
    source: Source,
}

enum Source {
    Csv(csv::Source),
    Parquet(Box<parquet::Source>),
    Npy(npy::Source),
}

/// The rows of a table, batch by batch.
pub struct Batches {
    path: PathBuf,
    source: Source,
    n_rows_max: usize,
    wanted: Vec<usize>,
    first_row: usize,
    is_at_end: bool,
}

impl TableReader {
    /// Opens the file at `path` as the ending of its name says.
    ///
    /// # Errors
    /// The file cannot be read, is not what its name says, or names a column twice or not at all.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let (head, source) = match Format::of(path) {
            Some(Format::Csv) => {
                let (head, source) = csv::Source::open(path)?;
                (head, Source::Csv(source))
            }
            Some(Format::Parquet) => {
                let (head, source) = parquet::Source::open(path)?;
                (head, Source::Parquet(Box::new(source)))
            }
            Some(Format::Npy) => {
                let (head, source) = npy::Source::open(path)?;
                (head, Source::Npy(source))
            }
            None => {
                let problem = "cannot tell what it is, expected a name that ends with .csv, .parquet or .npy";
                return Err(DataError::of(path, problem));
            }
        };
        Ok(Self { path: path.to_owned(), head, source })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its columns.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The number of rows, if the file says it before they are read.
    pub fn n_rows_claimed(&self) -> Option<usize> {
        match &self.source {
            Source::Csv(_) => None,
            Source::Parquet(source) => Some(source.n_rows_claimed()),
            Source::Npy(source) => Some(source.n_rows()),
        }
    }

    /// What the file says of a Parquet column in its metadata `key`.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        if let Source::Parquet(source) = &self.source { source.metadata(key) } else { None }
    }

    /// The rows of some columns, given by their places.
    ///
    /// # Errors
    /// A column that cannot be read.
    pub fn batches(self, wanted: &[usize]) -> Result<Batches, DataError> {
        self.batches_of(wanted, N_ROWS_MAX)
    }

    /// As [`batches`](Self::batches), of at most `n_rows_max` rows each: cells may be large.
    ///
    /// # Errors
    /// A column that cannot be read.
    pub fn batches_of(self, wanted: &[usize], n_rows_max: usize) -> Result<Batches, DataError> {
        let Self { path, head, mut source } = self;
        for &column in wanted {
            let ColumnHead { name, kind } = &head.columns[column];
            if let Kind::Other(what) = kind {
                return Err(column_type(&path, name, what));
            }
        }
        if let Source::Parquet(source) = &mut source {
            source.want(wanted);
        }
        Ok(Batches {
            path,
            source,
            n_rows_max: n_rows_max.min(N_CELLS_MAX / wanted.len().max(1)).max(1),
            wanted: wanted.to_vec(),
            first_row: 0,
            is_at_end: wanted.is_empty(),
        })
    }
}

impl Batches {
    fn read(&mut self) -> Result<Option<Batch>, DataError> {
        let (first_row, n_rows_max, mut lines) = (self.first_row, self.n_rows_max, Lines::default());
        let columns = match &mut self.source {
            Source::Csv(source) => source.read(&self.wanted, first_row, n_rows_max, &mut lines)?,
            Source::Parquet(source) => source.read(first_row, n_rows_max)?,
            Source::Npy(source) => source.read(&self.wanted, first_row, n_rows_max)?,
        };
        let n_rows = columns.first().map_or(0, Column::len);
        self.first_row += n_rows;
        let path = self.path.clone();
        Ok((n_rows > 0).then_some(Batch { path, first_row, n_rows, columns, lines }))
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_at_end {
            return None;
        }
        let batch = self.read().transpose();
        self.is_at_end = !matches!(batch, Some(Ok(_)));
        batch
    }
}
