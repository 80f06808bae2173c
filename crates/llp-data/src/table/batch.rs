//! Some rows of a table, column by column.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::Place;

/// Rows of a table that follow each other.
#[derive(Debug)]
pub struct Batch {
    pub(super) path: PathBuf,
    pub(super) first_row: usize,
    pub(super) n_rows: usize,
    pub(super) columns: Vec<Column>,
    pub(super) lines: Lines,
}

/// A column of a batch: typed values, and a bitmap of the cells that have none.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    values: Values,
    missing: Bitmap,
}

/// The values of a column, `[row]`; where a cell is missing, anything.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    Integers(Vec<i128>),
    Reals(Vec<f64>),
    /// Text, or other bytes: all of them, and the end of each.
    Bytes(Vec<u8>, Vec<usize>),
}

/// Bits, all 0 but those that were set.
#[derive(Debug, Clone, Default, PartialEq)]
struct Bitmap(Vec<u64>);

/// The lines of a text file on which its rows begin; nothing for other files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lines(Vec<(usize, u64)>); // a row and its line, wherever that does not follow the line before

/// One value. Text has no spaces around it and is not empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Empty,
    /// A whole number.
    Integer(i128),
    /// Any number; infinite and NaN are possible.
    Number(f64),
    /// Text.
    Text(&'a str),
    /// Bytes that are no UTF-8 text.
    Bytes(&'a [u8]),
}

/// A number as a file holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exact {
    /// A whole number.
    Integer(i128),
    /// Any number.
    Real(f64),
}

/// Texts that programs write for a number that is not known.
const MISSING: [&str; 10] = ["NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None", "NaN", "nan"];

impl Batch {
    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// A column, by its place among those that were asked for.
    ///
    /// # Panics
    /// If there is no such column, as for a slice.
    pub fn column(&self, place: usize) -> &Column {
        &self.columns[place]
    }

    /// The columns, in the order in which they were asked for.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The lines of its rows; rows are counted from 0 in the whole file.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Where a row is, which is counted from 0 in the batch.
    pub fn place(&self, row: usize) -> Place {
        self.lines.place(&self.path, self.first_row + row)
    }
}

impl Lines {
    /// Says on which line the next row begins.
    pub(super) fn push(&mut self, row: usize, line: u64) {
        if self.of(row) != Some(line) {
            self.0.push((row, line));
        }
    }

    /// The same with those of the rows after.
    pub fn extend(&mut self, after: &Self) {
        for &(row, line) in &after.0 {
            self.push(row, line);
        }
    }

    /// The line of a row, if rows have lines.
    fn of(&self, row: usize) -> Option<u64> {
        let last = self.0.partition_point(|&(first, _)| first <= row).checked_sub(1)?;
        let (first, line) = self.0[last];
        Some(line + (row - first) as u64)
    }

    /// Where a row of the file at `path` is; rows are counted from 0.
    pub fn place(&self, path: &Path, row: usize) -> Place {
        Place { path: path.to_owned(), row: row as u64 + 1, line: self.of(row) }
    }
}

impl Bitmap {
    fn set(&mut self, bit: usize) {
        if self.0.len() <= bit / 64 {
            self.0.resize(bit / 64 + 1, 0);
        }
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    fn get(&self, bit: usize) -> bool {
        self.0.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }
}

impl Column {
    /// A column of whole numbers.
    pub fn integers(cells: impl IntoIterator<Item = Option<i128>>) -> Self {
        let mut missing = Bitmap::default();
        let value = |(row, cell): (usize, Option<i128>)| cell.unwrap_or_else(|| missed(&mut missing, row, 0));
        let values = Values::Integers(cells.into_iter().enumerate().map(value).collect());
        Self { values, missing }
    }

    /// A column of any numbers.
    pub fn reals(cells: impl IntoIterator<Item = Option<f64>>) -> Self {
        let mut missing = Bitmap::default();
        let value =
            |(row, cell): (usize, Option<f64>)| cell.unwrap_or_else(|| missed(&mut missing, row, 0.0));
        let values = Values::Reals(cells.into_iter().enumerate().map(value).collect());
        Self { values, missing }
    }

    /// A column of texts, or of other bytes.
    pub fn bytes<'a>(cells: impl IntoIterator<Item = Option<&'a [u8]>>) -> Self {
        let mut column = Self::text();
        for cell in cells {
            column.push(cell);
        }
        column
    }

    /// A column of texts without rows.
    pub(super) fn text() -> Self {
        Self { values: Values::Bytes(vec![], vec![]), missing: Bitmap::default() }
    }

    /// Adds a text.
    pub(super) fn push(&mut self, cell: Option<&[u8]>) {
        if let Values::Bytes(bytes, ends) = &mut self.values {
            match cell {
                Some(cell) => bytes.extend_from_slice(cell),
                None => self.missing.set(ends.len()),
            }
            ends.push(bytes.len());
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Integers(values) => values.len(),
            Values::Reals(values) => values.len(),
            Values::Bytes(_, ends) => ends.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a cell as they are, if it has some.
    ///
    /// # Panics
    /// If there is no such row, as for a slice.
    pub fn raw(&self, row: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Bytes(bytes, ends) if !self.missing.get(row) => {
                let start = if row == 0 { 0 } else { ends[row - 1] };
                Some(&bytes[start..ends[row]])
            }
            _ => None,
        }
    }

    /// A cell.
    ///
    /// # Panics
    /// If there is no such row, as for a slice.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        match &self.values {
            _ if self.missing.get(row) => Cell::Empty,
            Values::Integers(values) => Cell::Integer(values[row]),
            Values::Reals(values) => Cell::Number(values[row]),
            Values::Bytes(..) => self.raw(row).map_or(Cell::Empty, Cell::of_bytes),
        }
    }

    /// All cells, `[row]`.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        (0..self.len()).map(|row| self.cell(row))
    }
}

fn missed<T>(missing: &mut Bitmap, row: usize, value: T) -> T {
    missing.set(row);
    value
}

impl Exact {
    /// Whether it is neither infinite nor NaN.
    pub fn is_finite(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Real(real) => real.is_finite(),
        }
    }
}

impl<'a> Cell<'a> {
    /// Text without the spaces around it.
    pub fn of_text(text: &'a str) -> Self {
        match text.trim() {
            "" => Self::Empty,
            text => Self::Text(text),
        }
    }

    fn of_bytes(bytes: &'a [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::Bytes(bytes), Self::of_text)
    }

    /// The cell as a name: numbers that are whole without a fraction, others in the shortest form that names them.
    /// Returns `None` for what is empty or no text.
    pub fn name(&self) -> Option<Cow<'a, str>> {
        match *self {
            Self::Empty | Self::Bytes(_) => None,
            Self::Integer(integer) => Some(integer.to_string().into()),
            Self::Number(number) => Some(number.to_string().into()),
            Self::Text(text) => Some(text.into()),
        }
    }

    /// The cell as a number, if it is or stands for one; it may be infinite or NaN.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Empty | Self::Bytes(_) => None,
            Self::Integer(integer) => Some(integer as f64),
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// The cell as a number with all its digits, if it is or stands for one, or for a truth value if `or_truth` is set.
    pub fn exact(&self, or_truth: bool) -> Option<Exact> {
        match *self {
            Self::Empty | Self::Bytes(_) => None,
            Self::Integer(integer) => Some(Exact::Integer(integer)),
            Self::Number(number) => Some(Exact::Real(number)),
            Self::Text(text) => {
                let integer = text.parse().ok().map(|integer: i64| Exact::Integer(integer.into()));
                let real = || text.parse().ok().map(Exact::Real);
                let truth = || self.truth().filter(|_| or_truth).map(|truth| Exact::Integer(truth.into()));
                integer.or_else(real).or_else(truth)
            }
        }
    }

    /// The truth value that a text stands for.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Text("true" | "True" | "TRUE") => Some(true),
            Self::Text("false" | "False" | "FALSE") => Some(false),
            _ => None,
        }
    }

    /// Whether it is a text that stands for a number that is not known.
    pub fn stands_for_missing(&self) -> bool {
        matches!(self, Self::Text(text) if MISSING.contains(text))
    }

    /// Whether there is no value: an empty cell, or a number that is none, as pandas writes it.
    pub fn is_missing(&self) -> bool {
        match *self {
            Self::Number(number) => number.is_nan(),
            cell => cell == Self::Empty,
        }
    }

    /// The cell as people would write it.
    pub fn shown(&self) -> String {
        match self {
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            cell => cell.name().unwrap_or_default().into_owned(),
        }
    }
}
