//! CSV: a header line, then a line per row.

use std::path::Path;

use ::csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};

use super::{Header, Place, Table, TableError};

pub(super) fn read(path: &Path, ids: &[&'static str]) -> Result<Table, TableError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(fs_err::File::open(path)?);
    let names: Vec<String> =
        reader.headers().map_err(|error| refused(path, error))?.iter().map(str::to_owned).collect();
    let header = Header::new(path, &names, ids)?;
    let mut table = Table {
        path: path.to_owned(),
        ids: vec![Vec::new(); ids.len()],
        names: Some(header.numeric_names(&names)),
        values: Vec::new(),
    };
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| refused(path, error))? {
        append(&mut table, &header, &names, &record)?;
    }
    Ok(table)
}

fn append(
    table: &mut Table,
    header: &Header,
    names: &[String],
    record: &StringRecord,
) -> Result<(), TableError> {
    let place = || Place { path: table.path.clone(), row: row_of(record.position()) };
    for &column in &header.numeric {
        let (cell, column) = (&record[column], &names[column]);
        if cell.is_empty() {
            return Err(TableError::EmptyCell { place: place(), column: column.clone() });
        }
        let value = cell.parse().map_err(|_| TableError::NotANumber {
            place: place(),
            column: column.clone(),
            got: cell.to_owned(),
        })?;
        table.values.push(value);
    }
    for (ids, &column) in table.ids.iter_mut().zip(&header.ids) {
        ids.push(record[column].to_owned());
    }
    Ok(())
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
