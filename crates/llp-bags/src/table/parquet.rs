//! Parquet files with a flat schema.

use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, Type};
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;

use super::{Header, Place, Table, TableError, id_of_bytes, id_of_number, transpose};
use crate::source::parquet::columns;

pub(super) fn read(path: &Path, ids: &[&'static str]) -> Result<Table, TableError> {
    let file = File::open(path)?;
    let header = Header::new(path, &file.names, ids)?;
    let cells =
        header.ids.iter().map(|&id| file.column(id)?.into_ids(path)).collect::<Result<Vec<_>, _>>()?;
    let numeric = |&column: &usize| file.column(column)?.into_numbers(path, &file.names[column]);
    let columns = header.numeric.iter().map(numeric).collect::<Result<Vec<_>, _>>()?;
    let n_rows = columns[0].len();
    if cells.iter().any(|cells| cells.len() != n_rows) || columns.iter().any(|column| column.len() != n_rows)
    {
        let message = "its columns have different lengths: the file is damaged".to_owned();
        return Err(TableError::Format { path: path.to_owned(), message });
    }
    let names = Some(header.numeric_names(&file.names));
    Ok(Table { path: path.to_owned(), ids: cells, names, values: transpose(&columns) })
}

/// A whole column.
enum Cells {
    Numbers(Vec<f64>),
    Integers(Vec<i64>),
    Text(Vec<ByteArray>),
}

impl Cells {
    fn into_ids(self, path: &Path) -> Result<Vec<String>, TableError> {
        let wrong = |row: usize| Place { path: path.to_owned(), row: row as u64 + 1 };
        match self {
            Self::Numbers(cells) => Ok(cells.into_iter().map(id_of_number).collect()),
            Self::Integers(cells) => Ok(cells.iter().map(ToString::to_string).collect()),
            Self::Text(cells) => cells
                .iter()
                .enumerate()
                .map(|(row, cell)| {
                    id_of_bytes(cell.data()).ok_or_else(|| TableError::Encoding { place: wrong(row) })
                })
                .collect(),
        }
    }

    fn into_numbers(self, path: &Path, column: &str) -> Result<Vec<f64>, TableError> {
        match self {
            Self::Numbers(cells) => Ok(cells),
            Self::Integers(cells) => Ok(cells.into_iter().map(|cell| cell as f64).collect()),
            Self::Text(_) => Err(TableError::ColumnType {
                path: path.to_owned(),
                column: column.to_owned(),
                got: "text: expected numbers".to_owned(),
            }),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(cells) => cells.len(),
            Self::Integers(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }
}

struct File<'a> {
    path: &'a Path,
    reader: SerializedFileReader<std::fs::File>,
    names: Vec<String>,
}

impl<'a> File<'a> {
    fn open(path: &'a Path) -> Result<Self, TableError> {
        let file = fs_err::File::open(path)?.into_file();
        let reader = SerializedFileReader::new(file).map_err(|error| damaged(path, &error))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let names = schema.columns().iter().map(|column| column.path().string()).collect();
        Ok(Self { path, reader, names })
    }

    fn column(&self, column: usize) -> Result<Cells, TableError> {
        let descriptor = self.reader.metadata().file_metadata().schema_descr().column(column);
        let mut all = self.no_cells(&descriptor)?;
        let mut n_rows = 0;
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group).map_err(|error| damaged(self.path, &error))?;
            self.append(&mut all, &*group, column, n_rows)?;
            n_rows = all.len();
        }
        Ok(all)
    }

    /// An empty column of the right kind, or why there is none.
    fn no_cells(&self, column: &ColumnDescriptor) -> Result<Cells, TableError> {
        let (physical, nested) = (column.physical_type(), column.path().parts().len() > 1);
        match physical {
            _ if nested || column.max_rep_level() > 0 => {
                Err(self.wrong_type(column, "nested values: expected text or numbers"))
            }
            Type::BOOLEAN | Type::INT32 | Type::INT64 if is_plain(column) => Ok(Cells::Integers(vec![])),
            Type::FLOAT | Type::DOUBLE => Ok(Cells::Numbers(vec![])),
            Type::BYTE_ARRAY if is_plain(column) => Ok(Cells::Text(vec![])),
            _ => Err(self.wrong_type(column, &format!("{}: expected text or numbers", type_name(column)))),
        }
    }

    fn wrong_type(&self, column: &ColumnDescriptor, got: &str) -> TableError {
        TableError::ColumnType {
            path: self.path.to_owned(),
            column: column.path().string(),
            got: got.to_owned(),
        }
    }

    fn append(
        &self,
        cells: &mut Cells,
        group: &dyn RowGroupReader,
        column: usize,
        first_row: usize,
    ) -> Result<(), TableError> {
        let damaged = |error| damaged(self.path, &error);
        let null = |row| {
            let place = Place { path: self.path.to_owned(), row: (first_row + row + 1) as u64 };
            TableError::EmptyCell { place, column: self.names[column].clone() }
        };
        match cells {
            Cells::Numbers(cells) => {
                cells.extend(columns::floats(group, column).map_err(damaged)?.into_values().map_err(null)?);
            }
            Cells::Integers(cells) => {
                cells.extend(columns::integers(group, column).map_err(damaged)?.into_values().map_err(null)?);
            }
            Cells::Text(cells) => {
                cells.extend(
                    columns::byte_strings(group, column).map_err(damaged)?.into_values().map_err(null)?,
                );
            }
        }
        Ok(())
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
