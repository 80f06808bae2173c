//! How NumPy stores a value, and the value.

use npyz::{Endianness, TypeChar, TypeStr};

use crate::table::half::half;
use crate::table::scan::Cell;

/// How a cell is stored.
#[derive(Clone, Copy)]
pub(super) struct Stored {
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

impl Stored {
    /// The kinds that tables may hold; anything else is named in the error.
    pub(super) fn new(kind: &TypeStr) -> Result<Self, String> {
        let what = match kind.type_char() {
            TypeChar::DateTime | TypeChar::TimeDelta => {
                "dates or times: write numbers, for instance days since the first one"
            }
            TypeChar::Complex => "complex numbers: write real and imaginary parts as two columns",
            TypeChar::Object => "Python objects: convert them to text or numbers",
            _ => "values of no known type: expected text or numbers of up to 64 bits",
        };
        let unsupported = || what.to_owned();
        let class = match (kind.type_char(), kind.size_field()) {
            (TypeChar::Int, 1 | 2 | 4 | 8) => Class::Int,
            (TypeChar::Uint, 1 | 2 | 4 | 8) | (TypeChar::Bool, _) => Class::Uint,
            (TypeChar::Float, 2 | 4 | 8) => Class::Float,
            (TypeChar::ByteStr, _) => Class::Bytes,
            (TypeChar::UnicodeStr, _) => Class::Unicode,
            _ => return Err(unsupported()),
        };
        let len = kind.num_bytes().filter(|&len| len > 0).ok_or_else(unsupported)?;
        Ok(Self { class, len, big_endian: kind.endianness() == Endianness::Big })
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.class, Class::Bytes | Class::Unicode)
    }

    /// In bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The value of `bytes`; `text` holds it if it is text that is not stored as such.
    pub(super) fn cell<'a>(&self, bytes: &'a [u8], text: &'a mut String) -> Cell<'a> {
        match self.class {
            Class::Float if self.len == 2 => Cell::Number(half(self.bits(bytes) as u16)),
            Class::Float if self.len == 4 => Cell::Number(f32::from_bits(self.bits(bytes) as u32).into()),
            Class::Float => Cell::Number(f64::from_bits(self.bits(bytes))),
            Class::Int => Cell::Integer(self.signed(bytes).into()),
            Class::Uint => Cell::Integer(self.bits(bytes).into()),
            Class::Bytes => {
                let len = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                Cell::of_bytes(&bytes[..len])
            }
            Class::Unicode => {
                text.clear();
                for code in bytes.chunks_exact(4) {
                    let Some(letter) = char::from_u32(self.bits(code) as u32) else {
                        return Cell::Bytes(bytes);
                    };
                    text.push(letter);
                }
                Cell::of_text(text.trim_end_matches('\0'))
            }
        }
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
