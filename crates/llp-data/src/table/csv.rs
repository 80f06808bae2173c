//! CSV: a header line, then a line per row.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use ::csv::{ByteRecord, ErrorKind, Position, Reader, ReaderBuilder};

use super::batch::{Column, Lines};
use super::head::{ColumnHead, Head, Kind};
use crate::{DataError, Place};

/// Bytes that are read at once.
const BUFFER_LEN: usize = 1 << 18;

/// An open file, behind its header.
pub(super) struct Source {
    path: PathBuf,
    reader: Reader<BufReader<File>>,
    ending: LineEnding,
    record: ByteRecord,
}

/// What ends the lines.
#[derive(Clone, Copy, PartialEq)]
enum LineEnding {
    Newline,
    ReturnNewline,
    /// Lines that are not counted.
    Return,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<(Head, Self), DataError> {
        let mut file = BufReader::with_capacity(BUFFER_LEN, fs_err::File::open(path)?.into_file());
        let start = file.fill_buf()?;
        let (separator, ending) = (separator(start), line_ending(start));
        let mut reader =
            ReaderBuilder::new().delimiter(separator).buffer_capacity(BUFFER_LEN).from_reader(file);
        let names = reader.byte_headers().map_err(|error| refused(path, None, error))?;
        let column = |name: &[u8]| {
            let name = std::str::from_utf8(name).map_err(|_| {
                DataError::of(path, "the names of its columns are not UTF-8 text")
                    .remedy("save the file as UTF-8")
            });
            Ok(ColumnHead { name: name?.trim().to_owned(), kind: Kind::Undeclared })
        };
        let head = Head::named(path, names.iter().map(column).collect::<Result<_, DataError>>()?)?;
        Ok((head, Self { path: path.to_owned(), reader, ending, record: ByteRecord::new() }))
    }

    pub(super) fn read(
        &mut self,
        wanted: &[usize],
        first_row: usize,
        n_rows_max: usize,
        lines: &mut Lines,
    ) -> Result<Vec<Column>, DataError> {
        let mut columns = vec![Column::text(); wanted.len()];
        for row in first_row..first_row + n_rows_max {
            let before = self.reader.position().line();
            let read = self.reader.read_byte_record(&mut self.record);
            let line = self.line(before);
            if !read.map_err(|error| refused(&self.path, line, error))? {
                break;
            }
            if let Some(line) = line {
                lines.push(row, line);
            }
            for (column, &wanted) in columns.iter_mut().zip(wanted) {
                let cell = self.record[wanted].trim_ascii();
                column.push((!cell.is_empty()).then_some(cell));
            }
        }
        Ok(columns)
    }

    /// The line on which the record begins; `before` is the number of the line that was read last before it. The reader
    /// skips empty lines, and leaves the newline after a return to the next record.
    fn line(&self, before: u64) -> Option<u64> {
        let after = self.reader.position().line();
        let is_simple = after - before <= 1;
        match self.ending {
            LineEnding::Newline if is_simple => Some(before),
            LineEnding::ReturnNewline if is_simple => Some(after),
            LineEnding::Newline => Some((after - 1 - self.n_inner()).max(before)), // the last may end without a newline
            LineEnding::ReturnNewline => Some(after - self.n_inner()),
            LineEnding::Return => None,
        }
    }

    /// Newlines in the cells of the record.
    fn n_inner(&self) -> u64 {
        self.record.as_slice().split(|&byte| byte == b'\n').count() as u64 - 1
    }
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

fn line_ending(start: &[u8]) -> LineEnding {
    match start.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        Some(end) if start[end] == b'\r' && start.get(end + 1) == Some(&b'\n') => LineEnding::ReturnNewline,
        Some(end) if start[end] == b'\r' => LineEnding::Return,
        _ => LineEnding::Newline,
    }
}

fn refused(path: &Path, line: Option<u64>, error: ::csv::Error) -> DataError {
    if error.is_io_error() {
        return std::io::Error::from(error).into();
    }
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let row = pos.as_ref().map_or(0, Position::record); // the header is record 0
            let place = Place { path: path.to_owned(), row, line };
            DataError::at(place, format!("{len} cells, the header has {expected_len}"))
                .remedy("separate cells by commas, and put text that has one in quotes")
        }
        _ => DataError::of(path, error.to_string()),
    }
}
