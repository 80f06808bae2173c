//! A table of numbers in memory, with columns that identify its rows.

use std::path::{Path, PathBuf};

use super::batch::{Batch, Cell, Lines};
use super::error::column_type;
use super::head::{Head, Kind};
use super::names::whole_numbers;
use super::reader::TableReader;
use crate::{DataError, Place};

/// A table in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    path: PathBuf,
    ids: Vec<Vec<String>>,      // [identifying column][row]
    names: Option<Vec<String>>, // [numeric column]
    values: Vec<f64>,           // [row, numeric column]
    lines: Lines,
}

impl Table {
    /// Reads a table. The columns `ids` identify rows; all others must be numeric.
    ///
    /// # Errors
    /// The file cannot be read or is not a table, lacks one of `ids`, names a column twice, has no row or no numeric
    /// column; a cell that is empty, or that should be a finite number and is not.
    pub fn read(path: &Path, ids: &[&'static str]) -> Result<Self, DataError> {
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
    ) -> Result<Self, DataError> {
        let reader = TableReader::open(path)?;
        let (id_columns, numeric) = columns(path, reader.head(), ids, choose)?;
        let names = reader.head().names();
        let mut table = Self {
            path: path.to_owned(),
            ids: vec![vec![]; ids.len()],
            names: reader
                .head()
                .is_named
                .then(|| numeric.iter().map(|&column| names[column].clone()).collect()),
            values: vec![],
            lines: Lines::default(),
        };
        for batch in reader.batches(&[id_columns.clone(), numeric.clone()].concat())? {
            let batch = batch?;
            for row in 0..batch.n_rows() {
                for (id, &column) in id_columns.iter().enumerate() {
                    let cell = batch.column(id).cell(row);
                    let may_be_empty = cell == Cell::Empty && may_be_empty.contains(&ids[id]);
                    let name = if may_be_empty { Some("".into()) } else { cell.name() };
                    let name = name.ok_or_else(|| refused(&batch, row, &names[column], cell))?;
                    table.ids[id].push(name.into_owned());
                }
                for (place, &column) in numeric.iter().enumerate() {
                    let cell = batch.column(ids.len() + place).cell(row);
                    let number = cell.number().filter(|number| number.is_finite());
                    table.values.push(number.ok_or_else(|| refused(&batch, row, &names[column], cell))?);
                }
            }
            table.lines.extend(batch.lines());
        }
        if table.values.is_empty() {
            return Err(DataError::no_rows(path));
        }
        table.ids.iter_mut().for_each(|ids| whole_numbers(ids));
        Ok(table)
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
        self.lines.place(&self.path, row)
    }
}

/// The places of the identifying columns, the first ones of a file without names, and of those of numbers.
fn columns(
    path: &Path,
    head: &Head,
    ids: &[&'static str],
    choose: &dyn Fn(&[String]) -> Option<Vec<usize>>,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let find = |(at, name): (usize, &&'static str)| {
        if head.is_named { head.find(name).ok_or(*name) } else { Ok(at) }
    };
    let ids = ids.iter().enumerate().map(find).collect::<Result<Vec<usize>, _>>();
    let ids = ids.map_err(|name| DataError::missing_column(path, name, &head.names()))?;
    if head.columns.len() <= ids.len() {
        return Err(DataError::of(path, "there is no column besides those that identify rows"));
    }
    let chosen = if head.is_named { choose(&head.names()) } else { None };
    let is_chosen = |column: &usize| chosen.as_ref().is_none_or(|chosen| chosen.contains(column));
    let is_numeric =
        |column: &usize| !ids.contains(column) && is_chosen(column) && !head.is_row_numbers(*column);
    let numeric: Vec<usize> = (0..head.columns.len()).filter(is_numeric).collect();
    match numeric.iter().find(|&&column| head.columns[column].kind == Kind::Text) {
        Some(&column) => Err(column_type(path, &head.columns[column].name, "text: expected numbers")),
        None => Ok((ids, numeric)),
    }
}

/// Why a cell is neither a name nor a finite number.
fn refused(batch: &Batch, row: usize, column: &str, cell: Cell<'_>) -> DataError {
    let place = batch.place(row);
    match cell {
        Cell::Empty => DataError::empty_cell(place, column),
        Cell::Bytes(_) => DataError::not_text(place),
        cell => DataError::not_a_number(place, column, &cell.shown()),
    }
}
