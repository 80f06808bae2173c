//! One more column of the training split: what bags may be made by.

use std::path::{Path, PathBuf};

use parquet::basic::Type;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use super::ParquetError;
use super::columns::{Column, byte_strings, integers};
use super::layout::Layout;
use crate::BagError;

/// The values of the column `name` of the training split, `[instance]`, as text; integers in decimal.
///
/// # Errors
/// [`BagError::Parquet`] with the file: no such column, one that holds neither text nor integers, nulls.
pub fn column(folder: &Path, name: &str) -> Result<Vec<String>, BagError> {
    let mut values = Vec::new();
    for path in Layout::find(folder)?.train {
        let file = fs_err::File::open(&path).map_err(ParquetError::from)?.into_file();
        Source { path: &path, name }.append(file, &mut values)?;
    }
    Ok(values)
}

struct Source<'a> {
    path: &'a PathBuf,
    name: &'a str,
}

impl Source<'_> {
    fn append(&self, file: std::fs::File, values: &mut Vec<String>) -> Result<(), ParquetError> {
        let reader = SerializedFileReader::new(file).map_err(|source| self.damaged(source))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
        let Some(place) = names.iter().position(|name| name == self.name) else {
            let (path, column) = (self.path.clone(), self.name.to_owned());
            return Err(ParquetError::NoColumn { path, column, found: names });
        };
        let descriptor = schema.column(place);
        if descriptor.max_rep_level() > 0 {
            return Err(self.other_type(format!("repeated {}", descriptor.physical_type())));
        }
        let mut first_row = 0;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(|source| self.damaged(source))?;
            let read = self.read(&*group, place, descriptor.physical_type(), first_row)?;
            first_row += read.len();
            values.extend(read);
        }
        Ok(())
    }

    fn read(
        &self,
        group: &dyn RowGroupReader,
        place: usize,
        kind: Type,
        first_row: usize,
    ) -> Result<Vec<String>, ParquetError> {
        match kind {
            Type::BYTE_ARRAY => {
                let column = byte_strings(group, place).map_err(|source| self.damaged(source))?;
                let texts = self.without_null(column, first_row)?;
                let text = |(at, bytes): (usize, &parquet::data_type::ByteArray)| {
                    let text = std::str::from_utf8(bytes.data()).map(str::to_owned);
                    text.map_err(|_| self.other_type(format!("no text in row {}", first_row + at)))
                };
                texts.iter().enumerate().map(text).collect()
            }
            Type::INT32 | Type::INT64 => {
                let column = integers(group, place).map_err(|source| self.damaged(source))?;
                Ok(self.without_null(column, first_row)?.iter().map(ToString::to_string).collect())
            }
            other => Err(self.other_type(other.to_string())),
        }
    }

    fn without_null<T>(&self, column: Column<T>, first_row: usize) -> Result<Vec<T>, ParquetError> {
        column.into_values().map_err(|row| {
            let (path, column) = (self.path.clone(), self.name.to_owned());
            ParquetError::Null { path, column, row: first_row + row }
        })
    }

    fn other_type(&self, got: String) -> ParquetError {
        let (path, column) = (self.path.clone(), self.name.to_owned());
        ParquetError::ColumnType { path, column, expected: "one text or integer a row", got }
    }

    fn damaged(&self, source: parquet::errors::ParquetError) -> ParquetError {
        ParquetError::Format { path: self.path.clone(), source }
    }
}
