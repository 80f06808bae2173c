//! One frame is one data set, whatever file it comes in and whatever types its program gave the columns.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod frames;

use std::fmt::Write as _;

use frames::{Column, Frame, write};
use llp_bags::own::{self, ColumnNote, FeatureSchema, Impute, Like, OwnData};
use llp_bags::source::Split;
use llp_bags::{DataNote, Normalization, prepare};
use proptest::prelude::*;
use tempfile::tempdir;

/// A row of instances: bag, integer, real, truth, color, count.
type Row = (u32, i64, f64, bool, &'static str, u32);

/// Rows of 1 to 4 bags, and the classes of their instances.
fn rows() -> impl Strategy<Value = Vec<(Row, u32)>> {
    let center = prop_oneof![Just(0_i64), Just(1_700_000_000_000_000_000), Just(-(1 << 60))];
    let real = prop_oneof![-1e3..1e3_f64, Just(101_325.1), Just(-0.5)];
    center.prop_flat_map(move |center| {
        let color = prop::sample::select(vec!["red", "blue", "dark green"]);
        let row =
            (0..4_u32, (center - 900)..(center + 900), real.clone(), any::<bool>(), color, any::<u32>());
        prop::collection::vec((row, 0..2_u32), 1..24)
    })
}

fn instances(rows: &[(Row, u32)], polars: bool) -> Frame {
    let of = |rows: &[(Row, u32)], cell: &dyn Fn(&Row) -> i64| {
        rows.iter().map(|(row, _)| cell(row)).collect::<Vec<_>>()
    };
    let counts: Vec<u32> = rows.iter().map(|(row, _)| row.5).collect();
    let bags: Vec<u32> = rows.iter().map(|(row, _)| row.0).collect();
    vec![
        (
            "bag",
            if polars { Column::Unsigned(bags) } else { Column::Integers(of(rows, &|row| row.0.into())) },
        ),
        ("stamp", Column::Integers(of(rows, &|row| row.1))),
        ("depth", Column::Reals(rows.iter().map(|(row, _)| Some(row.2)).collect())),
        ("smokes", Column::Truths(rows.iter().map(|(row, _)| row.3).collect())),
        ("color", Column::Texts(rows.iter().map(|(row, _)| row.4.to_owned()).collect())),
        (
            "count",
            if polars { Column::Unsigned(counts) } else { Column::Integers(of(rows, &|row| row.5.into())) },
        ),
    ]
}

fn proportions(rows: &[(Row, u32)], polars: bool, are_counts: bool) -> Frame {
    let mut bags: Vec<u32> = rows.iter().map(|(row, _)| row.0).collect();
    bags.sort_unstable();
    bags.dedup();
    let count =
        |bag: u32, class: u32| rows.iter().filter(|(row, own)| row.0 == bag && *own == class).count() as u32;
    let class = |class: u32| {
        let counts: Vec<u32> = bags.iter().map(|&bag| count(bag, class)).collect();
        let share = |(&bag, &n): (&u32, &u32)| Some(f64::from(n) / f64::from(count(bag, 0) + count(bag, 1)));
        match (are_counts, polars) {
            (false, _) => Column::Reals(bags.iter().zip(&counts).map(share).collect()),
            (true, true) => Column::Unsigned(counts),
            (true, false) => Column::Integers(counts.iter().map(|&n| n.into()).collect()),
        }
    };
    let names = bags.iter().map(|&bag| bag.into()).collect();
    vec![("bag", Column::Integers(names)), ("no", class(0)), ("yes", class(1))]
}

fn read(
    instances: &Frame,
    proportions: &Frame,
    ending: &str,
    index: Option<&str>,
) -> Result<OwnData, String> {
    let folder = tempdir().unwrap();
    let paths = ["i", "p"].map(|name| folder.path().join(format!("{name}.{ending}")));
    write(&paths[0], instances, index);
    write(&paths[1], proportions, index);
    own::read(&paths[0], Some(&paths[1]), 4)
        .map_err(|error| error.to_string().replace(&format!("{}", paths[0].display()), "i"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The fingerprint, the schema and the normalized values of a frame are the same from CSV, from Parquet with the
    /// types and the index of pandas, from Parquet with the types of Polars, and from NumPy; integers beyond 2^53 keep
    /// their differences.
    #[test]
    fn one_frame_is_one_data_set(rows in rows(), are_counts in any::<bool>()) {
        let of = |ending: &str, polars: bool, index: Option<&str>| {
            read(&instances(&rows, polars), &proportions(&rows, polars, are_counts), ending, index).unwrap()
        };
        let csv = of("csv", false, None);
        let stamps: Vec<i64> = rows.iter().map(|(row, _)| row.1).collect();
        let features = csv.data.train.instances.as_features().unwrap();
        for (row, &stamp) in stamps.iter().enumerate() {
            let difference = f64::from(features.row(row as u32)[0]) - f64::from(features.row(0)[0]);
            prop_assert_eq!(difference, (stamp - stamps[0]) as f64);
        }
        for (ending, polars, index) in [
            ("parquet", false, Some("__index_level_0__")),
            ("parquet", false, Some("patient")),
            ("parquet", true, None),
            ("npy", false, None),
            ("npy", true, None),
        ] {
            let other = of(ending, polars, index);
            prop_assert_eq!(&other.schema, &csv.schema, "{} {}", ending, polars);
            prop_assert_eq!(other.fingerprint(), csv.fingerprint(), "{} {}", ending, polars);
            let left_out = ColumnNote::RowNumbers { column: index.unwrap_or_default().to_owned() };
            prop_assert_eq!(other.notes.contains(&left_out), index.is_some());
        }
    }

    /// Missing numbers are refused with their number and the first row, alike in every format.
    #[test]
    fn missing_numbers_are_counted(rows in rows(), missing in prop::collection::btree_set(0..24_usize, 1..4)) {
        let mut frame = instances(&rows, false);
        let Column::Reals(cells) = &mut frame[2].1 else { unreachable!() };
        let missing: Vec<usize> = missing.into_iter().filter(|&row| row < rows.len()).collect();
        prop_assume!(!missing.is_empty());
        for &row in &missing {
            cells[row] = None;
        }
        let (row, n_missing, n_rows) = (missing[0] + 1, missing.len(), rows.len());
        for (ending, line) in [("csv", format!(" (line {})", row + 1)), ("parquet", String::new()), ("npy", String::new())] {
            let expected =
                format!("i, row {row}{line}: column \"depth\" is missing, and {n_missing} of its {n_rows} cells are");
            let error = read(&frame, &proportions(&rows, false, true), ending, None).unwrap_err();
            prop_assert!(error.starts_with(&expected), "{}: {}", ending, error);
        }
    }
}

proptest! {
    /// With `Impute`, a missing number is the mean or the median of the numbers in the rows that are not for testing,
    /// alike in every format, for training, for testing and for prediction; columns without a missing number stay as they
    /// are. Without it such a table is refused, and so is a column without any number to train on.
    #[test]
    fn missing_numbers_are_imputed(
        cells in prop::collection::vec((prop::option::weighted(0.7, -1000..1000_i32), any::<bool>()), 3..24),
        is_mean in any::<bool>(),
    ) {
        let training: Vec<f64> = (cells.iter().enumerate())
            .filter_map(|(row, (cell, is_test))| cell.filter(|_| !is_test || row == 0).map(f64::from))
            .collect();
        let texts = |of: &dyn Fn(usize) -> &'static str| Column::Texts((0..cells.len()).map(|row| of(row).to_owned()).collect());
        let splits = texts(&|row| if cells[row].1 && row > 0 { "test" } else { "train" });
        let frame = vec![
            ("bag", texts(&|row| if cells[row].1 && row > 0 { "t" } else { "a" })),
            ("split", splits),
            ("x", Column::Reals(cells.iter().map(|(cell, _)| cell.map(f64::from)).collect())),
            ("y", Column::Integers((0..cells.len() as i64).collect())),
        ];
        let shares = vec![
            ("bag", Column::Texts(vec!["a".to_owned()])),
            ("no", Column::Reals(vec![Some(0.5)])),
            ("yes", Column::Reals(vec![Some(0.5)])),
        ];
        let impute = if is_mean { Impute::Mean } else { Impute::Median };
        for ending in ["csv", "parquet", "npy"] {
            let folder = tempdir().unwrap();
            let [table, proportions] = ["i", "p"].map(|name| folder.path().join(format!("{name}.{ending}")));
            write(&table, &frame, None);
            write(&proportions, &shares, None);
            let is_complete = cells.iter().all(|(cell, _)| cell.is_some());
            prop_assert_eq!(own::read(&table, Some(&proportions), 4).is_ok(), is_complete);
            let read = own::read_imputed(&table, Some(&proportions), 4, Some(impute));
            if training.is_empty() {
                prop_assert!(read.unwrap_err().to_string().contains("is missing, and"));
                continue;
            }
            let data = read.unwrap();
            let mut sorted = training.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let n = sorted.len();
            let mean = (sorted.iter().sum::<f64>() / n as f64) as f32;
            let median = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]) as f32;
            let fill = if is_mean { mean } else { median };
            let expected = |is_wanted: &dyn Fn(usize) -> bool| -> Vec<f32> {
                let rows = (0..cells.len()).filter(|&row| is_wanted(row));
                rows.flat_map(|row| [cells[row].0.map_or(fill, |cell| cell as f32), row as f32]).collect()
            };
            let is_test = |row: usize| cells[row].1 && row > 0;
            let values = |split: &Split| split.instances.as_features().unwrap().values().to_vec();
            prop_assert_eq!(values(&data.data.train), expected(&|row| !is_test(row)));
            prop_assert_eq!(values(&data.data.test), expected(&is_test));
            let n_missing = cells.iter().filter(|(cell, _)| cell.is_none()).count();
            let note = DataNote::Imputed { n_cells: n_missing, columns: vec!["x".to_owned()], what: impute.name() };
            prop_assert_eq!(data.data.notes.contains(&note), n_missing > 0);
            let text = serde_json::to_string(&data.schema.unwrap()).unwrap();
            let schema: FeatureSchema = serde_json::from_str(&text).unwrap();
            let new = own::read_instances(&table, Like::Features(&schema)).unwrap();
            prop_assert_eq!(new.instances.as_features().unwrap().values(), expected(&|_| true));
            let counted = (n_missing > 0).then(|| ("x".to_owned(), n_missing));
            prop_assert_eq!(new.imputed, Vec::from_iter(counted));
        }
    }
}

fn two_bags() -> Frame {
    vec![
        ("bag", Column::Texts(["a", "b"].map(str::to_owned).to_vec())),
        ("no", Column::Unsigned(vec![2, 0])),
        ("yes", Column::Unsigned(vec![0, 2])),
    ]
}

fn with_column(name: &'static str, column: Column) -> Frame {
    vec![("bag", Column::Texts(["a", "a", "b", "b"].map(str::to_owned).to_vec())), (name, column)]
}

fn values(instances: &Frame, ending: &str) -> Vec<f32> {
    let data = read(instances, &two_bags(), ending, None).unwrap();
    data.data.train.instances.as_features().unwrap().values().to_vec()
}

/// Decimals are the numbers of their texts, half floats those of their bits, lists of one length as many columns.
#[test]
fn further_types_of_numbers() {
    let decimals = with_column("x", Column::Hundredths(vec![1, -250, 33, 100_000]));
    assert_eq!(values(&decimals, "parquet"), [0.01, -2.5, 0.33, 1000.0]);
    assert_eq!(values(&decimals, "parquet"), values(&decimals, "csv"));
    let halves = with_column("x", Column::Halves(vec![0x3c00, 0xc000, 0x3800, 0]));
    for ending in ["parquet", "npy"] {
        assert_eq!(values(&halves, ending), [1.0, -2.0, 0.5, 0.0], "{ending}");
    }
    let lists =
        with_column("x", Column::Lists(vec![vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0, 6.0], vec![7.0, 8.0]]));
    for ending in ["parquet", "npy"] {
        let data = read(&lists, &two_bags(), ending, None).unwrap();
        assert_eq!(data.schema.unwrap().value_names(), ["x[0]", "x[1]"], "{ending}");
        assert_eq!(values(&lists, ending), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], "{ending}");
    }
}

/// What is no number is refused in words, with the column.
#[test]
fn other_types_are_named() {
    let refused = |column, ending| read(&with_column("x", column), &two_bags(), ending, None).unwrap_err();
    let days = Column::Days(vec![0, 1, 2, 3]);
    assert!(refused(days.clone(), "parquet").contains("column \"x\" holds dates: write numbers"));
    assert!(refused(days, "npy").contains("column \"x\" holds dates or times: write numbers"));
    let lists = Column::Lists(vec![vec![1.0, 2.0], vec![3.0], vec![5.0, 6.0], vec![7.0, 8.0]]);
    let message = "column \"x\" holds lists of different lengths, 2 in row 1 and 1 in row 2";
    assert!(refused(lists, "parquet").contains(message));
}

/// Two classes that are a minute apart are as far apart in Unix seconds as on the clock (rtol 1e-6: single precision).
#[test]
fn unix_seconds_keep_their_differences() {
    let seen = |offset: i64| {
        let stamps = [0, 3, 60, 63].map(|second| offset + second).to_vec();
        let data = read(&with_column("x", Column::Integers(stamps)), &two_bags(), "csv", None).unwrap();
        let instances = &*data.data.train.instances;
        let normalization = Normalization::from_instances(instances, &instances.ids()).unwrap();
        let mut out = vec![0.0; 4];
        prepare(instances, &instances.ids(), None, &normalization, &mut out).unwrap();
        out
    };
    for (near, far) in seen(0).iter().zip(seen(1_700_000_000_000_000_000)) {
        assert!((near - far).abs() < 1e-6, "{near} {far}");
    }
}

/// Bags and classes are the same however pandas writes their numbers; columns that may be a mistake are named.
#[test]
fn csv_of_pandas() {
    let folder = tempdir().unwrap();
    let write = |name: &str, text: &str| fs_err::write(folder.path().join(name), text).unwrap();
    let mut table = "bag;x;id;who;same;split;label\n".to_owned();
    for row in 0..12 {
        let _ = writeln!(table, "{}.0;{};{row};p{row};5;train;", row / 6, row % 5);
    }
    table.push_str(";3;12;q;5;test;1.0\n");
    write("instances.csv", &table);
    write("proportions.csv", "bag\t0\t1\n0\t6\t0\n1\t1\t5\n");
    let data = own::read(folder.path(), None, 4).unwrap();
    assert_eq!(data.bags.iter().map(|bag| bag.name.as_str()).collect::<Vec<_>>(), ["0", "1"]);
    assert_eq!(data.data.test.labels.unwrap().class_counts(), [0, 1]);
    assert_eq!(
        data.notes,
        [
            ColumnNote::CountsRows { column: "id".to_owned() },
            ColumnNote::ManyTexts { column: "who".to_owned(), n_texts: 13, n_rows: 13 },
            ColumnNote::Constant { column: "same".to_owned() },
        ]
    );
}
