//! Tables in batches: the cells that were written, at the places where they are.

use std::path::Path;

use llp_data::DataError;
use llp_data::table::{CellType, Cells, TableFormat, TableReader, TableWriter};
use proptest::prelude::*;
use tempfile::tempdir;

/// The cells of all columns as text, `[row][column]`, and the line of each row.
type Read = (Vec<Vec<String>>, Vec<Option<u64>>);

fn read(path: &Path, n_rows_max: usize) -> Result<Read, DataError> {
    let reader = TableReader::open(path)?;
    let wanted: Vec<usize> = (0..reader.head().columns.len()).collect();
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for batch in reader.batches_of(&wanted, n_rows_max)? {
        let batch = batch?;
        assert!((1..=n_rows_max).contains(&batch.n_rows()));
        for row in 0..batch.n_rows() {
            let place = batch.place(row);
            assert_eq!(place.row, rows.len() as u64 + 1);
            lines.push(place.line);
            rows.push(batch.columns().iter().map(|column| column.cell(row).shown()).collect());
        }
    }
    Ok((rows, lines))
}

fn cell() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "1.5", "two words", "one\ntwo", "", "x,y", "three\n\nlines", "été"])
}

proptest! {
    /// Whatever ends the lines, and with empty lines and newlines in quotes, a row is on the line that an editor shows, and
    /// its cells are those that were written, in batches of any size.
    #[test]
    fn rows_are_on_the_lines_of_an_editor(
        rows in prop::collection::vec((prop::collection::vec(cell(), 3), 0..3_usize), 1..30),
        is_crlf in any::<bool>(),
        is_ended in any::<bool>(),
        n_rows_max in 1..9_usize,
    ) {
        let end = if is_crlf { "\r\n" } else { "\n" };
        let (mut text, mut line, mut lines) = (format!("a,b,c{end}"), 2, Vec::new());
        for (at, (cells, n_empty)) in rows.iter().enumerate() {
            // Of a last row without an end, empty lines before it are taken for newlines in it.
            let n_empty = if at + 1 == rows.len() && !is_ended { 0 } else { *n_empty };
            text += &end.repeat(n_empty);
            line += n_empty as u64;
            lines.push(Some(line));
            let quoted: Vec<String> = cells.iter().map(|cell| format!("\"{cell}\"")).collect();
            text += &quoted.join(",");
            line += 1 + cells.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
            if at + 1 < rows.len() || is_ended {
                text += end;
            }
        }
        let folder = tempdir().unwrap();
        let path = folder.path().join("t.csv");
        fs_err::write(&path, text).unwrap();
        let expected: Vec<Vec<String>> =
            rows.iter().map(|(cells, _)| cells.iter().map(|&cell| cell.to_owned()).collect()).collect();
        let (got, got_lines) = read(&path, n_rows_max).unwrap();
        prop_assert_eq!(got, expected);
        prop_assert_eq!(got_lines, lines);
    }

    /// A Parquet file of several row groups gives its rows in order, in batches of any size; rows have no lines.
    #[test]
    fn row_groups_follow_each_other(
        groups in prop::collection::vec(prop::collection::vec(any::<i32>(), 0..12), 1..5),
        n_rows_max in 1..9_usize,
    ) {
        let columns = [("name".to_owned(), CellType::Text), ("x".to_owned(), CellType::Numbers)];
        let mut table = TableWriter::new(Vec::new(), TableFormat::Parquet, &columns).unwrap();
        for group in &groups {
            let names = group.iter().map(|number| format!("n{number}")).collect();
            let numbers = group.iter().map(|&number| number.into()).collect();
            table.write(&[Cells::Text(names), Cells::Numbers(numbers)]).unwrap();
        }
        let folder = tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        fs_err::write(&path, table.finish().unwrap()).unwrap();
        let numbers = groups.concat();
        let expected: Vec<_> = numbers.iter().map(|number| vec![format!("n{number}"), number.to_string()]).collect();
        let lines = vec![None; numbers.len()];
        prop_assert_eq!(read(&path, n_rows_max).unwrap(), (expected, lines));
    }
}

/// A row with too few cells is named with its number and its line.
#[test]
fn a_short_row_is_on_its_line() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.csv");
    for text in ["a,b\n\n1,2\n\n\n3\n4,5\n", "a,b\r\n\r\n1,2\r\n\r\n\r\n3\r\n4,5\r\n"] {
        fs_err::write(&path, text).unwrap();
        let message = read(&path, 2).unwrap_err().to_string();
        assert!(message.contains("t.csv, row 2 (line 6): 1 cells, the header has 2"), "{message}");
    }
}
