//! Parquet files: flat columns of text and numbers, and byte strings in structs.

use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;

use super::TableError;
use super::scan::{Cell, ColumnHead, Head, Kind, Sink};
use crate::source::parquet::class_names::class_names;
use crate::source::parquet::columns;

/// Columns of structs have the names of the fields on the way, `image.bytes`.
pub(super) fn scan<S: Sink>(path: &Path, sink: &mut S) -> Result<(), S::Error> {
    let reader = open(path)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let head = Head::named(path, schema.columns().iter().map(|column| head_of(column)).collect())?;
    let wanted = head.wanted(path, sink)?;
    let mut first_row = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| damaged(path, &error))?;
        let mut n_rows = None;
        for &column in &wanted {
            let column = Column { path, group: &*group, place: column, first_row };
            let got = column.scan(schema.column(column.place).physical_type(), sink)?;
            if *n_rows.get_or_insert(got) != got {
                let message = "its columns have different lengths: the file is damaged".to_owned();
                return Err(TableError::Format { path: path.to_owned(), message }.into());
            }
        }
        first_row += n_rows.unwrap_or(0);
    }
    Ok(())
}

/// The names of the classes that the integers of the column `label` stand for, if the file tells them.
pub(crate) fn label_names(path: &Path) -> Result<Option<Vec<String>>, TableError> {
    let reader = open(path)?;
    class_names(reader.metadata().file_metadata().key_value_metadata(), "label").map_err(|error| {
        let message = format!("the class names in its metadata `huggingface` cannot be read: {error}");
        TableError::Format { path: path.to_owned(), message }
    })
}

fn open(path: &Path) -> Result<SerializedFileReader<std::fs::File>, TableError> {
    let file = fs_err::File::open(path)?.into_file();
    SerializedFileReader::new(file).map_err(|error| damaged(path, &error))
}

/// A column of a row group.
struct Column<'a> {
    path: &'a Path,
    group: &'a dyn RowGroupReader,
    place: usize,
    first_row: usize,
}

impl Column<'_> {
    /// The number of rows.
    fn scan<S: Sink>(&self, kind: Type, sink: &mut S) -> Result<usize, S::Error> {
        let (group, place) = (self.group, self.place);
        match kind {
            Type::BYTE_ARRAY => {
                let cells =
                    columns::byte_strings(group, place).map_err(|error| damaged(self.path, &error))?;
                self.tell(
                    sink,
                    cells.cells().map(|cell| cell.map_or(Cell::Empty, |bytes| Cell::of_bytes(bytes.data()))),
                )
            }
            Type::FLOAT | Type::DOUBLE => {
                let cells = columns::floats(group, place).map_err(|error| damaged(self.path, &error))?;
                self.tell(
                    sink,
                    cells.cells().map(|cell| cell.map_or(Cell::Empty, |&number| Cell::Number(number))),
                )
            }
            _ => {
                let cells = columns::integers(group, place).map_err(|error| damaged(self.path, &error))?;
                let integer = |&integer: &i64| Cell::Integer(i128::from(integer));
                self.tell(sink, cells.cells().map(|cell| cell.map_or(Cell::Empty, integer)))
            }
        }
    }

    fn tell<'c, S: Sink>(
        &self,
        sink: &mut S,
        cells: impl Iterator<Item = Cell<'c>>,
    ) -> Result<usize, S::Error> {
        let mut n_rows = 0;
        for cell in cells {
            sink.cell(self.place, self.first_row + n_rows, cell)?;
            n_rows += 1;
        }
        Ok(n_rows)
    }
}

fn head_of(column: &ColumnDescriptor) -> ColumnHead {
    ColumnHead { name: column.path().string(), kind: kind_of(column) }
}

fn kind_of(column: &ColumnDescriptor) -> Kind {
    let is_nested = column.path().parts().len() > 1;
    match column.physical_type() {
        Type::BYTE_ARRAY if is_nested && column.max_rep_level() == 0 => Kind::Text,
        _ if is_nested || column.max_rep_level() > 0 => {
            Kind::Other("nested values: expected text or numbers".to_owned())
        }
        Type::BOOLEAN | Type::INT32 | Type::INT64 if is_plain(column) => Kind::Numbers,
        Type::FLOAT | Type::DOUBLE => Kind::Numbers,
        Type::BYTE_ARRAY if is_plain(column) => Kind::Text,
        _ => Kind::Other(format!("{}: expected text or numbers", type_name(column))),
    }
}

/// Text and numbers as such, not dates, decimals or times that are stored as them, nor integers that do not fit `i64`
/// as they are stored.
fn is_plain(column: &ColumnDescriptor) -> bool {
    use LogicalType::{Enum, Integer, Json, String};
    match column.logical_type_ref() {
        Some(Integer(kind)) => kind.is_signed || kind.bit_width < 32,
        Some(String | Enum | Json) => true,
        Some(_) => false,
        None => matches!(
            column.converted_type(),
            ConvertedType::NONE
                | ConvertedType::UTF8
                | ConvertedType::ENUM
                | ConvertedType::JSON
                | ConvertedType::INT_8
                | ConvertedType::INT_16
                | ConvertedType::INT_32
                | ConvertedType::INT_64
                | ConvertedType::UINT_8
                | ConvertedType::UINT_16
        ),
    }
}

fn type_name(column: &ColumnDescriptor) -> String {
    column
        .logical_type_ref()
        .map_or_else(|| column.physical_type().to_string(), |logical| format!("{logical:?}"))
}

fn damaged(path: &Path, error: &ParquetError) -> TableError {
    TableError::Format { path: path.to_owned(), message: format!("not a Parquet file, or damaged: {error}") }
}
