//! NumPy arrays: structured ones with named fields, or plain matrices; and the arrays of archives.

mod stored;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use npyz::{DType, NpyHeader, Order, TypeStr};

use super::batch::Column;
use super::error::column_type;
use super::head::{ColumnHead, Head, Kind};
use crate::DataError;
pub(crate) use stored::Stored;

/// A header may promise any number of columns, even without data.
const N_COLUMNS_MAX: u64 = 1 << 20;

/// An open file, behind its header.
pub(super) struct Source {
    file: BufReader<File>,
    start: u64,
    array: Array,
}

/// What the header says.
struct Array {
    fields: Vec<Stored>, // [column]
    n_rows: u64,
    is_by_column: bool, // Fortran's order
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<(Head, Self), DataError> {
        let mut file = BufReader::new(fs_err::File::open(path)?.into_file());
        let file_len = file.get_ref().metadata()?.len();
        let header = crate::npy_header::read(&mut file)
            .map_err(|error| DataError::of(path, format!("not a NumPy array: {error}")))?;
        let (head, array) = Array::new(path, &header)?;
        let start = file.stream_position()?;
        array.check_length(file_len.saturating_sub(start)).map_err(|problem| DataError::of(path, problem))?;
        Ok((head, Self { file, start, array }))
    }

    pub(super) fn n_rows(&self) -> usize {
        self.array.n_rows as usize
    }

    pub(super) fn read(
        &mut self,
        wanted: &[usize],
        first_row: usize,
        n_rows_max: usize,
    ) -> Result<Vec<Column>, DataError> {
        let Array { fields, n_rows, is_by_column } = &self.array;
        let n_rows = n_rows_max.min(*n_rows as usize - first_row);
        if n_rows == 0 {
            return Ok(vec![]);
        }
        if !is_by_column {
            let row_len: usize = fields.iter().map(Stored::len).sum();
            let mut bytes = vec![0; n_rows * row_len];
            self.file.read_exact(&mut bytes)?;
            let offset = |column: usize| fields[..column].iter().map(Stored::len).sum();
            let column = |&column: &usize| fields[column].column(&bytes, offset(column), row_len);
            return Ok(wanted.iter().map(column).collect());
        }
        let mut columns = Vec::with_capacity(wanted.len());
        for &column in wanted {
            let (field, len) = (&fields[column], fields[column].len());
            let before = column * self.array.n_rows as usize + first_row;
            self.file.seek(SeekFrom::Start(self.start + (before * len) as u64))?;
            let mut bytes = vec![0; n_rows * len];
            self.file.read_exact(&mut bytes)?;
            columns.push(field.column(&bytes, 0, len));
        }
        Ok(columns)
    }
}

impl Array {
    fn new(path: &Path, header: &NpyHeader) -> Result<(Head, Self), DataError> {
        match (header.dtype(), header.shape()) {
            (DType::Plain(kind), &[n_rows, n_columns]) => {
                let stored = Stored::new(&kind).map_err(str::to_owned);
                stored
                    .and_then(|stored| Self::plain(stored, n_rows, n_columns, header.order()))
                    .map_err(|problem| DataError::of(path, problem))
            }
            (DType::Record(fields), &[n_rows]) => {
                Self::structured(path, n_rows, fields.iter().map(|field| (field.name.as_str(), &field.dtype)))
            }
            (_, shape) => Err(DataError::of(
                path,
                format!(
                    "an array of shape {shape:?}: expected a matrix [row, column] or a structured array [row]"
                ),
            )),
        }
    }

    fn plain(stored: Stored, n_rows: u64, n_columns: u64, order: Order) -> Result<(Head, Self), String> {
        if stored.kind() == Kind::Text {
            return Err("a matrix of text: expected numbers, or a structured array".to_owned());
        }
        if n_columns > N_COLUMNS_MAX {
            return Err(format!("a matrix of {n_columns} columns: at most {N_COLUMNS_MAX} are possible"));
        }
        let column = |column: u64| ColumnHead { name: (column + 1).to_string(), kind: stored.kind() };
        let columns = (0..n_columns).map(column).collect();
        let head = Head { is_named: false, columns, index_columns: vec![] };
        let fields = vec![stored; n_columns as usize];
        Ok((head, Self { fields, n_rows, is_by_column: order == Order::Fortran }))
    }

    fn structured<'a>(
        path: &Path,
        n_rows: u64,
        named: impl Iterator<Item = (&'a str, &'a DType)>,
    ) -> Result<(Head, Self), DataError> {
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        for (name, dtype) in named {
            for (part, kind) in parts(name, dtype).map_err(|what| column_type(path, name, &what))? {
                let field = Stored::new(kind).map_err(|what| column_type(path, name, what))?;
                columns.push(ColumnHead { name: part, kind: field.kind() });
                fields.push(field);
            }
        }
        Ok((Head::named(path, columns)?, Self { fields, n_rows, is_by_column: false }))
    }

    fn check_length(&self, got: u64) -> Result<(), String> {
        let row_len: u64 = self.fields.iter().map(|field| field.len() as u64).sum();
        if row_len == 0 {
            return Err("an array without columns".to_owned());
        }
        match self.n_rows.checked_mul(row_len) {
            Some(expected) if expected == got => Ok(()),
            Some(expected) => {
                Err(format!("{got} bytes of data, its header promises {expected}: the file is damaged"))
            }
            None => Err("its header promises more data than any file holds".to_owned()),
        }
    }
}

/// The values of a field with their names: one, or those of an array, `NAME[0]` and so on.
fn parts<'a>(name: &str, dtype: &'a DType) -> Result<Vec<(String, &'a TypeStr)>, String> {
    match dtype {
        DType::Plain(kind) => Ok(vec![(name.to_owned(), kind)]),
        DType::Array(..) if n_values(dtype).is_none() => {
            Err(format!("arrays of very many values: at most {N_COLUMNS_MAX} are possible"))
        }
        DType::Array(n_parts, part) => {
            let of_part = |at: u64| parts(&format!("{name}[{at}]"), part);
            Ok((0..*n_parts).map(of_part).collect::<Result<Vec<_>, _>>()?.concat())
        }
        DType::Record(_) => Err("records: expected text or numbers".to_owned()),
    }
}

/// How many values a field has. Returns `None` if they are too many.
fn n_values(dtype: &DType) -> Option<u64> {
    match dtype {
        DType::Array(n_parts, part) => {
            n_values(part)?.checked_mul(*n_parts).filter(|&n_values| n_values <= N_COLUMNS_MAX)
        }
        DType::Plain(_) | DType::Record(_) => Some(1),
    }
}
