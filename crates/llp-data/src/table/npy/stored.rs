//! How NumPy stores a value, and the value.

use npyz::{Endianness, TypeChar, TypeStr};

use crate::table::batch::Column;
use crate::table::half::half;
use crate::table::head::Kind;

/// How a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    class: Class,
    len: usize, // in bytes
    big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Int,
    Uint,
    Float,
    Bytes,
    Unicode,
}

impl Stored {
    /// The kinds that are read; anything else is named in the error.
    pub(crate) fn new(kind: &TypeStr) -> Result<Self, &'static str> {
        let unsupported = match kind.type_char() {
            TypeChar::DateTime | TypeChar::TimeDelta => {
                "dates or times: write numbers, for instance days since the first one"
            }
            TypeChar::Complex => "complex numbers: write real and imaginary parts as two columns",
            TypeChar::Object => "Python objects: convert them to text or numbers",
            _ => "values of no known type: expected text or numbers of up to 64 bits",
        };
        let class = match (kind.type_char(), kind.size_field()) {
            (TypeChar::Int, 1 | 2 | 4 | 8) => Class::Int,
            (TypeChar::Uint, 1 | 2 | 4 | 8) | (TypeChar::Bool, _) => Class::Uint,
            (TypeChar::Float, 2 | 4 | 8) => Class::Float,
            (TypeChar::ByteStr, _) => Class::Bytes,
            (TypeChar::UnicodeStr, _) => Class::Unicode,
            _ => return Err(unsupported),
        };
        let len = kind.num_bytes().filter(|&len| len > 0).ok_or(unsupported)?;
        Ok(Self { class, len, big_endian: kind.endianness() == Endianness::Big })
    }

    /// What the values are.
    pub(crate) fn kind(self) -> Kind {
        match self.class {
            Class::Int | Class::Uint => Kind::Integers,
            Class::Float => Kind::Reals,
            Class::Bytes | Class::Unicode => Kind::Text,
        }
    }

    /// Whether the values are bytes without a sign.
    pub(crate) fn is_byte(self) -> bool {
        self.class == Class::Uint && self.len == 1
    }

    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The values in rows of `row_len` bytes, each from `offset` of its row.
    pub(crate) fn column(&self, rows: &[u8], offset: usize, row_len: usize) -> Column {
        let cells = rows.chunks_exact(row_len).map(|row| &row[offset..offset + self.len]);
        match self.class {
            Class::Int => Column::integers(cells.map(|bytes| Some(self.signed(bytes).into()))),
            Class::Uint => Column::integers(cells.map(|bytes| Some(self.bits(bytes).into()))),
            Class::Float => Column::reals(cells.map(|bytes| Some(self.float(bytes)))),
            Class::Bytes => Column::bytes(cells.map(|bytes| {
                let len = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                Some(&bytes[..len])
            })),
            Class::Unicode => {
                let mut column = Column::text();
                for bytes in cells {
                    column.push(Some(&self.text(bytes)));
                }
                column
            }
        }
    }

    fn float(&self, bytes: &[u8]) -> f64 {
        match self.len {
            2 => half(self.bits(bytes) as u16),
            4 => f32::from_bits(self.bits(bytes) as u32).into(),
            _ => f64::from_bits(self.bits(bytes)),
        }
    }

    /// As UTF-8; where a code is no letter, bytes that are no text.
    fn text(&self, bytes: &[u8]) -> Vec<u8> {
        let letter = |code: &[u8]| char::from_u32(self.bits(code) as u32);
        let text: Option<String> = bytes.chunks_exact(4).map(letter).collect();
        text.map_or_else(|| vec![0xff; bytes.len()], |text| text.trim_end_matches('\0').into())
    }

    /// Up to eight bytes as an unsigned number.
    fn bits(&self, bytes: &[u8]) -> u64 {
        let shift = |bits: u64, &byte: &u8| bits << 8 | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) }
    }

    fn signed(&self, bytes: &[u8]) -> i64 {
        let unused = 64 - 8 * bytes.len() as u32;
        (self.bits(bytes) << unused) as i64 >> unused
    }
}
