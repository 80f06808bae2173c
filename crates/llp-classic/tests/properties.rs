//! Properties that hold for all bags.
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod drawn;

use drawn::{Drawn, bags, order};
use llp_classic::{
    Bags, EmConfig, GicfConfig, InvCalConfig, KMeansConfig, LinearKlConfig, LinearModel, LmmConfig,
    MeanMapConfig, Stopping, cluster_labels, count_log_likelihood, em_from, gicf_from, inv_cal,
    linear_kl_from, llp_kmeans, lmm, mean_map,
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

/// The error of labels of clusters as the publication states it, instance by instance; `clusters` are in the order of bags.
fn stated_error(drawn: &Drawn, clusters: &[usize], labels: &[usize]) -> f64 {
    let (n, n_bags, k) = (clusters.len() as f64, drawn.counts.len(), drawn.counts[0].len());
    let mut by_bag: Vec<u32> = drawn.bag_of.clone();
    by_bag.sort_unstable();
    let share = |bag: usize, class: usize| {
        let of_bag = by_bag.iter().zip(clusters).filter(|(b, _)| **b as usize == bag);
        let (mut here, mut size) = (0.0, 0.0);
        for (_, &cluster) in of_bag {
            here += f64::from(u8::from(labels[cluster] == class));
            size += 1.0;
        }
        (here / size, size)
    };
    let (mut weighted, mut prior) = (0.0, 0.0);
    for class in 0..k {
        let known: f64 = drawn.counts.iter().map(|counts| f64::from(counts[class])).sum::<f64>() / n;
        let mut given = 0.0;
        for (bag, counts) in drawn.counts.iter().enumerate() {
            let (g, size) = share(bag, class);
            weighted += known * size / n * (f64::from(counts[class]) / size - g).powi(2);
            given += g * size / n;
        }
        prior += (known - given).powi(2);
    }
    (weighted / (n_bags * k) as f64 * prior / k as f64).sqrt()
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

    /// Theorem: GICF means the same for every order of instances, bags and classes, and for every unit of the columns.
    #[test]
    fn gicf_does_not_depend_on_order_or_units(drawn in bags(), seed: u64, factor in 0.01..100.0_f64) {
        let fit = |drawn: &Drawn| {
            let config = GicfConfig { l2: 0.3, stopping: EXACT, ..GicfConfig::default() };
            let zero = |bags: &Bags<'_, f64>| LinearModel::zero(bags.n_classes(), bags.n_columns());
            let model = drawn.with(|bags| gicf_from(bags, &config, &zero(bags)).unwrap().model);
            model.probabilities(&drawn.features).unwrap()
        };
        let (n, k) = (drawn.bag_of.len(), drawn.counts[0].len());
        let (instances, classes) = (order(n, seed), order(k, !seed));
        let moved = drawn.reordered(&instances).with_classes(&classes).scaled(&[factor; 3], &[1.0; 3]);
        let expected = permuted(&fit(&drawn), k, &instances, &classes);
        for (got, expected) in fit(&moved).iter().zip(expected) {
            // Similarities in single precision; a curvature of 0.3.
            prop_assert!((got - expected).abs() < 1e-5, "{got} for {expected}");
        }
    }

    /// Theorem: no other label of a single cluster has a smaller error than the labels found, whatever the clusters are, also
    /// where there are too many labelings to try; where all are tried, no labeling has.
    #[test]
    fn no_label_of_a_cluster_is_better(drawn in bags(), n_clusters in 1_usize..=8, seed: u64) {
        let n = drawn.bag_of.len();
        let clusters: Vec<usize> = order(n, seed).iter().map(|at| at % n_clusters).collect();
        drawn.with(|bags| -> Result<(), TestCaseError> {
            let (labels, error) = cluster_labels(bags, &clusters, n_clusters);
            let value = |labels: &[usize]| stated_error(&drawn, &clusters, labels);
            prop_assert!((value(&labels) - error).abs() < 1e-9, "{error}"); // the root of products of rounded sums
            let k = bags.n_classes();
            for place in 0..n_clusters {
                for class in 0..k {
                    let mut other = labels.clone();
                    other[place] = class;
                    prop_assert!(value(&other) > error - 1e-9);
                }
            }
            let n_labelings = k.pow(n_clusters as u32);
            for number in 0..if n_labelings <= 4096 { n_labelings } else { 0 } {
                let other: Vec<usize> = (0..n_clusters).map(|at| number / k.pow(at as u32) % k).collect();
                prop_assert!(value(&other) > error - 1e-9);
            }
            Ok(())
        })?;
    }

    /// Theorem: a longer search never ends with a larger error, and equal seeds give equal clusters.
    #[test]
    fn a_longer_search_is_no_worse(drawn in bags(), seed in 0..1000_u64) {
        drawn.with(|bags| -> Result<(), TestCaseError> {
            let config = KMeansConfig { population: 5, generations: 1, seed, ..KMeansConfig::default() };
            let short = llp_kmeans(bags, &config).unwrap();
            let long = llp_kmeans(bags, &KMeansConfig { generations: 4, ..config }).unwrap();
            prop_assert!(long.error <= short.error);
            prop_assert_eq!(llp_kmeans(bags, &config).unwrap(), short);
            Ok(())
        })?;
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
