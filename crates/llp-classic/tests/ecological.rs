//! Ecological inference against independent numbers, and what holds for any counts.

use llp_classic::{EcologicalConfig, GroupTables, ecological_inference};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

fn floats(value: &Value) -> Vec<f64> {
    let rows = value.as_array().expect("rows");
    rows.iter()
        .flat_map(|row| row.as_array().expect("a row"))
        .map(|x| x.as_f64().expect("a number"))
        .collect()
}

fn counts(value: &Value) -> Vec<u32> {
    floats(value).into_iter().map(|count| count as u32).collect()
}

/// Theorem: estimates and the widths of intervals are those of the posterior distribution, which
/// `fixtures/ecological/generate.py` sums and samples without Markov chains. Both are good to about a twentieth of a
/// standard deviation, and widths to a tenth of themselves.
#[test]
fn posteriors_agree_with_enumeration() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/ecological/problems.json");
    let problems: Value = serde_json::from_slice(&fs_err::read(path).expect("fixture")).expect("JSON");
    for problem in problems.as_array().expect("problems") {
        let (groups, classes) = (counts(&problem["groups"]), counts(&problem["classes"]));
        let n_classes = problem["classes"][0].as_array().expect("a row").len();
        let tables = GroupTables::new(groups, 2, classes, n_classes).expect("margins");
        let config = EcologicalConfig { draws: 2000, ..EcologicalConfig::default() };
        let fit = ecological_inference(&tables, &config).expect("a fit");
        assert!(fit.converged);
        let (shares, deviations) = (floats(&problem["shares"]), floats(&problem["deviations"]));
        for ((share, expected), deviation) in fit.shares.iter().zip(shares).zip(deviations) {
            assert!(
                (share.estimate - expected).abs() < 0.2 * deviation,
                "{} {expected} {deviation}",
                share.estimate
            );
            let width = (share.interval.1 - share.interval.0) / (2.0 * 1.645);
            assert!((width / deviation - 1.0).abs() < 0.2, "{width} {deviation}");
        }
    }
}

/// Bags of some people in `groups` groups and `classes` classes, none of which is empty over all bags.
fn margins(groups: usize, classes: usize) -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
    let bag = vec(0_u32..40, groups * classes);
    vec(bag, 1..8).prop_filter_map("someone in each group and class", move |tables| {
        let of_groups: Vec<u32> =
            tables.iter().flat_map(|table| table.chunks_exact(classes).map(|row| row.iter().sum())).collect();
        let class = |table: &Vec<u32>, class: usize| table.iter().skip(class).step_by(classes).sum();
        let of_classes: Vec<u32> =
            tables.iter().flat_map(|table| (0..classes).map(move |at| class(table, at))).collect();
        let is_there = |counts: &[u32], width: usize| {
            (0..width).all(|at| counts.iter().skip(at).step_by(width).any(|&count| count > 0))
        };
        (is_there(&of_groups, groups) && is_there(&of_classes, classes)).then_some((of_groups, of_classes))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Theorem: expected counts have the margins of their bags; estimates lie within their intervals, and intervals
    /// within what the counts permit; the shares of a group sum to 1; the same seed gives the same bits.
    #[test]
    fn estimates_have_the_margins_of_the_bags(
        (groups, classes, (of_groups, of_classes)) in (2_usize..4, 2_usize..4)
            .prop_flat_map(|(groups, classes)| (Just(groups), Just(classes), margins(groups, classes))),
        seed in 0_u64..1000,
    ) {
        let tables = GroupTables::new(of_groups.clone(), groups, of_classes.clone(), classes).expect("margins");
        let config = EcologicalConfig { seed, draws: 20, sweeps: 4, bootstrap: 40, ..EcologicalConfig::default() };
        let fit = ecological_inference(&tables, &config).expect("a fit");
        for bag in 0..tables.n_bags() {
            let counts = &fit.counts[bag * groups * classes..(bag + 1) * groups * classes];
            for (row, &members) in counts.chunks_exact(classes).zip(tables.groups(bag)) {
                prop_assert!((row.iter().sum::<f64>() - f64::from(members)).abs() < 1e-9);
                prop_assert!(row.iter().all(|&count| count > -1e-9));
            }
            for (class, &members) in tables.classes(bag).iter().enumerate() {
                let sum: f64 = counts.iter().skip(class).step_by(classes).sum();
                prop_assert!((sum - f64::from(members)).abs() < 1e-9);
            }
        }
        for shares in fit.shares.chunks_exact(classes) {
            prop_assert!((shares.iter().map(|share| share.estimate).sum::<f64>() - 1.0).abs() < 1e-9);
        }
        for share in &fit.shares {
            let (bounds, interval) = (share.bounds, share.interval);
            prop_assert!(bounds.0 - 1e-9 <= share.estimate && share.estimate <= bounds.1 + 1e-9, "{share:?}");
            prop_assert!(bounds.0 <= interval.0 && interval.1 <= bounds.1, "{share:?}");
            prop_assert!(interval.0 <= share.estimate + 1e-9 && share.estimate <= interval.1 + 1e-9, "{share:?}");
            prop_assert!(share.bootstrap.0 <= share.bootstrap.1, "{share:?}");
        }
        prop_assert_eq!(&ecological_inference(&tables, &config).expect("a fit"), &fit);
    }
}

/// Theorem: where every bag holds one group, the shares are those of the counts, and nothing is left to estimate.
#[test]
fn bags_of_one_group_are_known_exactly() {
    let tables =
        GroupTables::new(vec![10, 0, 0, 20, 30, 0], 2, vec![4, 6, 5, 15, 20, 10], 2).expect("margins");
    let fit = ecological_inference(&tables, &EcologicalConfig::default()).expect("a fit");
    for (share, expected) in fit.shares.iter().zip([24.0 / 40.0, 16.0 / 40.0, 5.0 / 20.0, 15.0 / 20.0]) {
        assert!((share.estimate - expected).abs() < 1e-12);
        assert!((share.interval.0 - expected).abs() < 1e-9 && (share.interval.1 - expected).abs() < 1e-9);
        assert_eq!(share.bounds, (expected, expected));
    }
}

#[test]
fn what_cannot_be_a_table_is_refused() {
    for (groups, n_groups, classes, n_classes, part) in [
        (vec![3, 4], 2, vec![5, 1], 2, "bag 0 has 7 instances by group and 6 by class"),
        (vec![3, 0], 2, vec![2, 1], 2, "group 1 has no instance"),
        (vec![2, 1], 2, vec![0, 3], 2, "class 0 has no instance"),
        (vec![3], 1, vec![2, 1], 2, "1 groups"),
        (vec![2, 1], 2, vec![3], 1, "1 classes"),
        (vec![2, 1, 1], 2, vec![2, 1], 2, "groups has 3 entries"),
        (vec![], 2, vec![], 2, "0 bags"),
    ] {
        let error = GroupTables::new(groups, n_groups, classes, n_classes).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
    let tables = GroupTables::new(vec![2, 1], 2, vec![2, 1], 2).expect("margins");
    let config = EcologicalConfig { draws: 1, ..EcologicalConfig::default() };
    let error = ecological_inference(&tables, &config).expect_err("one draw").to_string();
    assert!(error.contains("1 draws"), "{error}");
}
