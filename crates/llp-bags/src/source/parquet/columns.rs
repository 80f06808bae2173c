//! Whole columns of one row group, as plain vectors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;

/// The values of a column in one row group, or the row of its first null.
pub(crate) enum Column<T> {
    Values(Vec<T>),
    Null { row: usize },
}

impl<T> Column<T> {
    /// The values, or the row of the first null as an error.
    #[cfg(feature = "table")]
    pub(crate) fn into_values(self) -> std::result::Result<Vec<T>, usize> {
        match self {
            Self::Values(values) => Ok(values),
            Self::Null { row } => Err(row),
        }
    }

    fn map<U>(self, convert: impl Fn(T) -> U) -> Column<U> {
        match self {
            Self::Values(values) => Column::Values(values.into_iter().map(convert).collect()),
            Self::Null { row } => Column::Null { row },
        }
    }
}

/// A column of byte strings; they share the memory of their pages.
pub(crate) fn byte_strings(group: &dyn RowGroupReader, column: usize) -> Result<Column<ByteArray>> {
    guarded(|| match group.get_column_reader(column)? {
        ColumnReader::ByteArrayColumnReader(reader) => read(reader),
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
fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
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
        return Ok(Column::Values(values));
    }
    let present = levels.iter().copied().max();
    let row = levels.iter().position(|&level| Some(level) != present);
    Ok(Column::Null { row: row.unwrap_or(0) })
}

/// The schema of the file was checked before: only a damaged file gets here.
fn changed_type() -> ParquetError {
    ParquetError::General("a row group contradicts the schema".to_owned())
}
