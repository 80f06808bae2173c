//! Whole columns of one row group, as plain vectors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;

/// The values of a column in one row group, and where it has none.
pub(crate) struct Column<T> {
    values: Vec<T>,                // without the nulls
    is_present: Option<Vec<bool>>, // [row]; all are if there is nothing
}

impl<T> Column<T> {
    /// The values, or the row of the first null as an error.
    pub(crate) fn into_values(self) -> std::result::Result<Vec<T>, usize> {
        match self.is_present {
            None => Ok(self.values),
            Some(rows) => Err(rows.iter().position(|is_present| !is_present).unwrap_or(0)),
        }
    }

    /// Whether a row has no value.
    pub(crate) fn has_nulls(&self) -> bool {
        self.is_present.is_some()
    }

    /// The value of each row.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Option<&T>> {
        let n_rows = self.is_present.as_ref().map_or(self.values.len(), Vec::len);
        let mut values = self.values.iter();
        let is_present = |row: usize| self.is_present.as_ref().is_none_or(|rows| rows[row]);
        (0..n_rows).map(move |row| if is_present(row) { values.next() } else { None })
    }

    pub(crate) fn map<U>(self, convert: impl Fn(T) -> U) -> Column<U> {
        Column { values: self.values.into_iter().map(convert).collect(), is_present: self.is_present }
    }
}

/// A column of byte strings; they share the memory of their pages.
pub(crate) fn byte_strings(group: &dyn RowGroupReader, column: usize) -> Result<Column<ByteArray>> {
    guarded(|| match group.get_column_reader(column)? {
        ColumnReader::ByteArrayColumnReader(reader) => read(reader),
        _ => Err(changed_type()),
    })
}

/// A column of byte strings that all have one length.
#[cfg(feature = "table")]
pub(crate) fn fixed_byte_strings(group: &dyn RowGroupReader, column: usize) -> Result<Column<ByteArray>> {
    guarded(|| match group.get_column_reader(column)? {
        ColumnReader::FixedLenByteArrayColumnReader(reader) => Ok(read(reader)?.map(ByteArray::from)),
        _ => Err(changed_type()),
    })
}

/// A column of integers of 32 or 64 bits, or of booleans, as 0 and 1.
pub(crate) fn integers(group: &dyn RowGroupReader, column: usize) -> Result<Column<i64>> {
    guarded(|| match group.get_column_reader(column)? {
        ColumnReader::Int64ColumnReader(reader) => read(reader),
        ColumnReader::Int32ColumnReader(reader) => Ok(read(reader)?.map(i64::from)),
        ColumnReader::BoolColumnReader(reader) => Ok(read(reader)?.map(i64::from)),
        _ => Err(changed_type()),
    })
}

/// A column of floating point numbers of 32 or 64 bits.
pub(crate) fn floats(group: &dyn RowGroupReader, column: usize) -> Result<Column<f64>> {
    guarded(|| match group.get_column_reader(column)? {
        ColumnReader::DoubleColumnReader(reader) => read(reader),
        ColumnReader::FloatColumnReader(reader) => Ok(read(reader)?.map(f64::from)),
        _ => Err(changed_type()),
    })
}

/// Turns a panic into an error: the parquet crate asserts what a damaged page or offset breaks, and the test
/// `changed_bytes_do_not_panic` meets such bytes (with parquet 60.1, it fails without this guard). Nothing outlives the
/// panic but the immutable file, so no half-changed state is seen.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    GUARDED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(false);
    outcome.unwrap_or_else(|_| Err(ParquetError::General("its pages contradict its metadata".to_owned())))
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread, now, would become an error of damaged data: for the panic hook of a program, which
/// should not report it as well.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Reads to the end. The column is not repeated, so that there is one definition level for each row, if there are any.
fn read<T: DataType>(mut reader: ColumnReaderImpl<T>) -> Result<Column<T::T>> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (n_rows, n_values, _) = reader.read_records(usize::MAX, Some(&mut levels), None, &mut values)?;
    if n_values == n_rows {
        return Ok(Column { values, is_present: None });
    }
    let present = levels.iter().copied().max().filter(|_| n_values > 0);
    let is_present: Vec<bool> = levels.iter().map(|&level| Some(level) == present).collect();
    if is_present.iter().filter(|&&is_present| is_present).count() != n_values {
        return Err(changed_type());
    }
    Ok(Column { values, is_present: Some(is_present) })
}

/// The schema of the file was checked before: only a damaged file gets here.
fn changed_type() -> ParquetError {
    ParquetError::General("a row group contradicts the schema".to_owned())
}
