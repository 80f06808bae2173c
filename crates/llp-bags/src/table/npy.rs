//! NumPy arrays: structured ones with named fields, or plain matrices.

use std::io::{BufReader, Read};
use std::path::Path;

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};

use super::{Header, Place, Table, TableError, id_of_bytes, id_of_number};

pub(super) fn read(path: &Path, ids: &[&'static str]) -> Result<Table, TableError> {
    let format = |message: String| TableError::Format { path: path.to_owned(), message };
    let mut reader = BufReader::new(fs_err::File::open(path)?);
    let header =
        NpyHeader::from_reader(&mut reader).map_err(|error| format(format!("not a NumPy array: {error}")))?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    match (header.dtype(), header.shape()) {
        (DType::Plain(kind), &[n_rows, n_columns]) => {
            let matrix = Matrix { n_rows, n_columns, order: header.order() };
            plain(path, ids, &matrix, Kind::new(&kind).map_err(format)?, &bytes)
        }
        (DType::Record(fields), &[n_rows]) => {
            let fields = fields.iter().map(|field| (field.name.clone(), &field.dtype));
            structured(path, ids, n_rows, &fields.collect::<Vec<_>>(), &bytes)
        }
        (_, shape) => Err(format(format!(
            "an array of shape {shape:?}: expected a matrix [row, column] or a structured array [row]"
        ))),
    }
}

struct Matrix {
    n_rows: u64,
    n_columns: u64,
    order: Order,
}

fn plain(
    path: &Path,
    ids: &[&'static str],
    matrix: &Matrix,
    kind: Kind,
    bytes: &[u8],
) -> Result<Table, TableError> {
    let format = |message: String| TableError::Format { path: path.to_owned(), message };
    if matrix.n_columns <= ids.len() as u64 {
        return Err(TableError::NoNumericColumn { path: path.to_owned() });
    }
    if kind.is_text() {
        return Err(format("a matrix of text: expected numbers, or a structured array".to_owned()));
    }
    let n_cells = matrix.n_rows.checked_mul(matrix.n_columns);
    check_length(n_cells.and_then(|n| n.checked_mul(kind.len as u64)), bytes.len()).map_err(format)?;
    let (n_rows, n_columns) = (matrix.n_rows as usize, matrix.n_columns as usize);
    let cell = |row: usize, column: usize| {
        let place = match matrix.order {
            Order::C => row * n_columns + column,
            Order::Fortran => column * n_rows + row,
        };
        Cell { kind, bytes: &bytes[place * kind.len..][..kind.len] }
    };
    Ok(Table {
        path: path.to_owned(),
        ids: (0..ids.len()).map(|id| text(path, n_rows, |row| cell(row, id))).collect::<Result<_, _>>()?,
        names: None,
        values: (0..n_rows)
            .flat_map(|row| (ids.len()..n_columns).map(move |column| cell(row, column).number()))
            .collect(),
    })
}

fn structured(
    path: &Path,
    ids: &[&'static str],
    n_rows: u64,
    fields: &[(String, &DType)],
    bytes: &[u8],
) -> Result<Table, TableError> {
    let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
    let header = Header::new(path, &names, ids)?;
    let mut kinds = Vec::with_capacity(fields.len()); // with the offset of each in a row
    let mut row_len = 0;
    for (name, dtype) in fields {
        let wrong = |got| TableError::ColumnType { path: path.to_owned(), column: name.clone(), got };
        let DType::Plain(kind) = dtype else {
            return Err(wrong("arrays: expected text or numbers".to_owned()));
        };
        let kind = Kind::new(kind).map_err(wrong)?;
        kinds.push((row_len, kind));
        row_len += kind.len;
    }
    if let Some(&text) = header.numeric.iter().find(|&&column| kinds[column].1.is_text()) {
        let (column, got) = (names[text].clone(), "text: expected numbers".to_owned());
        return Err(TableError::ColumnType { path: path.to_owned(), column, got });
    }
    check_length(n_rows.checked_mul(row_len as u64), bytes.len())
        .map_err(|message| TableError::Format { path: path.to_owned(), message })?;
    let cell = |row: usize, column: usize| {
        let (start, kind) = kinds[column];
        Cell { kind, bytes: &bytes[row * row_len + start..][..kind.len] }
    };
    let (cell, numeric, n_rows) = (&cell, &header.numeric, n_rows as usize);
    let ids = header.ids.iter().map(|&column| text(path, n_rows, |row| cell(row, column)));
    Ok(Table {
        path: path.to_owned(),
        ids: ids.collect::<Result<_, _>>()?,
        names: Some(header.numeric_names(&names)),
        values: (0..n_rows)
            .flat_map(|row| numeric.iter().map(move |&column| cell(row, column).number()))
            .collect(),
    })
}

/// A column of identifiers.
fn text<'a>(path: &Path, n_rows: usize, cell: impl Fn(usize) -> Cell<'a>) -> Result<Vec<String>, TableError> {
    let wrong =
        |row: usize| TableError::Encoding { place: Place { path: path.to_owned(), row: row as u64 + 1 } };
    (0..n_rows).map(|row| cell(row).text().ok_or_else(|| wrong(row))).collect()
}

fn check_length(expected: Option<u64>, got: usize) -> Result<(), String> {
    match expected {
        Some(expected) if expected == got as u64 => Ok(()),
        Some(expected) => {
            Err(format!("{got} bytes of data, its header promises {expected}: the file is damaged"))
        }
        None => Err("its header promises more data than any file holds".to_owned()),
    }
}

fn unsupported(kind: &TypeStr) -> String {
    format!("values of type {kind}: expected text or numbers of up to 64 bits")
}

/// How a cell is stored.
#[derive(Clone, Copy)]
struct Kind {
    class: Class,
    len: usize, // in bytes
    big_endian: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Int,
    Uint,
    Float,
    Bytes,
    Unicode,
}

impl Kind {
    /// The kinds that tables may hold; anything else is named in the error.
    fn new(kind: &TypeStr) -> Result<Self, String> {
        let class = match (kind.type_char(), kind.size_field()) {
            (TypeChar::Int, 1 | 2 | 4 | 8) => Class::Int,
            (TypeChar::Uint, 1 | 2 | 4 | 8) | (TypeChar::Bool, _) => Class::Uint,
            (TypeChar::Float, 4 | 8) => Class::Float,
            (TypeChar::ByteStr, _) => Class::Bytes,
            (TypeChar::UnicodeStr, _) => Class::Unicode,
            _ => return Err(unsupported(kind)),
        };
        let len = kind.num_bytes().filter(|&len| len > 0).ok_or_else(|| unsupported(kind))?;
        Ok(Self { class, len, big_endian: kind.endianness() == Endianness::Big })
    }

    fn is_text(self) -> bool {
        matches!(self.class, Class::Bytes | Class::Unicode)
    }
}

/// A value as it is stored.
struct Cell<'a> {
    kind: Kind,
    bytes: &'a [u8],
}

impl Cell<'_> {
    fn number(&self) -> f64 {
        match self.kind.class {
            Class::Float if self.bytes.len() == 4 => f64::from(f32::from_bits(self.bits(self.bytes) as u32)),
            Class::Float => f64::from_bits(self.bits(self.bytes)),
            Class::Int => self.signed() as f64,
            Class::Uint => self.bits(self.bytes) as f64,
            Class::Bytes | Class::Unicode => f64::NAN, // only identifying columns may hold text
        }
    }

    /// The cell as an identifier; nothing if it is no text.
    fn text(&self) -> Option<String> {
        match self.kind.class {
            Class::Bytes => {
                let len = self.bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                id_of_bytes(&self.bytes[..len])
            }
            Class::Unicode => {
                let code = |four: &[u8]| char::from_u32(self.bits(four) as u32);
                let text: Option<String> = self.bytes.chunks_exact(4).map(code).collect();
                text.map(|text| text.trim_end_matches('\0').trim().to_owned())
            }
            Class::Int => Some(self.signed().to_string()),
            Class::Uint => Some(self.bits(self.bytes).to_string()),
            Class::Float => Some(id_of_number(self.number())),
        }
    }

    /// Up to eight bytes as an unsigned number.
    fn bits(&self, bytes: &[u8]) -> u64 {
        let shift = |bits: u64, &byte: &u8| bits << 8 | u64::from(byte);
        if self.kind.big_endian { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) }
    }

    fn signed(&self) -> i64 {
        let unused = 64 - 8 * self.bytes.len() as u32;
        (self.bits(self.bytes) << unused) as i64 >> unused
    }
}
