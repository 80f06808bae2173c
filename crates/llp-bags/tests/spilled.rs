//! Tables that memory does not hold: their numbers go to a file, and nothing else changes. A process of its own: limit and
//! cache are one for all.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use llp_bags::own::{self, Impute, OwnData};
use llp_data::cache::{Cache, CacheEvent, set_cache};
use llp_data::set_available_memory;
use proptest::prelude::*;

static CACHE: OnceLock<tempfile::TempDir> = OnceLock::new();
static SPILLED: AtomicUsize = AtomicUsize::new(0);

fn report(event: &CacheEvent<'_>) {
    if let CacheEvent::Spilling { .. } = event {
        SPILLED.fetch_add(1, Ordering::Relaxed);
    }
}

/// A number as a column of this kind has it in a row: whole, whole at first, far from zero, huge, or missing now and then.
fn number(kind: usize, row: usize, seed: u64) -> String {
    let draw = (row as u64 + 1).wrapping_mul(seed | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match kind {
        0 => draw.to_string(),
        1 if row < 5000 => draw.to_string(),
        1 => format!("{draw}.5"),
        2 => (9_007_199_254_740_993 + draw % 100).to_string(),
        3 => format!("{draw}e290"),
        _ if draw.is_multiple_of(7) => String::new(),
        _ => format!("{}", draw as f64 / 3.0),
    }
}

fn write(folder: &Path, n_rows: usize, seed: u64) {
    let mut table = "bag,split,a,b,c,d,e,color\n".to_owned();
    for row in 0..n_rows {
        // Bags 1, 3 and 5 have rows among the first 40 only, the others in the whole table.
        let split = if row % 2 == 0 || row < 40 { "" } else { "test" };
        let bag = if split.is_empty() { (row % 6).to_string() } else { String::new() };
        write!(table, "{bag},{split}").unwrap();
        (0..5).for_each(|kind| write!(table, ",{}", number(kind, row, seed)).unwrap());
        writeln!(table, ",{}", ["red", "green", "blue"][row % 3]).unwrap();
    }
    fs_err::write(folder.join("instances.csv"), table).unwrap();
    let bags: Vec<String> = (0..6).map(|bag| format!("{bag},0.{},0.{}", bag + 1, 9 - bag)).collect();
    fs_err::write(folder.join("proportions.csv"), format!("bag,cat,dog\n{}\n", bags.join("\n"))).unwrap();
}

/// All that a training sees.
fn seen(data: &OwnData) -> String {
    let OwnData { bags, schema, notes, test_names, .. } = data;
    let columns = data.data.train.instances.as_features().unwrap().n_columns();
    format!("{} {columns} {bags:?} {schema:?} {notes:?} {}", data.data.fingerprint(), test_names.name(0))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// With memory for less than the numbers and without a limit, the same features, bit for bit, and the same columns.
    #[test]
    fn a_table_in_a_file_is_the_one_in_memory(n_rows in 9000_usize..14_000, seed in any::<u64>()) {
        let folder = tempfile::tempdir().unwrap();
        let cache = CACHE.get_or_init(|| tempfile::tempdir().unwrap()).path();
        set_cache(Cache::for_large_data(cache, report));
        write(folder.path(), n_rows, seed);
        let read = || own::read_imputed(folder.path(), None, 32, Some(Impute::Median)).unwrap();
        set_available_memory(u64::MAX);
        let (in_memory, n_before) = (seen(&read()), SPILLED.load(Ordering::Relaxed));
        set_available_memory(400_000);
        let spilled = read();
        prop_assert!(SPILLED.load(Ordering::Relaxed) > n_before);
        prop_assert_eq!(seen(&spilled), in_memory);
        prop_assert_eq!(fs_err::read_dir(cache).unwrap().count(), 0, "the file has no name");
    }
}
