//! Cells of a column of a row group, some rows at a time.

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::{ParquetError, Result};

use super::stored::{Stored, big_endian, decimal, half_of};
use crate::table::batch::Column;

/// Reads at most `n_rows_max` rows of a column that is not repeated; `present` is the level of a value that is there.
pub(super) fn read(
    reader: &mut ColumnReader,
    stored: Stored,
    present: i16,
    n_rows_max: usize,
) -> Result<Column> {
    use ColumnReader::{
        BoolColumnReader, ByteArrayColumnReader, DoubleColumnReader, FixedLenByteArrayColumnReader,
        FloatColumnReader, Int32ColumnReader, Int64ColumnReader,
    };
    let integer = |number: i64| match stored {
        Stored::Unsigned { n_bits: 32 } => i128::from(number as u32),
        Stored::Unsigned { .. } => i128::from(number as u64),
        _ => i128::from(number),
    };
    let numbers = |cells: Cells<i128>| match stored {
        Stored::Decimal { scale } if scale > 0 => {
            Column::reals(cells.map(|number| number.map(|number| decimal(number, scale))))
        }
        _ => Column::integers(cells),
    };
    Ok(match (reader, stored) {
        (ByteArrayColumnReader(reader), Stored::Text) => {
            let mut column = Column::text();
            for cell in values(reader, present, n_rows_max)? {
                column.push(cell.as_ref().map(ByteArray::data));
            }
            column
        }
        (ByteArrayColumnReader(reader), Stored::Decimal { .. }) => {
            numbers(converted(values(reader, present, n_rows_max)?, |bytes| big_endian(bytes.data())))
        }
        (FixedLenByteArrayColumnReader(reader), Stored::Decimal { .. }) => {
            numbers(converted(values(reader, present, n_rows_max)?, |bytes| big_endian(bytes.data())))
        }
        (FixedLenByteArrayColumnReader(reader), Stored::Half) => {
            Column::reals(values(reader, present, n_rows_max)?.map(|bytes| Some(half_of(bytes?.data()))))
        }
        (DoubleColumnReader(reader), Stored::Real) => Column::reals(values(reader, present, n_rows_max)?),
        (FloatColumnReader(reader), Stored::Real) => {
            Column::reals(values(reader, present, n_rows_max)?.map(|number| number.map(f64::from)))
        }
        (Int64ColumnReader(reader), _) => numbers(converted(values(reader, present, n_rows_max)?, integer)),
        (Int32ColumnReader(reader), _) => {
            numbers(converted(values(reader, present, n_rows_max)?, |number| integer(number.into())))
        }
        (BoolColumnReader(reader), _) => {
            numbers(converted(values(reader, present, n_rows_max)?, |truth| integer(truth.into())))
        }
        _ => return Err(contradiction()),
    })
}

type Cells<'a, T> = Box<dyn Iterator<Item = Option<T>> + 'a>;

fn converted<'a, T: 'a, U>(cells: Cells<'a, T>, convert: impl Fn(T) -> U + 'a) -> Cells<'a, U> {
    Box::new(cells.map(move |cell| cell.map(&convert)))
}

/// The value of each row, if it has one.
fn values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    present: i16,
    n_rows_max: usize,
) -> Result<Cells<'static, T::T>> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (n_rows, n_values, _) = reader.read_records(n_rows_max, Some(&mut levels), None, &mut values)?;
    if n_values == n_rows && values.len() == n_rows {
        return Ok(Box::new(values.into_iter().map(Some)));
    }
    let n_present = levels.iter().filter(|&&level| level == present).count();
    if levels.len() != n_rows || n_present != values.len() {
        return Err(contradiction());
    }
    let mut values = values.into_iter();
    Ok(Box::new(levels.into_iter().map(move |level| if level == present { values.next() } else { None })))
}

/// The schema of the file was checked before: only a damaged file gets here.
fn contradiction() -> ParquetError {
    ParquetError::General("a row group contradicts the schema".to_owned())
}

/// The numbers of lists, row by row; NaN where there is none.
pub(super) struct Lists {
    numbers: Vec<f64>,
    starts: Vec<usize>, // [row], and the end of the last
}

impl Lists {
    /// Reads at most `n_rows_max` lists.
    pub(super) fn read(reader: &mut ColumnReader, present: i16, n_rows_max: usize) -> Result<Self> {
        match reader {
            ColumnReader::FloatColumnReader(reader) => lists(reader, present, n_rows_max, f64::from),
            ColumnReader::DoubleColumnReader(reader) => lists(reader, present, n_rows_max, |real| real),
            ColumnReader::Int32ColumnReader(reader) => lists(reader, present, n_rows_max, f64::from),
            ColumnReader::Int64ColumnReader(reader) => {
                lists(reader, present, n_rows_max, |number| number as f64)
            }
            ColumnReader::BoolColumnReader(reader) => {
                lists(reader, present, n_rows_max, |truth| f64::from(u8::from(truth)))
            }
            _ => Err(contradiction()),
        }
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The numbers of a row; a list that is missing has one NaN.
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.numbers[self.starts[row]..self.starts[row + 1]]
    }

    /// A number of every row, where all lists have one length.
    pub(super) fn column(&self, part: usize) -> Column {
        Column::reals((0..self.len()).map(|row| Some(self.row(row).get(part).copied().unwrap_or(f64::NAN))))
    }

    /// The first row whose list is there and has another length.
    pub(super) fn misfit(&self, len: usize) -> Option<usize> {
        (0..self.len()).find(|&row| {
            let numbers = self.row(row);
            numbers.len() != len && !(numbers.len() == 1 && numbers[0].is_nan())
        })
    }
}

fn lists<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    present: i16,
    n_rows_max: usize,
    number: impl Fn(T::T) -> f64,
) -> Result<Lists> {
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    reader.read_records(n_rows_max, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
    let mut values = values.into_iter();
    let (mut numbers, mut starts) = (Vec::with_capacity(repetitions.len()), Vec::new());
    for (at, repetition) in repetitions.into_iter().enumerate() {
        if repetition == 0 {
            starts.push(numbers.len());
        }
        let is_present = definitions.get(at).is_none_or(|&definition| definition == present);
        numbers.push(if is_present { values.next().map_or(f64::NAN, &number) } else { f64::NAN });
    }
    starts.push(numbers.len());
    Ok(Lists { numbers, starts })
}
