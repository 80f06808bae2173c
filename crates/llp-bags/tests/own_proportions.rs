//! The one reader of proportions: what is accepted, and what it is understood as.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::fmt::Write as _;
use std::path::Path;

use llp_bags::own::ProportionTable;
use llp_bags::{DataError, Imprecision, Proportions};
use proptest::prelude::*;
use tempfile::tempdir;

fn table(rows: &[Vec<String>]) -> ProportionTable {
    let classes: Vec<String> = (0..rows[0].len()).map(|class| format!("c{class}")).collect();
    let mut text = format!("bag,{}\n", classes.join(","));
    for (bag, row) in rows.iter().enumerate() {
        writeln!(text, "b{bag},{}", row.join(",")).unwrap();
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("p.csv");
    fs_err::write(&path, text).unwrap();
    ProportionTable::read(&path).unwrap()
}

fn resolved(
    rows: &[Vec<String>],
    sizes: &[Option<usize>],
) -> Result<Vec<Option<(Proportions, Imprecision)>>, DataError> {
    table(rows).resolve(sizes, Path::new("instances"))
}

/// Shares of 1 to 6 bags in up to 40 classes.
fn shares() -> impl Strategy<Value = Vec<Vec<f64>>> {
    (2..40_usize).prop_flat_map(|n_classes| {
        let bag = prop::collection::vec(0.0..1.0_f64, n_classes).prop_map(|weights| {
            let sum = weights.iter().sum::<f64>() + 1e-3;
            let mut shares: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
            shares[0] += 1.0 - shares.iter().sum::<f64>();
            shares
        });
        prop::collection::vec(bag, 1..6)
    })
}

proptest! {
    /// Shares that are rounded to some decimals are divided by their sum, to the last bit, whether the bags are there
    /// or not.
    #[test]
    fn rounding_is_divided_out(shares in shares(), decimals in 3..17_usize) {
        let rows: Vec<Vec<String>> =
            shares.iter().map(|bag| bag.iter().map(|share| format!("{share:.decimals$}")).collect()).collect();
        let resolved = resolved(&rows, &vec![Some(7); rows.len()]).unwrap();
        for (row, bag) in rows.iter().zip(resolved) {
            let written: Vec<f64> = row.iter().map(|cell| cell.parse().unwrap()).collect();
            let sum: f64 = written.iter().sum();
            let expected = Proportions::new(written.iter().map(|share| share / sum).collect()).unwrap();
            prop_assert_eq!(bag.unwrap(), (expected, Imprecision::Exact));
        }
    }

    /// Shares whose decimals are cut off are accepted, and at most as many last digits off as there are classes.
    #[test]
    fn cut_decimals_are_accepted(shares in shares(), decimals in 3..7_i32) {
        let unit = 10_f64.powi(decimals);
        let cut = |share: &f64| format!("{:.*}", decimals as usize, (share * unit).floor() / unit);
        let rows: Vec<Vec<String>> = shares.iter().map(|bag| bag.iter().map(cut).collect()).collect();
        let resolved = resolved(&rows, &vec![None; rows.len()]);
        prop_assert_eq!(resolved.unwrap(), vec![None; rows.len()]);
        let resolved = self::resolved(&rows, &vec![Some(3); rows.len()]).unwrap();
        for (bag, exact) in resolved.into_iter().flatten().zip(&shares) {
            for (got, share) in bag.0.as_slice().iter().zip(exact) {
                prop_assert!((got - share).abs() <= (exact.len() + 1) as f64 / unit, "{got} {share}");
            }
        }
    }

    /// However many classes there are, a row that misses 1 by more than a tenth is refused.
    #[test]
    fn the_tolerance_is_bounded(n_classes in 2..600_usize, decimals in 1..4_i32, missed in 0.11..0.5_f64) {
        let share = (1.0 - missed) / n_classes as f64;
        let mut row = vec![format!("{share:.9}"); n_classes];
        row[0] = format!("{:.9}", share.max(10_f64.powi(-decimals)).min(0.5 * (1.0 - missed)));
        let sum: f64 = row.iter().map(|cell| cell.parse::<f64>().unwrap()).sum();
        prop_assume!((sum - 1.0).abs() > 0.101);
        let refused = resolved(&[row], &[Some(3)]).unwrap_err().to_string();
        prop_assert!(refused.contains("the shares of bag"), "{refused}");
    }

    /// Counts are divided by the size of the bag (atol 1e-15: a rounding or two); bags of unknown size wait.
    #[test]
    fn counts_are_counts(counts in prop::collection::vec(prop::collection::vec(0..50_u32, 3), 1..6)) {
        prop_assume!(counts.iter().all(|bag| bag.iter().sum::<u32>() > 1));
        let rows: Vec<Vec<String>> = counts.iter().map(|bag| bag.iter().map(ToString::to_string).collect()).collect();
        let mut sizes: Vec<Option<usize>> =
            counts.iter().map(|bag| Some(bag.iter().sum::<u32>() as usize)).collect();
        sizes[0] = None;
        let resolved = resolved(&rows, &sizes).unwrap();
        prop_assert!(resolved[0].is_none());
        for (bag, counts) in resolved.iter().zip(&counts).skip(1) {
            let (proportions, expected) = (&bag.as_ref().unwrap().0, Proportions::from_counts(counts).unwrap());
            let pairs = proportions.as_slice().iter().zip(expected.as_slice());
            prop_assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() <= 1e-15));
            let n_instances = counts.iter().sum();
            prop_assert_eq!(&proportions.largest_remainder_counts(n_instances), counts);
        }
    }
}

/// Classes may come in another order; what is no class is said, and a bag is found by its name.
#[test]
fn columns_and_rows() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("p.csv");
    fs_err::write(
        &path,
        "Unnamed: 0,dog,bag,cat,cat_se,dog_se\n0,0.25,7.0,0.75,0.1,0.1\n1,1,8.0,0,0.1,0.1\n",
    )
    .unwrap();
    let table = ProportionTable::read(&path).unwrap();
    assert_eq!(
        (table.class_names(), table.other_columns()),
        (&["dog", "cat"].map(str::to_owned)[..], &["Unnamed: 0".to_owned()][..])
    );
    assert_eq!((table.row("8"), table.row("8.0"), table.bag(0)), (Some(1), None, "7"));
    let turned = table.ordered(&[1, 0]);
    assert_eq!(turned.class_names(), ["cat", "dog"]);
    let (proportions, imprecision) = turned.resolve(&[Some(4), None], &path).unwrap().remove(0).unwrap();
    assert_eq!(proportions.as_slice(), [0.75, 0.25]);
    assert_eq!(imprecision, Imprecision::StandardErrors(vec![0.1, 0.1]));
}
