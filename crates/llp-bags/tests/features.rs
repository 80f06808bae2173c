//! Rows of features: what a network sees of them, and what distinguishes two tables.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use llp_bags::source::{Dataset, Split};
use llp_bags::{Features, Images, Instances, Normalization, prepare};
use proptest::prelude::*;

fn normalized(data: &Instances) -> (Normalization, Vec<f32>) {
    let normalization = Normalization::from_instances(data, &data.ids()).unwrap();
    let mut out = vec![f32::NAN; data.len() * data.shape().n_values()];
    prepare(data, &data.ids(), None, &normalization, &mut out).unwrap();
    (normalization, out)
}

/// A column of random numbers around `center`, as wide as `spread`.
fn column() -> impl Strategy<Value = Vec<f32>> {
    let center = prop_oneof![Just(0.0_f32), -1e6_f32..1e6, Just(1e30)];
    let spread = prop_oneof![Just(0.0_f32), 1e-3_f32..1e3, Just(1e30)];
    (center, spread, prop::collection::vec(-1.0_f32..1.0, 2..60))
        .prop_map(|(center, spread, units)| units.iter().map(|unit| center + spread * unit).collect())
}

proptest! {
    /// Normalized with their own statistics, columns have a mean square of 1 (rtol 1e-4: single precision), whatever
    /// their center and spread; those of equal values are zero.
    #[test]
    fn normalized_columns_have_unit_mean_square(column in column()) {
        let is_constant = column.iter().all(|value| *value == column[0]);
        let n = column.len() as f64;
        let (_, out) = normalized(&Features::new(1, column).unwrap().into());
        let mean_square = out.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / n;
        if is_constant {
            prop_assert!(out.iter().all(|value| *value == 0.0));
        } else {
            prop_assert!((mean_square - 1.0).abs() < 1e-4, "{mean_square}");
        }
    }

    /// A column of zeros and ones stays as it is, however rare its ones; one of either alone becomes zero.
    #[test]
    fn flags_stay(flags in prop::collection::vec(any::<bool>(), 2..60)) {
        let column: Vec<f32> = flags.iter().map(|flag| f32::from(u8::from(*flag))).collect();
        let is_constant = column.iter().all(|value| *value == column[0]);
        let (_, out) = normalized(&Features::new(1, column.clone()).unwrap().into());
        prop_assert_eq!(out, if is_constant { vec![0.0; column.len()] } else { column });
    }

    /// Rows come in the order in which they are asked for, each column with its own statistics.
    #[test]
    fn rows_come_in_order(seed in 0_u32..1000) {
        let values: Vec<f32> = (0..30).map(|i| ((i * 37 + seed) % 101) as f32).collect();
        let data = Instances::from(Features::new(3, values).unwrap());
        let (normalization, all) = normalized(&data);
        let mut out = vec![0.0; 6];
        prepare(&data, &[7, 2], None, &normalization, &mut out).unwrap();
        prop_assert_eq!(out, [&all[21..24], &all[6..9]].concat());
    }
}

/// The fingerprint changes with every number, with the shape, and between images and features of the same numbers.
#[test]
fn fingerprints_tell_tables_apart() {
    let fingerprint = |instances: Instances| {
        let split = Split::unlabeled(instances);
        let dataset = Dataset {
            name: "own".to_owned(),
            class_names: vec!["a".to_owned(), "b".to_owned()],
            mirror_preserves_class: false,
            test: split.clone(),
            train: split,
            notes: vec![],
        };
        dataset.fingerprint()
    };
    let features = |n_columns, values: &[f32]| Features::new(n_columns, values.to_vec()).unwrap().into();
    let prints = [
        fingerprint(features(1, &[0.0, 1.0])),
        fingerprint(features(2, &[0.0, 1.0])),
        fingerprint(features(1, &[0.0, 1.5])),
        fingerprint(features(1, &[0.0])),
        fingerprint(Images::new(1, 1, 1, vec![0, 1]).unwrap().into()),
    ];
    let distinct: std::collections::BTreeSet<&String> = prints.iter().collect();
    assert_eq!(distinct.len(), prints.len());
    assert_eq!(prints[0], fingerprint(features(1, &[0.0, 1.0])));
}
