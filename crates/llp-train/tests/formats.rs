//! One frame is one network and one set of predictions, whatever file it comes in.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "../../llp-bags/tests/frames/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of types that no frame here has")]
mod frames;

use std::path::Path;

use frames::{Column, Frame, write};
use llp_bags::own::{self, Impute, Like};
use llp_sweep::config::{Layers, RunConfig};
use llp_train::{FitHooks, Fitted, fit};
use proptest::prelude::*;
use tempfile::tempdir;

/// A row: bag, integer beyond 2^53, real or nothing, truth, color, count, class.
type Row = (u32, i64, Option<f64>, bool, &'static str, u32, u32);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let center = prop_oneof![Just(0_i64), Just(1_700_000_000_000_000_000), Just(-(1 << 60))];
    center.prop_flat_map(|center| {
        let row = (
            0..4_u32,
            (center - 900)..(center + 900),
            prop::option::weighted(0.8, prop_oneof![-1e3..1e3_f64, Just(101_325.1)]),
            any::<bool>(),
            prop::sample::select(vec!["red", "blue", "dark green"]),
            any::<u32>(),
            0..2_u32,
        );
        prop::collection::vec(row, 3..24)
    })
}

fn frames(rows: &[Row], is_polars: bool, are_counts: bool) -> [Frame; 2] {
    let unsigned = |cells: Vec<u32>| {
        if is_polars {
            Column::Unsigned(cells)
        } else {
            Column::Integers(cells.into_iter().map(i64::from).collect())
        }
    };
    let instances = vec![
        ("bag", unsigned(rows.iter().map(|row| row.0).collect())),
        ("stamp", Column::Integers(rows.iter().map(|row| row.1).collect())),
        ("depth", Column::Reals(rows.iter().map(|row| row.2).collect())),
        ("smokes", Column::Truths(rows.iter().map(|row| row.3).collect())),
        ("color", Column::Texts(rows.iter().map(|row| row.4.to_owned()).collect())),
        ("count", unsigned(rows.iter().map(|row| row.5).collect())),
    ];
    let mut bags: Vec<u32> = rows.iter().map(|row| row.0).collect();
    bags.sort_unstable();
    bags.dedup();
    let count =
        |bag: u32, class: u32| rows.iter().filter(|row| row.0 == bag && row.6 == class).count() as u32;
    let class = |class: u32| {
        let share = |&bag: &u32| f64::from(count(bag, class)) / f64::from(count(bag, 0) + count(bag, 1));
        if are_counts {
            unsigned(bags.iter().map(|&bag| count(bag, class)).collect())
        } else {
            Column::Reals(bags.iter().map(|bag| Some(share(bag))).collect())
        }
    };
    let proportions = vec![("bag", unsigned(bags.clone())), ("no", class(0)), ("yes", class(1))];
    [instances, proportions]
}

fn config() -> RunConfig {
    let mut layers = Layers::new();
    for (key, value) in [
        ("network.hidden", "4"),
        ("network.depth", "1"),
        ("optim.epochs", "2"),
        ("optim.min_steps", "4"),
        ("optim.images_per_step", "8"),
    ] {
        layers.argument("the test", key, value).unwrap();
    }
    layers.resolve("table").unwrap()
}

/// Trains on the two files in a folder, and predicts the first.
fn train(folder: &Path, ending: &str) -> (Fitted, Vec<u64>) {
    let [table, proportions] = ["i", "p"].map(|name| folder.join(format!("{name}.{ending}")));
    let own = own::read_imputed(&table, Some(&proportions), 4, Some(Impute::Median)).unwrap();
    let hooks = FitHooks {
        seconds: &|| 0.0,
        should_stop: &|| false,
        begun: &mut |_| {},
        epoch_ended: &mut |_| {},
        trains_anyway: true,
        warn: &mut |_| {},
        version: "0",
    };
    let fitted = fit(own, &config(), hooks).unwrap();
    let predictor = fitted.model.predictor().unwrap();
    let schema = predictor.state().features.clone().unwrap();
    let new = own::read_instances(&table, Like::Features(&schema)).unwrap().instances;
    let logits = predictor.logits(&new, &new.ids()).unwrap();
    (fitted, logits.into_iter().map(f64::to_bits).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// From CSV, from Parquet with the types and the index of pandas, from Parquet with the types of Polars and from NumPy,
    /// with bags of unequal sizes, shares or counts, and missing numbers that are imputed: the same network, bit for bit,
    /// with the same description, and the same logits.
    #[test]
    fn one_frame_is_one_network(rows in rows(), are_counts in any::<bool>()) {
        prop_assume!(rows.iter().any(|row| row.2.is_some()));
        let of = |ending: &str, is_polars: bool, index: Option<&str>| {
            let folder = tempdir().unwrap();
            let [instances, proportions] = frames(&rows, is_polars, are_counts);
            write(&folder.path().join(format!("i.{ending}")), &instances, index);
            write(&folder.path().join(format!("p.{ending}")), &proportions, index);
            train(folder.path(), ending)
        };
        let (csv, logits) = of("csv", false, None);
        for (ending, is_polars, index) in
            [("parquet", false, Some("__index_level_0__")), ("parquet", true, None), ("npy", true, None)]
        {
            let (other, of_other) = of(ending, is_polars, index);
            prop_assert!(other.model == csv.model, "{} {}", ending, is_polars);
            prop_assert!(of_other == logits, "{} {}", ending, is_polars);
        }
    }
}
