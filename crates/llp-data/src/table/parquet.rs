//! Parquet files: flat columns of text and numbers, lists of numbers, and byte strings in structs.

mod cells;
mod stored;

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ::parquet::column::reader::ColumnReader;
use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;

use super::batch::Column;
use super::error::column_type;
use super::head::{ColumnHead, Head, Kind};
use crate::DataError;
use crate::error::Cause;
use cells::Lists;
use stored::Stored;

/// Lists longer than this are refused.
const LEN_MAX: usize = 1 << 20;

/// An open file.
pub(super) struct Source {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    leaves: Vec<Leaf>,
    wanted: Vec<Wanted>,
    n_wanted: usize,
    next_group: usize,
    open: Vec<ColumnReader>, // [wanted], of the row group before the next
}

/// A column of the file: one of a table, or of lists, as many as the lists are long.
struct Leaf {
    name: String,
    stored: Result<Stored, String>, // else what it holds
    list_len: Option<usize>,
    present: i16, // the definition level of a value that is there
}

/// A column of the file that is read, and which of its columns of a table go where.
struct Wanted {
    leaf: usize,
    parts: Vec<(usize, usize)>, // its part, and the place in the batch
}

impl Source {
    /// Columns of structs have the names of the fields on the way, `image.bytes`; the numbers of a list are `NAME[0]`,
    /// `NAME[1]` and so on.
    pub(super) fn open(path: &Path) -> Result<(Head, Self), DataError> {
        let file = fs_err::File::open(path)?.into_file();
        let reader = SerializedFileReader::new(file).map_err(|error| damaged(path, error))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let leaves = (0..schema.num_columns()).map(|place| Leaf::of(&reader, place, &schema.column(place)));
        let leaves: Vec<Leaf> = leaves.collect::<ParquetResult<_>>().map_err(|error| damaged(path, error))?;
        let heads = leaves.iter().flat_map(Leaf::heads).collect();
        let source = Self {
            path: path.to_owned(),
            reader,
            leaves,
            wanted: vec![],
            n_wanted: 0,
            next_group: 0,
            open: vec![],
        };
        let index_columns = source.index_columns();
        Ok((Head { index_columns, ..Head::named(path, heads)? }, source))
    }

    /// The rows that the footer claims.
    pub(super) fn n_rows_claimed(&self) -> usize {
        usize::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The metadata of this name.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        let entries = self.reader.metadata().file_metadata().key_value_metadata();
        entries.into_iter().flatten().find(|entry| entry.key == key)?.value.as_deref()
    }

    /// The columns that pandas says are the index of its frame; its row numbers have no column.
    fn index_columns(&self) -> Vec<String> {
        let value =
            self.metadata("pandas").and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        let columns = value.as_ref().and_then(|value| value["index_columns"].as_array());
        columns.into_iter().flatten().filter_map(|column| column.as_str().map(str::to_owned)).collect()
    }

    /// Says which columns of the table are read.
    pub(super) fn want(&mut self, wanted: &[usize]) {
        let mut first = 0;
        self.n_wanted = wanted.len();
        for (leaf, of_file) in self.leaves.iter().enumerate() {
            let columns = first..first + of_file.n_columns();
            first = columns.end;
            let parts = wanted.iter().enumerate().filter(|(_, column)| columns.contains(column));
            let parts: Vec<_> = parts.map(|(place, column)| (column - columns.start, place)).collect();
            if !parts.is_empty() {
                self.wanted.push(Wanted { leaf, parts });
            }
        }
    }

    pub(super) fn read(&mut self, first_row: usize, n_rows_max: usize) -> Result<Vec<Column>, DataError> {
        let path = self.path.clone();
        loop {
            if self.open.is_empty() && !self.open_group().map_err(|error| damaged(&path, error))? {
                return Ok(vec![]);
            }
            let columns = self.read_group(first_row, n_rows_max)?;
            let n_rows = columns.first().map_or(0, Column::len);
            if columns.iter().any(|column| column.len() != n_rows) {
                return Err(
                    DataError::of(&path, "its columns have different lengths").remedy("the file is damaged")
                );
            }
            if n_rows > 0 {
                return Ok(columns);
            }
            self.open.clear();
        }
    }

    /// Goes on to the next row group. Returns `false` if there is none.
    fn open_group(&mut self) -> ParquetResult<bool> {
        if self.next_group == self.reader.num_row_groups() {
            return Ok(false);
        }
        let group = self.reader.get_row_group(self.next_group)?;
        let readers = self.wanted.iter().map(|wanted| guarded(|| group.get_column_reader(wanted.leaf)));
        self.open = readers.collect::<ParquetResult<_>>()?;
        self.next_group += 1;
        Ok(true)
    }

    /// Rows of the open row group.
    fn read_group(&mut self, first_row: usize, n_rows_max: usize) -> Result<Vec<Column>, DataError> {
        let mut columns = vec![None; self.n_wanted];
        for (Wanted { leaf, parts }, reader) in self.wanted.iter().zip(&mut self.open) {
            let Leaf { name, stored, list_len, present } = &self.leaves[*leaf];
            let Ok(stored) = stored else { continue }; // refused before
            let Some(len) = list_len else {
                let column = guarded(|| cells::read(reader, *stored, *present, n_rows_max));
                let column = column.map_err(|error| damaged(&self.path, error))?;
                for &(_, place) in parts {
                    columns[place] = Some(column.clone());
                }
                continue;
            };
            let lists = guarded(|| Lists::read(reader, *present, n_rows_max));
            let lists = lists.map_err(|error| damaged(&self.path, error))?;
            if let Some(row) = lists.misfit(*len) {
                let what = format!(
                    "lists of different lengths, {len} in row 1 and {} in row {}: write as many numbers in every row",
                    lists.row(row).len(),
                    first_row + row + 1
                );
                return Err(column_type(&self.path, name, &what));
            }
            for &(part, place) in parts {
                columns[place] = Some(lists.column(part));
            }
        }
        Ok(columns.into_iter().flatten().collect())
    }
}

impl Leaf {
    fn of(
        reader: &SerializedFileReader<File>,
        place: usize,
        column: &ColumnDescriptor,
    ) -> ParquetResult<Self> {
        let (stored, path, present) = (Stored::of(column), column.path(), column.max_def_level());
        if column.max_rep_level() == 0 {
            return Ok(Self { name: path.string(), stored, list_len: None, present });
        }
        let is_list = column.max_rep_level() == 1 && path.parts().len() <= 3;
        match stored {
            Ok(Stored::Real | Stored::Signed) if is_list => {
                let list_len = list_len(reader, place, present)?;
                let is_possible = (1..=LEN_MAX).contains(&list_len);
                let empty = || "lists that are empty: write as many numbers in every row".to_owned();
                let stored = if is_possible { Ok(Stored::Real) } else { Err(empty()) };
                Ok(Self { name: path.parts()[0].clone(), stored, list_len: Some(list_len), present })
            }
            _ => {
                let what = "lists of something other than numbers: write a column for each value".to_owned();
                Ok(Self { name: path.string(), stored: Err(what), list_len: None, present })
            }
        }
    }

    /// The columns of the table, at least one.
    fn heads(&self) -> Vec<ColumnHead> {
        let kind = self.stored.as_ref().map_or_else(|what| Kind::Other(what.clone()), |stored| stored.kind());
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

/// The length of the first list; 0 if there is none.
fn list_len(reader: &SerializedFileReader<File>, place: usize, present: i16) -> ParquetResult<usize> {
    if reader.num_row_groups() == 0 {
        return Ok(0);
    }
    let group = reader.get_row_group(0)?;
    let lists = guarded(|| Lists::read(&mut group.get_column_reader(place)?, present, 1))?;
    Ok(if lists.len() == 0 { 0 } else { lists.row(0).len() })
}

/// What is wrong with a file, unless the operating system refused to read it.
fn damaged(path: &Path, error: ParquetError) -> DataError {
    let error = match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) if error.raw_os_error().is_some() => {
                return DataError::of(path, error.to_string()).because(Cause::Io(*error));
            }
            Ok(error) => ParquetError::External(error),
            Err(source) => ParquetError::External(source),
        },
        error => error,
    };
    DataError::of(path, format!("not a Parquet file, or damaged: {error}"))
}

/// Turns a panic into an error: the parquet crate asserts what a damaged page or offset breaks, and the tests that change
/// bytes meet such ones (with parquet 60.1, they fail without this guard). Nothing outlives the panic but the immutable
/// file and readers that are dropped, so no half-changed state is seen.
fn guarded<T>(read: impl FnOnce() -> ParquetResult<T>) -> ParquetResult<T> {
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
