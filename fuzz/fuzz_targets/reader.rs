//! The first byte chooses a format, the others are a file of it: refused, or batches whose columns are all as long, whose
//! rows have ascending lines, and whose cells can be looked at.
#![no_main]

mod guarded;

use libfuzzer_sys::fuzz_target;
use llp_data::DataError;
use llp_data::table::{Kind, TableReader};

fuzz_target!(init: guarded::leave_guarded_panics(), |bytes: &[u8]| {
    let Some((format, content)) = bytes.split_first() else { return };
    let name = ["t.csv", "t.npy", "t.parquet"][usize::from(*format) % 3];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("a writable folder");
    if let Err(error) = TableReader::open(&path).and_then(read) {
        drop(error.to_string());
    }
});

fn read(reader: TableReader) -> Result<(), DataError> {
    let (claimed, path) = (reader.n_rows_claimed(), reader.path().to_owned());
    let columns = reader.head().columns.iter().enumerate();
    let wanted: Vec<usize> =
        columns.filter(|(_, column)| !matches!(column.kind, Kind::Other(_))).map(|(at, _)| at).collect();
    let (mut n_rows, mut line) = (0, 0);
    for batch in reader.batches_of(&wanted, 7)? {
        let batch = batch?;
        assert_eq!(batch.columns().len(), wanted.len());
        assert!(batch.n_rows() > 0 && batch.n_rows() <= 7);
        for column in batch.columns() {
            assert_eq!(column.len(), batch.n_rows());
            for (row, cell) in column.cells().enumerate() {
                let place = batch.place(row);
                assert_eq!(place.row, (n_rows + row) as u64 + 1);
                assert!(cell.is_missing() || !cell.shown().is_empty() || column.raw(row).is_some());
            }
        }
        for row in 0..batch.n_rows() {
            let next = batch.place(row).line.unwrap_or(line);
            assert!(next >= line);
            line = next;
        }
        n_rows += batch.n_rows();
    }
    if path.extension().is_some_and(|ending| ending == "npy") && !wanted.is_empty() {
        assert_eq!(Some(n_rows), claimed);
    }
    Ok(())
}
