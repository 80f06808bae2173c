//! The first byte chooses a format, the others are a file of it: refused, or a table whose numbers are finite.
#![no_main]

mod guarded;

use libfuzzer_sys::fuzz_target;
use llp_data::table::Table;

fuzz_target!(init: guarded::leave_guarded_panics(), |bytes: &[u8]| {
    let Some((format, content)) = bytes.split_first() else { return };
    let name = ["t.csv", "t.npy", "t.parquet"][usize::from(*format) % 3];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("a writable folder");
    match Table::read(&path, &["instance", "bag"]) {
        Ok(table) => assert!((0..table.n_rows()).all(|row| table.row(row).iter().all(|value| value.is_finite()))),
        Err(error) => drop(error.to_string()),
    }
});
