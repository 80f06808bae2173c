//! Columns of lists that all have one length: as many columns of numbers.

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::DataType;
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::reader::RowGroupReader;
use ::parquet::schema::types::ColumnDescriptor;

use crate::source::parquet::columns::guarded;

/// Lists longer than this are refused.
pub(super) const LEN_MAX: usize = 1 << 20;

/// The numbers of lists, row by row; NaN where there is none.
pub(super) struct Lists {
    numbers: Vec<f64>,
    starts: Vec<usize>, // [row], and the end of the last
}

impl Lists {
    /// Reads the lists of a row group, at most `n_rows_max` of them.
    pub(super) fn read(
        group: &dyn RowGroupReader,
        place: usize,
        column: &ColumnDescriptor,
        n_rows_max: usize,
    ) -> Result<Self> {
        let present = column.max_def_level();
        guarded(|| match group.get_column_reader(place)? {
            ColumnReader::FloatColumnReader(reader) => read(reader, present, n_rows_max, f64::from),
            ColumnReader::DoubleColumnReader(reader) => read(reader, present, n_rows_max, |real| real),
            ColumnReader::Int32ColumnReader(reader) => read(reader, present, n_rows_max, f64::from),
            ColumnReader::Int64ColumnReader(reader) => {
                read(reader, present, n_rows_max, |integer| integer as f64)
            }
            ColumnReader::BoolColumnReader(reader) => {
                read(reader, present, n_rows_max, |truth| f64::from(u8::from(truth)))
            }
            _ => Err(ParquetError::General("a row group contradicts the schema".to_owned())),
        })
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The numbers of a row; a list that is missing has one NaN.
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.numbers[self.starts[row]..self.starts[row + 1]]
    }

    /// A number of a row, where all lists have one length.
    pub(super) fn number(&self, row: usize, part: usize) -> f64 {
        self.row(row).get(part).copied().unwrap_or(f64::NAN)
    }

    /// The first row whose list is there and has another length.
    pub(super) fn misfit(&self, len: usize) -> Option<usize> {
        (0..self.len()).find(|&row| {
            let numbers = self.row(row);
            numbers.len() != len && !(numbers.len() == 1 && numbers[0].is_nan())
        })
    }
}

fn read<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
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
