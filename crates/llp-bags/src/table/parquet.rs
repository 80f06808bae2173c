//! Parquet files: flat columns of text and numbers, lists of numbers, and byte strings in structs.

mod lists;
mod stored;

use std::path::Path;

use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::TableError;
use super::scan::{Cell, ColumnHead, Head, Kind, Sink};
use crate::source::parquet::class_names::class_names;
use lists::{LEN_MAX, Lists};
use stored::{Stored, Values};

/// Columns of structs have the names of the fields on the way, `image.bytes`; the numbers of a list are `NAME[0]`,
/// `NAME[1]` and so on.
pub(super) fn scan<S: Sink>(path: &Path, sink: &mut S) -> Result<(), S::Error> {
    let reader = open(path)?;
    let metadata = reader.metadata().file_metadata();
    let schema = metadata.schema_descr();
    let leaves = leaves(path, &reader)?;
    let heads = leaves.iter().flat_map(Leaf::heads).collect();
    let head =
        Head { index_columns: index_columns(metadata.key_value_metadata()), ..Head::named(path, heads)? };
    let mut wanted = head.wanted(path, sink)?;
    wanted.sort_unstable();
    let mut first_row = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| damaged(path, error))?;
        let (mut n_rows, mut first_column) = (None, 0);
        for leaf in &leaves {
            let columns = first_column..first_column + leaf.n_columns();
            first_column = columns.end;
            let start = wanted.partition_point(|&column| column < columns.start);
            let end = wanted.partition_point(|&column| column < columns.end);
            let wanted = &wanted[start..end];
            if wanted.is_empty() {
                continue;
            }
            let part = Part { path, group: &*group, schema, leaf, first_column: columns.start, first_row };
            let got = part.scan(wanted, sink)?;
            if *n_rows.get_or_insert(got) != got {
                let message = "its columns have different lengths: the file is damaged".to_owned();
                return Err(TableError::Format { path: path.to_owned(), message }.into());
            }
        }
        first_row += n_rows.unwrap_or(0);
    }
    Ok(())
}

/// The names of the classes that the integers of the column `label` stand for, if the file has them.
pub(crate) fn label_names(path: &Path) -> Result<Option<Vec<String>>, TableError> {
    let reader = open(path)?;
    class_names(reader.metadata().file_metadata().key_value_metadata(), "label").map_err(|error| {
        let message = format!("the class names in its metadata `huggingface` cannot be read: {error}");
        TableError::Format { path: path.to_owned(), message }
    })
}

/// The columns that pandas says are the index of its frame; its row numbers have no column.
fn index_columns(metadata: Option<&Vec<KeyValue>>) -> Vec<String> {
    let pandas = metadata.into_iter().flatten().find(|entry| entry.key == "pandas");
    let value =
        pandas.and_then(|entry| serde_json::from_str::<serde_json::Value>(entry.value.as_deref()?).ok());
    let columns = value.as_ref().and_then(|value| value["index_columns"].as_array());
    columns.into_iter().flatten().filter_map(|column| column.as_str().map(str::to_owned)).collect()
}

fn open(path: &Path) -> Result<SerializedFileReader<std::fs::File>, TableError> {
    let file = fs_err::File::open(path)?.into_file();
    SerializedFileReader::new(file).map_err(|error| damaged(path, error))
}

/// A column of the file: one of a table, or of lists, as many as the lists are long.
struct Leaf {
    name: String,
    place: usize,
    stored: Result<Stored, String>, // else what it holds
    list_len: Option<usize>,
}

fn leaves(path: &Path, reader: &SerializedFileReader<std::fs::File>) -> Result<Vec<Leaf>, TableError> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let leaf = |place: usize| {
        let column = schema.column(place);
        let stored = Stored::of(&column);
        if column.max_rep_level() == 0 {
            return Ok(Leaf { name: column.path().string(), place, stored, list_len: None });
        }
        let name = column.path().parts()[0].clone();
        let is_list = column.max_rep_level() == 1 && column.path().parts().len() <= 3;
        match stored {
            Ok(stored @ (Stored::Real | Stored::Signed)) if is_list => {
                let len = list_len(path, reader, place, &column)?;
                let stored = if (1..=LEN_MAX).contains(&len) {
                    Ok(stored)
                } else {
                    Err("lists that are empty: write as many numbers in every row".to_owned())
                };
                Ok(Leaf { name, place, stored, list_len: Some(len) })
            }
            _ => {
                let what = "lists of something other than numbers: write a column for each value".to_owned();
                Ok(Leaf { name: column.path().string(), place, stored: Err(what), list_len: None })
            }
        }
    };
    (0..schema.num_columns()).map(leaf).collect()
}

/// The length of the first list; 0 if there is none.
fn list_len(
    path: &Path,
    reader: &SerializedFileReader<std::fs::File>,
    place: usize,
    column: &ColumnDescriptor,
) -> Result<usize, TableError> {
    if reader.num_row_groups() == 0 {
        return Ok(0);
    }
    let group = reader.get_row_group(0).map_err(|error| damaged(path, error))?;
    let lists = Lists::read(&*group, place, column, 1).map_err(|error| damaged(path, error))?;
    Ok(if lists.len() == 0 { 0 } else { lists.row(0).len() })
}

impl Leaf {
    /// The columns of the table, at least one.
    fn heads(&self) -> Vec<ColumnHead> {
        let kind = match &self.stored {
            Ok(stored) if stored.is_number() => Kind::Numbers,
            Ok(_) => Kind::Text,
            Err(what) => Kind::Other(what.clone()),
        };
        let head = |name: String| ColumnHead { name, kind: kind.clone() };
        match self.list_len.filter(|_| self.stored.is_ok()) {
            None => vec![head(self.name.clone())],
            Some(len) => (0..len).map(|part| head(format!("{}[{part}]", self.name))).collect(),
        }
    }

    fn n_columns(&self) -> usize {
        self.list_len.filter(|_| self.stored.is_ok()).unwrap_or(1)
    }
}

/// A column of the file in a row group.
struct Part<'a> {
    path: &'a Path,
    group: &'a dyn RowGroupReader,
    schema: &'a SchemaDescriptor,
    leaf: &'a Leaf,
    first_column: usize,
    first_row: usize,
}

impl Part<'_> {
    /// Passes the cells of the `wanted` columns of the table on; gives the number of rows.
    fn scan<S: Sink>(&self, wanted: &[usize], sink: &mut S) -> Result<usize, S::Error> {
        let Leaf { place, stored, list_len, .. } = self.leaf;
        let Ok(stored) = stored else { return Ok(0) }; // refused before
        let column = self.schema.column(*place);
        if let Some(len) = list_len {
            let lists = Lists::read(self.group, *place, &column, usize::MAX);
            return self.scan_lists(&lists.map_err(|error| damaged(self.path, error))?, *len, wanted, sink);
        }
        let values = Values::read(self.group, *place, column.physical_type(), *stored);
        let mut n_rows = 0;
        for cell in values.map_err(|error| damaged(self.path, error))?.cells() {
            sink.cell(self.first_column, self.first_row + n_rows, cell)?;
            n_rows += 1;
        }
        Ok(n_rows)
    }

    fn scan_lists<S: Sink>(
        &self,
        lists: &Lists,
        len: usize,
        wanted: &[usize],
        sink: &mut S,
    ) -> Result<usize, S::Error> {
        if let Some(row) = lists.misfit(len) {
            let got = format!(
                "lists of different lengths, {len} in row 1 and {} in row {}: write as many numbers in every row",
                lists.row(row).len(),
                self.first_row + row + 1
            );
            let (path, column) = (self.path.to_owned(), self.leaf.name.clone());
            return Err(TableError::ColumnType { path, column, got }.into());
        }
        for &column in wanted {
            for row in 0..lists.len() {
                let number = lists.number(row, column - self.first_column);
                sink.cell(column, self.first_row + row, Cell::Number(number))?;
            }
        }
        Ok(lists.len())
    }
}

/// What is wrong with a file, unless the operating system refused to read it.
fn damaged(path: &Path, error: ParquetError) -> TableError {
    let error = match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) if error.raw_os_error().is_some() => return TableError::Io(*error),
            Ok(error) => ParquetError::External(error),
            Err(source) => ParquetError::External(source),
        },
        error => error,
    };
    TableError::Format { path: path.to_owned(), message: format!("not a Parquet file, or damaged: {error}") }
}
