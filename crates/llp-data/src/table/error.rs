//! What is often wrong with tables.

use std::path::Path;

use crate::{DataError, Place, listed};

impl DataError {
    /// A column that must be there.
    pub fn missing_column(path: &Path, column: &str, found: &[String]) -> Self {
        Self::of(path, format!("there is no column {column:?}, only {}", listed(found)))
            .remedy("add it, or rename one; commas, semicolons or tabs separate columns")
    }

    /// A header at most.
    pub fn no_rows(path: &Path) -> Self {
        Self::of(path, "there are no rows").remedy("a table needs at least one below its header")
    }

    /// An empty cell where something should be.
    pub fn empty_cell(place: Place, column: &str) -> Self {
        Self::at(place, "is empty").in_column(column).remedy("fill it in, or drop the row")
    }

    /// Text, infinity or NaN where a number should be.
    pub fn not_a_number(place: Place, column: &str, got: &str) -> Self {
        Self::at(place, format!("is {got:?}, expected a finite number")).in_column(column)
    }

    /// Bytes that are no text.
    pub fn not_text(place: Place) -> Self {
        let is_binary = place.path.extension().is_some_and(|extension| extension == "parquet");
        let remedy = if is_binary {
            "write text or numbers; encoded images are the field `bytes` of structs in a column called image"
        } else {
            "save the file as UTF-8"
        };
        Self::at(place, "not UTF-8 text").remedy(remedy)
    }
}

/// A column of dates, lists or the like.
pub(super) fn column_type(path: &Path, column: &str, what: &str) -> DataError {
    DataError::of(path, format!("holds {what}")).in_column(column)
}
