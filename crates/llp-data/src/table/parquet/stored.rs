//! How a Parquet column stores its values, and what it is in words if it is no text and no number.

use ::parquet::basic::{ConvertedType, LogicalType, Type};
use ::parquet::schema::types::ColumnDescriptor;

use crate::table::half::half;
use crate::table::head::Kind;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    Text,
    Real,
    Half,
    Signed,
    /// Integers without a sign.
    Unsigned {
        /// 32 or 64.
        n_bits: u32,
    },
    /// Integers that count units of `10^-scale`.
    Decimal {
        scale: u32,
    },
}

const TIMES: &str = "points in time: write numbers, for instance seconds since the first one";

impl Stored {
    /// # Errors
    /// What the column holds in place of text or numbers.
    pub(super) fn of(column: &ColumnDescriptor) -> std::result::Result<Self, String> {
        let (physical, is_flat) = (column.physical_type(), column.path().parts().len() == 1);
        if !is_flat && column.max_rep_level() == 0 && physical != Type::BYTE_ARRAY {
            return Err("nested values: write a column for each".to_owned());
        }
        if let Some(what) = other(column) {
            return Err(what.to_owned());
        }
        let unsigned = Self::Unsigned { n_bits: if physical == Type::INT32 { 32 } else { 64 } };
        let decimal = |scale: i32| Self::Decimal { scale: scale.unsigned_abs() };
        Ok(match (column.logical_type_ref(), column.converted_type(), physical) {
            (Some(LogicalType::Decimal(kind)), ..) => decimal(kind.scale),
            (None, ConvertedType::DECIMAL, _) => decimal(column.type_scale()),
            (Some(LogicalType::Float16), ..) => Self::Half,
            (_, _, Type::FLOAT | Type::DOUBLE) => Self::Real,
            (_, _, Type::BYTE_ARRAY) => Self::Text,
            (Some(LogicalType::Integer(kind)), ..) if !kind.is_signed && kind.bit_width >= 32 => unsigned,
            (None, ConvertedType::UINT_32 | ConvertedType::UINT_64, _) => unsigned,
            (_, _, Type::BOOLEAN | Type::INT32 | Type::INT64) => Self::Signed,
            (_, _, Type::INT96) => return Err(TIMES.to_owned()),
            (_, _, Type::FIXED_LEN_BYTE_ARRAY) => {
                return Err("bytes of a fixed length: write text or numbers".to_owned());
            }
        })
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Text => Kind::Text,
            Self::Signed | Self::Unsigned { .. } | Self::Decimal { scale: 0 } => Kind::Integers,
            Self::Real | Self::Half | Self::Decimal { .. } => Kind::Reals,
        }
    }
}

/// What a column holds that is stored as text or numbers and is neither.
fn other(column: &ColumnDescriptor) -> Option<&'static str> {
    use LogicalType::{Bson, Date, Time, Timestamp, Uuid};
    let converted = column.converted_type();
    match column.logical_type_ref() {
        Some(Date) => Some("dates: write numbers, for instance days since the first one"),
        Some(Time(_)) => Some("times of a day: write numbers, for instance seconds since midnight"),
        Some(Timestamp(_)) => Some(TIMES),
        Some(Bson) => Some("BSON: write text or numbers"),
        Some(Uuid) => Some("identifiers (UUID): write them as text"),
        Some(_) => None,
        None => match converted {
            ConvertedType::DATE => Some("dates: write numbers, for instance days since the first one"),
            ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS => {
                Some("times of a day: write numbers, for instance seconds since midnight")
            }
            ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS => Some(TIMES),
            ConvertedType::INTERVAL => Some("lengths of time: write numbers, for instance seconds"),
            ConvertedType::BSON => Some("BSON: write text or numbers"),
            _ => None,
        },
    }
}

/// The number of two bytes, the smaller one first.
pub(super) fn half_of(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(f64::NAN, |bytes| half(u16::from_le_bytes(bytes)))
}

/// Bytes in the two's complement, the largest one first; those beyond 128 bits are lost.
pub(super) fn big_endian(bytes: &[u8]) -> i128 {
    let is_negative = bytes.first().is_some_and(|&first| first >= 0x80);
    bytes.iter().fold(if is_negative { -1 } else { 0 }, |number: i128, &byte| number << 8 | i128::from(byte))
}

/// `number / 10^scale`, rounded as the text of that decimal is.
pub(super) fn decimal(number: i128, scale: u32) -> f64 {
    let is_exact = number.unsigned_abs() <= 1 << 53 && scale <= 22; // both are numbers of double precision
    if is_exact {
        return number as f64 / 10_f64.powi(scale as i32);
    }
    format!("{number}e-{scale}").parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A decimal is the number that its text is.
        #[test]
        fn decimals_are_their_texts(number in any::<i128>(), digits in 0_u32..38, scale in 0_u32..30) {
            let number = number / 10_i128.pow(digits);
            let text: f64 = format!("{number}e-{scale}").parse().unwrap();
            prop_assert_eq!(decimal(number, scale), text);
        }

        #[test]
        fn bytes_are_integers(number in any::<i64>()) {
            prop_assert_eq!(big_endian(&number.to_be_bytes()), i128::from(number));
        }
    }
}
