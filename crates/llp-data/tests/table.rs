//! Tables: what is read is what other programs wrote, what is written reads back, and what is wrong is named.

use std::path::{Path, PathBuf};

use llp_data::table::{Cells, Table, encode};
use proptest::prelude::*;
use tempfile::tempdir;

const IDS: [&str; 2] = ["instance", "bag"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tables").join(name)
}

/// A table as `(instance, bag, [(column, value)])`, columns in the order of their names.
type Rows = Vec<(String, String, Vec<(String, f64)>)>;

fn rows(table: &Table) -> Rows {
    let unnamed = ["cat", "dog", "owl"].map(str::to_owned);
    let names = table.names().unwrap_or(&unnamed);
    let row = |row: usize| {
        let mut cells: Vec<_> = names.iter().cloned().zip(table.row(row).iter().copied()).collect();
        cells.sort_by(|a, b| a.0.cmp(&b.0));
        (table.ids(0)[row].clone(), table.ids(1)[row].clone(), cells)
    };
    (0..table.n_rows()).map(row).collect()
}

/// The same table reads the same from every format, as NumPy and Arrow write them: any byte order, any width of
/// numbers, C and Fortran order, dictionaries, several row groups, columns in any order.
#[test]
fn every_format_tells_the_same() {
    let csv = rows(&Table::read(&fixture("probabilities.csv"), &IDS).unwrap());
    assert_eq!(csv.len(), 6);
    let owl = ("owl".to_owned(), 0.875);
    assert_eq!((&csv[5].0[..], &csv[5].1[..], &csv[5].2[2]), ("26", "12", &owl));
    for name in ["probabilities.parquet", "structured.npy", "matrix.npy", "matrix_fortran_f4.npy"] {
        assert_eq!(rows(&Table::read(&fixture(name), &IDS).unwrap()), csv, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is written reads back bit for bit, whatever the text holds, in both formats.
    #[test]
    fn what_is_written_reads_back(
        cells in prop::collection::vec(("[^\0\r\n ]{1,8}", prop::num::f64::NORMAL | prop::num::f64::ZERO), 1..20),
    ) {
        let (ids, numbers): (Vec<String>, Vec<f64>) = cells.into_iter().unzip();
        let ids: Vec<String> = ids.iter().map(|id| format!("x{}", id.trim())).collect();
        let columns = [
            ("bag".to_owned(), Cells::Text(ids.clone())),
            ("a, \"b\"".to_owned(), Cells::Numbers(numbers.clone())),
        ];
        let folder = tempdir().unwrap();
        for name in ["t.csv", "t.parquet"] {
            let path = folder.path().join(name);
            fs_err::write(&path, encode(&path, &columns).unwrap()).unwrap();
            let table = Table::read(&path, &["bag"]).unwrap();
            prop_assert_eq!(table.ids(0), &ids);
            prop_assert_eq!(table.names().unwrap(), ["a, \"b\""]);
            let bits = |row: usize| table.row(row)[0].to_bits();
            prop_assert!(numbers.iter().enumerate().all(|(row, number)| bits(row) == number.to_bits()));
        }
    }

    /// No bytes make the readers panic, whatever the name says; a damaged file is an error or a table.
    #[test]
    fn no_bytes_panic(
        name in prop::sample::select(vec!["matrix.npy", "structured.npy", "probabilities.csv", "probabilities.parquet"]),
        changes in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..4),
        keep in 0.0..=1.0_f64,
    ) {
        let mut bytes = fs_err::read(fixture(name)).unwrap();
        for (place, byte) in changes {
            let place = (place * bytes.len() as f64) as usize;
            bytes[place] = byte;
        }
        bytes.truncate((2.0 * keep * bytes.len() as f64) as usize);
        let path = tempdir().unwrap().keep().join(name);
        fs_err::write(&path, bytes).unwrap();
        if let Ok(table) = Table::read(&path, &IDS) {
            prop_assert!(table.n_rows() > 0 && table.row(table.n_rows() - 1).iter().all(|value| value.is_finite()));
        }
        fs_err::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}

/// A Parquet file with one changed byte is an error or a table that holds together, whichever byte it is.
#[test]
fn every_changed_byte_is_survived() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let whole = fs_err::read(fixture("probabilities.parquet")).unwrap();
    for place in 0..whole.len() {
        for change in [2_u8, 254] {
            let mut bytes = whole.clone();
            bytes[place] = bytes[place].wrapping_add(change);
            fs_err::write(&path, bytes).unwrap();
            if let Ok(table) = Table::read(&path, &IDS) {
                assert_eq!(table.ids(0).len(), table.ids(1).len());
                assert!((0..table.n_rows()).all(|row| !table.row(row).is_empty()));
            }
        }
    }
}

/// What is wrong with a CSV table is reported with its row.
#[test]
fn wrong_tables_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let refuse = |text: &str| {
        fs_err::write(&path, text).unwrap();
        let message = Table::read(&path, &IDS).unwrap_err().to_string();
        message.replace(&path.display().to_string(), "t.csv")
    };
    let cases = [
        (
            "",
            r#"t.csv: there is no column "instance", only nothing: add it, or rename one; commas, semicolons or tabs separate columns"#,
        ),
        ("instance,bag,a\n", "t.csv: there are no rows: a table needs at least one below its header"),
        ("instance,bag\n1,2\n", "t.csv: there is no column besides those that identify rows"),
        (
            "instance,a\n1,0.5\n",
            r#"t.csv: there is no column "bag", only instance, a: add it, or rename one; commas, semicolons or tabs separate columns"#,
        ),
        ("instance,bag,a,a\n1,2,3,4\n", r#"t.csv: there are two columns "a": rename or remove one"#),
        (
            "instance,bag,a\n1,2,0.5\n2,2\n",
            "t.csv, row 2 (line 3): 2 cells, the header has 3: separate cells by commas, and put text that has one in quotes",
        ),
        (
            "instance,bag,a\n1,2,0.5\n\n2,,0.5\n",
            r#"t.csv, row 2 (line 4): column "bag" is empty: fill it in, or drop the row"#,
        ),
        (
            "instance,bag,a\n1,2,\n",
            r#"t.csv, row 1 (line 2): column "a" is empty: fill it in, or drop the row"#,
        ),
        (
            "instance,bag,a\n1,2,much\n",
            r#"t.csv, row 1 (line 2): column "a" is "much", expected a finite number"#,
        ),
        (
            "instance,bag,a\n1,2,NaN\n",
            r#"t.csv, row 1 (line 2): column "a" is "NaN", expected a finite number"#,
        ),
    ];
    for (text, message) in cases {
        assert_eq!(refuse(text), message, "{text:?}");
    }
    let wrong_name = Table::read(&folder.path().join("t.txt"), &IDS).unwrap_err().to_string();
    assert!(
        wrong_name.ends_with(
            "t.txt: cannot tell what it is, expected a name that ends with .csv, .parquet or .npy"
        )
    );
    assert!(encode(Path::new("t.npy"), &[]).is_err());
}

/// Parquet columns that are no numbers, and empty cells, are reported with column and row.
#[test]
fn wrong_columns_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let text = |name: &str| (name.to_owned(), Cells::Text(vec!["x".to_owned()]));
    let columns = [text("instance"), text("bag"), text("a")];
    fs_err::write(&path, encode(&path, &columns).unwrap()).unwrap();
    let message = Table::read(&path, &IDS).unwrap_err().to_string();
    assert!(message.ends_with(r#"t.parquet: column "a" holds text: expected numbers"#), "{message}");

    let path = folder.path().join("t.npy");
    fs_err::write(&path, "no array").unwrap();
    let message = Table::read(&path, &IDS).unwrap_err().to_string();
    assert!(message.contains("t.npy: not a NumPy array: "), "{message}");
    let whole = fs_err::read(fixture("matrix.npy")).unwrap();
    fs_err::write(&path, &whole[..whole.len() - 8]).unwrap();
    let message = Table::read(&path, &IDS).unwrap_err().to_string();
    let expected = "t.npy: 232 bytes of data, its header promises 240: the file is damaged";
    assert!(message.ends_with(expected), "{message}");
}
