//! An image as it is stored, and why it cannot be read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::{Decoded, Fit, decode, decode_square};
use crate::error::Cause;
use crate::table::Cell;
use crate::{DataError, Place};

/// An image of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoded<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// In a file of its own.
    File(PathBuf),
    /// Nothing, in the column of this name.
    Missing(&'a str),
}

impl<'a> Encoded<'a> {
    /// The image of a row with these `bytes`, else in the file that the cell beside them names, from `folder`; `column`
    /// is that of the bytes.
    pub fn of(bytes: Option<&'a [u8]>, beside: Option<Cell<'_>>, folder: &Path, column: &'a str) -> Self {
        match (bytes, beside) {
            (Some(bytes), _) => Self::Bytes(bytes),
            (None, Some(Cell::Text(path))) => Self::File(folder.join(path)),
            (None, _) => Self::Missing(column),
        }
    }
}

/// Decodes an image, which is at `place`.
pub(super) fn read(
    encoded: &Encoded<'_>,
    fit: Fit,
    place: impl FnOnce() -> Option<Place>,
) -> Result<Decoded, DataError> {
    let decoded = |bytes: &[u8]| match fit {
        Fit::Square { side, channels } => decode_square(bytes, side, channels),
        Fit::Same { .. } => decode(bytes),
    };
    match encoded {
        Encoded::Bytes(bytes) => decoded(bytes).map_err(|fault| broken(place(), None, &fault)),
        Encoded::File(path) => match fs_err::read(path) {
            Ok(bytes) => decoded(&bytes).map_err(|fault| broken(place(), Some(path), &fault)),
            Err(error) => Err(not_there(place(), path, error)),
        },
        Encoded::Missing(column) => {
            let error = match place() {
                Some(place) => DataError::at(place, "is empty"),
                None => DataError::new("is empty"),
            };
            Err(error.in_column(column).remedy("fill it in, or drop the row"))
        }
    }
}

fn broken(place: Option<Place>, path: Option<&Path>, fault: &Fault) -> DataError {
    let Fault(fault) = fault;
    match (place, path) {
        (Some(place), path) => {
            let name = path.map_or(String::new(), |path| format!(" {}", path.display()));
            DataError::at(place, format!("the image{name} cannot be decoded: {fault}"))
                .remedy("replace it, or drop the row")
        }
        (None, path) => {
            let path = path.unwrap_or(Path::new("image"));
            DataError::of(path, format!("cannot be decoded: {fault}")).remedy("replace it, or leave it out")
        }
    }
}

fn not_there(place: Option<Place>, path: &Path, error: std::io::Error) -> DataError {
    let hint = if error.kind() == ErrorKind::NotFound { hint(path) } else { "" };
    match place {
        Some(place) => DataError::at(place, error.to_string())
            .remedy(format!("paths are taken from the folder of the table{hint}"))
            .because(Cause::Io(error)),
        None => error.into(),
    }
}

/// Why a file of this path is probably not found.
fn hint(path: &Path) -> &'static str {
    let path = path.to_string_lossy();
    if path.contains("://") || path.contains(":/") {
        "; addresses are not fetched: put the files beside the table"
    } else if path.contains('\\') {
        r"; separate folders by / in place of \"
    } else {
        ""
    }
}
