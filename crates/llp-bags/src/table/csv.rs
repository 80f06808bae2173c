//! CSV: a header line, then a line per row.

use std::io::{BufRead, BufReader};
use std::path::Path;

use ::csv::{ErrorKind, Position, ReaderBuilder, StringRecord};

use super::scan::{Cell, ColumnHead, Head, Kind, Sink};
use super::{Place, TableError};

pub(super) fn scan<S: Sink>(path: &Path, sink: &mut S) -> Result<(), S::Error> {
    let mut file = BufReader::new(fs_err::File::open(path).map_err(TableError::from)?);
    let start = file.fill_buf().map_err(TableError::from)?;
    let separator = separator(start);
    let mut reader = ReaderBuilder::new().delimiter(separator).from_reader(file);
    let names = reader.headers().map_err(|error| refused(path, error))?;
    let column = |name: &str| ColumnHead { name: name.trim().to_owned(), kind: Kind::Undeclared };
    let head = Head::named(path, names.iter().map(column).collect())?;
    let wanted = head.wanted(path, sink)?;
    let mut record = StringRecord::new();
    let mut row = 0;
    while reader.read_record(&mut record).map_err(|error| refused(path, error))? {
        for &column in &wanted {
            sink.cell(column, row, Cell::of_text(&record[column]))?;
        }
        row += 1;
    }
    Ok(())
}

/// What separates the cells of a file that starts like this: a comma, or where its header has none, what it has most of,
/// tabs or semicolons.
fn separator(start: &[u8]) -> u8 {
    let (mut is_quoted, mut has_text) = (false, false);
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for &byte in start {
        has_text |= !byte.is_ascii_whitespace();
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' | b'\r' if !is_quoted && has_text => break,
            _ if is_quoted => {}
            _ => counts
                .iter_mut()
                .filter(|(separator, _)| *separator == byte)
                .for_each(|(_, count)| *count += 1),
        }
    }
    let [(comma, n_commas), (semicolon, n_semicolons), (tab, n_tabs)] = counts;
    if n_commas > 0 || n_semicolons + n_tabs == 0 {
        return comma;
    }
    if n_tabs > n_semicolons { tab } else { semicolon }
}

/// The header is record 0.
fn row_of(position: Option<&Position>) -> u64 {
    position.map_or(0, Position::record)
}

fn refused(path: &Path, error: ::csv::Error) -> TableError {
    let place = |position: &Option<Position>| Place { path: path.to_owned(), row: row_of(position.as_ref()) };
    if error.is_io_error() {
        return TableError::Io(error.into());
    }
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            TableError::CellCount { place: place(pos), expected: *expected_len as usize, got: *len as usize }
        }
        ErrorKind::Utf8 { pos, .. } => TableError::Encoding { place: place(pos) },
        _ => TableError::Format { path: path.to_owned(), message: error.to_string() },
    }
}
