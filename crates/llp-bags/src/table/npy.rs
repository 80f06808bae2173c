//! NumPy arrays: structured ones with named fields, or plain matrices.

mod stored;

use std::io::{BufReader, Read, Seek};
use std::path::Path;

use npyz::{DType, NpyHeader, Order, TypeStr};

use super::TableError;
use super::scan::{ColumnHead, Head, Kind, Sink};
use stored::Stored;

/// A header may promise any number of columns, even without data.
const N_COLUMNS_MAX: u64 = 1 << 20;

pub(super) fn scan<S: Sink>(path: &Path, sink: &mut S) -> Result<(), S::Error> {
    let format = |message: String| TableError::Format { path: path.to_owned(), message };
    let file = fs_err::File::open(path).map_err(TableError::from)?;
    let file_len = file.metadata().map_err(TableError::from)?.len();
    let mut reader = BufReader::new(file);
    let header =
        NpyHeader::from_reader(&mut reader).map_err(|error| format(format!("not a NumPy array: {error}")))?;
    let array = Array::new(path, &header)?;
    let data_len = file_len.saturating_sub(reader.stream_position().map_err(TableError::from)?);
    array.check_length(data_len).map_err(format)?;
    let wanted = array.head.wanted(path, sink)?;
    let is_wanted: Vec<bool> = (0..array.fields.len()).map(|column| wanted.contains(&column)).collect();
    if array.is_by_column {
        array.columns(reader, &is_wanted, sink)
    } else {
        array.rows(reader, &is_wanted, sink)
    }
}

/// What the header says.
struct Array {
    head: Head,
    fields: Vec<Stored>, // [column]
    n_rows: u64,
    is_by_column: bool, // Fortran's order
}

impl Array {
    fn new(path: &Path, header: &NpyHeader) -> Result<Self, TableError> {
        let format = |message: String| TableError::Format { path: path.to_owned(), message };
        match (header.dtype(), header.shape()) {
            (DType::Plain(kind), &[n_rows, n_columns]) => {
                let stored = Stored::new(&kind).map_err(format)?;
                Self::plain(stored, n_rows, n_columns, header.order()).map_err(format)
            }
            (DType::Record(fields), &[n_rows]) => {
                let fields = fields.iter().map(|field| (field.name.as_str(), &field.dtype));
                Self::structured(path, n_rows, fields)
            }
            (_, shape) => Err(format(format!(
                "an array of shape {shape:?}: expected a matrix [row, column] or a structured array [row]"
            ))),
        }
    }

    fn plain(stored: Stored, n_rows: u64, n_columns: u64, order: Order) -> Result<Self, String> {
        if stored.is_text() {
            return Err("a matrix of text: expected numbers, or a structured array".to_owned());
        }
        if n_columns > N_COLUMNS_MAX {
            return Err(format!("a matrix of {n_columns} columns: at most {N_COLUMNS_MAX} are possible"));
        }
        let column = |column: u64| ColumnHead { name: (column + 1).to_string(), kind: Kind::Numbers };
        Ok(Self {
            head: Head {
                is_named: false,
                columns: (0..n_columns).map(column).collect(),
                index_columns: vec![],
            },
            fields: vec![stored; n_columns as usize],
            n_rows,
            is_by_column: order == Order::Fortran,
        })
    }

    fn structured<'a>(
        path: &Path,
        n_rows: u64,
        fields: impl Iterator<Item = (&'a str, &'a DType)>,
    ) -> Result<Self, TableError> {
        let (mut columns, mut stored) = (Vec::new(), Vec::new());
        for (name, dtype) in fields {
            let wrong = |got| TableError::ColumnType { path: path.to_owned(), column: name.to_owned(), got };
            for (part, kind) in parts(name, dtype).map_err(wrong)? {
                let field = Stored::new(kind).map_err(wrong)?;
                let kind = if field.is_text() { Kind::Text } else { Kind::Numbers };
                columns.push(ColumnHead { name: part, kind });
                stored.push(field);
            }
        }
        Ok(Self { head: Head::named(path, columns)?, fields: stored, n_rows, is_by_column: false })
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

    fn rows<S: Sink>(&self, mut reader: impl Read, is_wanted: &[bool], sink: &mut S) -> Result<(), S::Error> {
        let mut bytes = vec![0; self.fields.iter().map(Stored::len).sum()];
        let mut text = String::new();
        for row in 0..self.n_rows as usize {
            reader.read_exact(&mut bytes).map_err(TableError::from)?;
            let mut rest = &bytes[..];
            for (column, field) in self.fields.iter().enumerate() {
                let (cell, after) = rest.split_at(field.len());
                rest = after;
                if is_wanted[column] {
                    sink.cell(column, row, field.cell(cell, &mut text))?;
                }
            }
        }
        Ok(())
    }

    fn columns<S: Sink>(
        &self,
        mut reader: impl Read,
        is_wanted: &[bool],
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let mut text = String::new();
        for (column, field) in self.fields.iter().enumerate() {
            let mut bytes = vec![0; field.len()];
            for row in 0..self.n_rows as usize {
                reader.read_exact(&mut bytes).map_err(TableError::from)?;
                if is_wanted[column] {
                    sink.cell(column, row, field.cell(&bytes, &mut text))?;
                }
            }
        }
        Ok(())
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
