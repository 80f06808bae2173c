//! Properties that hold for all bags.
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod drawn;

use drawn::{Drawn, bags, order};
use llp_classic::{
    Bags, EmConfig, InvCalConfig, LinearKlConfig, LinearModel, LmmConfig, MeanMapConfig, Stopping,
    count_log_likelihood, em_from, inv_cal, linear_kl_from, lmm, mean_map,
};
use proptest::prelude::*;

const EXACT: Stopping = Stopping { gradient: 1e-9, max_evaluations: 10_000 };

/// Scores are compared after solvers that stop at gradients of 1e-9 with penalties of 0.1.
const TOLERANCE: f64 = 1e-6;

/// Methods whose problems are strictly convex, and the KL loss from 0 with a strong penalty.
const METHODS: [fn(&Bags<'_, f64>) -> LinearModel; 4] = [
    |bags| {
        let config = MeanMapConfig { stopping: EXACT, ..MeanMapConfig::default() };
        mean_map(bags, &config).unwrap().model
    },
    |bags| {
        let config = LinearKlConfig { l2: 0.3, stopping: EXACT, ..LinearKlConfig::default() };
        let zero = LinearModel::zero(bags.n_classes(), bags.n_columns());
        linear_kl_from(bags, &config, &zero).unwrap().model
    },
    |bags| lmm(bags, &LmmConfig { stopping: EXACT, ..LmmConfig::default() }).unwrap().model,
    |bags| {
        inv_cal(bags, &InvCalConfig { c: 0.1, tolerance: 1e-10, ..InvCalConfig::default() }).unwrap().model
    },
];

/// What each method's model says of the instances, less what it says of all classes alike.
fn all_scores(drawn: &Drawn) -> Vec<Vec<f64>> {
    let of_method = |method: &fn(&Bags<'_, f64>) -> LinearModel| {
        let model = drawn.with(method);
        let scores = model.probabilities(&drawn.features).unwrap();
        scores.into_iter().map(|p| p.max(1e-300).ln()).collect()
    };
    METHODS.iter().map(of_method).collect()
}

fn assert_close(got: &[Vec<f64>], expected: &[Vec<f64>]) -> Result<(), TestCaseError> {
    for (method, (got, expected)) in got.iter().zip(expected).enumerate() {
        for (got, expected) in got.iter().zip(expected) {
            let error = (got - expected).abs();
            prop_assert!(error < TOLERANCE * (1.0 + expected.abs()), "method {method}: {got} for {expected}");
        }
    }
    Ok(())
}

fn permuted(rows: &[f64], k: usize, instances: &[usize], classes: &[usize]) -> Vec<f64> {
    instances.iter().flat_map(|i| classes.iter().map(move |c| rows[i * k + c])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 64 } else { 256 }))]

    /// Theorem: the order of instances, of bags and of classes changes no model.
    #[test]
    fn order_means_nothing(drawn in bags(), seed: u64) {
        let (n, k) = (drawn.bag_of.len(), drawn.counts[0].len());
        let (instances, classes) = (order(n, seed), order(k, !seed));
        let moved = drawn.reordered(&instances).with_classes(&classes).with_bags(&order(drawn.counts.len(), seed.rotate_left(9)));
        let expected: Vec<_> =
            all_scores(&drawn).iter().map(|rows| permuted(rows, k, &instances, &classes)).collect();
        assert_close(&all_scores(&moved), &expected)?;
    }

    /// Theorem: with standardization, units and origins of columns change no prediction.
    #[test]
    fn units_mean_nothing(
        drawn in bags(),
        factors in prop::collection::vec(prop_oneof![0.01..100.0_f64, -100.0..-0.01_f64], 3),
        shifts in prop::collection::vec(-10.0..10.0_f64, 3),
    ) {
        assert_close(&all_scores(&drawn.scaled(&factors, &shifts)), &all_scores(&drawn))?;
    }

    /// Theorem: features of single precision give the model of the same numbers in double precision, bit for
    /// bit.
    #[test]
    fn single_precision_is_only_storage(drawn in bags()) {
        let single: Vec<f32> = drawn.features.iter().map(|&x| x as f32).collect();
        let double = Drawn { features: single.iter().map(|&x| f64::from(x)).collect(), ..drawn.clone() };
        let proportions = drawn.proportions();
        let bags = Bags::new(&single, drawn.n_columns, &drawn.bag_of, &proportions).unwrap();
        let fit = mean_map(&bags, &MeanMapConfig::default()).unwrap();
        prop_assert_eq!(fit, double.with(|bags| mean_map(bags, &MeanMapConfig::default()).unwrap()));
    }

    /// Theorem: training on a subset of the bags is training on their instances alone.
    #[test]
    fn a_subset_is_its_instances(drawn in bags()) {
        let kept: Vec<usize> = (0..drawn.counts.len() - 1).collect();
        let alone = Drawn {
            counts: drawn.counts[..kept.len()].to_vec(),
            ..drawn.reordered(&(0..drawn.bag_of.len()).filter(|&i| (drawn.bag_of[i] as usize) < kept.len()).collect::<Vec<_>>())
        };
        let fit = drawn.with(|bags| mean_map(&bags.subset(&kept), &MeanMapConfig::default()).unwrap());
        prop_assert_eq!(fit, alone.with(|bags| mean_map(bags, &MeanMapConfig::default()).unwrap()));
    }

    /// Theorem: a round of EM with exact responsibilities never lowers the penalized likelihood.
    #[test]
    fn em_climbs(drawn in bags()) {
        let value = |bags: &Bags<'_, f64>, model: &LinearModel| {
            let penalty: f64 = model.weights.iter().map(|w| w * w).sum();
            count_log_likelihood(bags, model).unwrap() - 0.05 * penalty
        };
        let config = EmConfig {
            l2: 0.1, standardize: false, max_states: usize::MAX, max_rounds: 1, stopping: EXACT, ..EmConfig::default()
        };
        drawn.with(|bags| -> Result<(), TestCaseError> {
            let mut model = LinearModel::zero(bags.n_classes(), bags.n_columns());
            let mut last = value(bags, &model);
            for _ in 0..5 {
                model = em_from(bags, &config, &model).unwrap().model;
                let next = value(bags, &model);
                prop_assert!(next >= last - 1e-10, "{next} after {last}"); // rounding
                last = next;
            }
            Ok(())
        })?;
    }
}
