//! Theorems about bags, splits and draws, on random instances.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use llp_bags::rng::{Purpose, below, shuffle, stream, uniform};
use llp_bags::{BagSet, Images, Instances, LabelOracle, fold, hold_out, partition, subset};
use proptest::prelude::*;

/// Distinct instance ids in no order.
fn instances() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::btree_set(0_u32..500, 1..200)
        .prop_map(|set| set.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

/// A bag size that is possible with the instances.
fn instances_and_bag_size() -> impl Strategy<Value = (Vec<u32>, usize)> {
    instances().prop_flat_map(|instances| {
        let n = instances.len();
        (Just(instances), 1..=n)
    })
}

/// One-pixel images with a label each.
fn labelled() -> impl Strategy<Value = (Arc<Instances>, Vec<u32>, usize)> {
    (1_usize..6).prop_flat_map(|n_classes| {
        prop::collection::vec(0..n_classes as u32, 1..150).prop_map(move |labels| {
            let images = Images::new(1, 1, 1, vec![0; labels.len()]).unwrap();
            (Arc::new(images.into()), labels, n_classes)
        })
    })
}

proptest! {
    /// Bags and remainder together are the instances, each exactly once; all bags are full; nothing more would fit.
    #[test]
    fn a_partition_is_complete_disjoint_and_full((instances, bag_size) in instances_and_bag_size(), seed: u64) {
        let partition = partition(&instances, bag_size, seed).unwrap();
        prop_assert!(partition.bags.iter().all(|bag| bag.len() == bag_size));
        prop_assert!(partition.remainder.len() < bag_size);
        let mut all = partition.bags.concat();
        all.extend(&partition.remainder);
        all.sort_unstable();
        let mut expected = instances;
        expected.sort_unstable();
        prop_assert_eq!(all, expected);
    }

    /// Each bag is held out in exactly one fold and trained on in all others, and folds differ in size by at most one.
    #[test]
    fn folds_are_an_even_partition((n_bags, n_folds) in (2_usize..60).prop_flat_map(|n| (Just(n), 2..=n)), seed: u64) {
        let folds: Vec<_> = (0..n_folds).map(|index| fold(n_bags, n_folds, index, seed).unwrap()).collect();
        let mut held_out: Vec<usize> = folds.iter().flat_map(|fold| fold.held_out.clone()).collect();
        held_out.sort_unstable();
        prop_assert_eq!(held_out, (0..n_bags).collect::<Vec<_>>());
        for fold in &folds {
            let mut both = [&fold.train[..], &fold.held_out[..]].concat();
            both.sort_unstable();
            prop_assert_eq!(both, (0..n_bags).collect::<Vec<_>>());
            prop_assert!(fold.held_out.len().abs_diff(n_bags / n_folds) <= 1);
        }
    }

    /// Bags depend on the set of instances and the seed, not on the order in which instances are listed.
    #[test]
    fn a_partition_depends_on_set_and_seed_only((instances, bag_size) in instances_and_bag_size(), seed: u64) {
        let mut reversed = instances.clone();
        reversed.reverse();
        prop_assert_eq!(partition(&instances, bag_size, seed).unwrap(), partition(&reversed, bag_size, seed).unwrap());
    }

    /// Different seeds give different bags: 100 instances leave no room for a coincidence.
    #[test]
    fn different_seeds_give_different_bags(first: u64, second: u64, bag_size in 1_usize..50) {
        prop_assume!(first != second);
        let instances: Vec<u32> = (0..100).collect();
        prop_assert_ne!(
            partition(&instances, bag_size, first).unwrap().bags,
            partition(&instances, bag_size, second).unwrap().bags
        );
    }

    /// The counts of all bags and of the remainder add up to the class totals of the split, and each bag's proportions
    /// are the counts of its labels over its size.
    #[test]
    fn proportions_add_up_to_the_class_totals((images, labels, n_classes) in labelled(), seed: u64, size in 1_usize..150) {
        let bag_size = size.min(labels.len());
        let oracle = LabelOracle::new(labels.clone(), n_classes).unwrap();
        let partition = partition(&images.ids(), bag_size, seed).unwrap();
        let bag_set = BagSet::from_partition(images, &partition, &oracle).unwrap();

        let mut totals = oracle.subset(&partition.remainder).unwrap().class_counts();
        for bag in 0..bag_set.len() {
            for (class, total) in totals.iter_mut().enumerate() {
                let count =
                    bag_set.instances(bag).iter().filter(|&&i| labels[i as usize] as usize == class).count() as u32;
                // The same division of the same integers: equal to the last bit.
                let expected = f64::from(count) / bag_size as f64;
                prop_assert_eq!(bag_set.proportions(bag).as_slice()[class].to_bits(), expected.to_bits());
                *total += count;
            }
        }
        prop_assert_eq!(totals, oracle.class_counts());
        prop_assert_eq!(bag_set.n_instances() + bag_set.remainder(), labels.len());
    }

    /// No label of an instance reaches a bag set: permuting the labels inside the bags changes nothing in it.
    #[test]
    fn a_bag_set_is_blind_to_labels_inside_bags((images, labels, n_classes) in labelled(), seed: u64, size in 1_usize..150) {
        let oracle = LabelOracle::new(labels.clone(), n_classes).unwrap();
        let partition = partition(&images.ids(), size.min(labels.len()), seed).unwrap();
        let shuffled = oracle.shuffled_within(&partition.bags, seed).unwrap();
        prop_assert_eq!(oracle.class_counts(), shuffled.class_counts());

        let original = BagSet::from_partition(images.clone(), &partition, &oracle).unwrap();
        let permuted = BagSet::from_partition(images, &partition, &shuffled).unwrap();
        for bag in 0..original.len() {
            prop_assert_eq!(original.instances(bag), permuted.instances(bag));
            prop_assert_eq!(original.proportions(bag), permuted.proportions(bag));
        }
    }

    /// Held-out and training instances are disjoint and complete, and of the asked size to half an instance; so no
    /// held-out instance is ever in a training bag.
    #[test]
    fn holding_out_splits_the_instances(instances in instances(), fraction in 0.0..1.0_f64, seed: u64) {
        let split = hold_out(&instances, fraction, seed).unwrap();
        let sorted = |ids: &[u32]| ids.windows(2).all(|pair| pair[0] < pair[1]);
        prop_assert!(sorted(&split.train) && sorted(&split.held_out));
        let union: BTreeSet<u32> = split.train.iter().chain(&split.held_out).copied().collect();
        prop_assert_eq!(split.train.len() + split.held_out.len(), instances.len());
        prop_assert_eq!(union, instances.iter().copied().collect::<BTreeSet<_>>());
        prop_assert!(!split.train.is_empty());
        let expected = fraction * instances.len() as f64;
        let distance = (split.held_out.len() as f64 - expected).abs();
        prop_assert!(distance <= 0.5 || split.train.len() == 1);
    }

    /// Subsets have the asked size, ascend, exist, and are nested for equal seeds.
    #[test]
    fn subsets_are_nested(n in 1_u32..300, small in 0_usize..300, more in 0_usize..100, seed: u64) {
        let small_subset = subset(n, small, seed);
        prop_assert_eq!(small_subset.len(), small.min(n as usize));
        prop_assert!(small_subset.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(small_subset.iter().all(|&instance| instance < n));
        let large: BTreeSet<u32> = subset(n, small + more, seed).into_iter().collect();
        prop_assert!(small_subset.iter().all(|instance| large.contains(instance)));
    }

    /// A shuffle is a permutation, and bounded integers and uniform numbers keep their bounds.
    #[test]
    fn draws_keep_their_range(n in 1_usize..200, bound in 1_u32.., seed: u64) {
        let mut rng = stream(seed, Purpose::Init, 0);
        let mut items: Vec<usize> = (0..n).collect();
        shuffle(&mut items, &mut rng);
        items.sort_unstable();
        prop_assert_eq!(items, (0..n).collect::<Vec<_>>());
        prop_assert!(below(&mut rng, bound) < bound);
        prop_assert!((0.0..1.0).contains(&uniform(&mut rng)));
    }

    /// Streams differ if any of seed, purpose and index differs.
    #[test]
    fn streams_differ(seed: u64, index: u64, other: u64) {
        use llp_bags::rng::Rng;
        let draw = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        let reference = draw(seed, Purpose::Bags, index);
        prop_assert_ne!(reference, draw(seed, Purpose::BagOrder, index));
        prop_assert_eq!(other == seed, reference == draw(other, Purpose::Bags, index));
        prop_assert_eq!(other == index, reference == draw(seed, Purpose::Bags, other));
    }

    /// Accuracy is the trace of the confusion over the number of instances; the rows of the confusion are the class
    /// counts, its columns the predictions.
    #[test]
    fn confusion_counts_every_instance_once((_, labels, n_classes) in labelled(), seed: u64) {
        let oracle = LabelOracle::new(labels.clone(), n_classes).unwrap();
        let mut rng = stream(seed, Purpose::Init, 1);
        let predictions: Vec<u32> = labels.iter().map(|_| below(&mut rng, n_classes as u32)).collect();
        let confusion = oracle.confusion(&predictions).unwrap();
        let rows: Vec<u32> = confusion.chunks(n_classes).map(|row| row.iter().sum()).collect();
        prop_assert_eq!(rows, oracle.class_counts());
        let columns: Vec<u32> =
            (0..n_classes).map(|class| confusion.iter().skip(class).step_by(n_classes).sum()).collect();
        prop_assert_eq!(columns, LabelOracle::new(predictions.clone(), n_classes).unwrap().class_counts());
        let n_correct = labels.iter().zip(&predictions).filter(|(label, prediction)| label == prediction).count();
        let expected = n_correct as f64 / labels.len() as f64;
        // The same division of the same integers: equal to the last bit.
        prop_assert_eq!(oracle.accuracy(&predictions).unwrap().to_bits(), expected.to_bits());
    }
}

/// Every order of three items is equally likely: 6,000 shuffles, each count within five standard deviations (29) of
/// 1,000.
#[test]
fn shuffles_are_uniform() {
    let mut counts = std::collections::BTreeMap::new();
    for index in 0..6000 {
        let mut items = [0, 1, 2];
        shuffle(&mut items, &mut stream(1, Purpose::Bags, index));
        *counts.entry(items).or_insert(0_i32) += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(counts.values().all(|count| (count - 1000).abs() < 5 * 29), "{counts:?}");
}

/// The first four moments of 200,000 normal numbers are those of the standard normal, within five standard errors.
#[test]
fn normal_numbers_have_normal_moments() {
    let mut rng = stream(3, Purpose::Init, 0);
    let n = 200_000;
    let draws: Vec<f64> = (0..n).map(|_| llp_bags::rng::normal(&mut rng)).collect();
    for (power, moment, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0_f64)] {
        let mean = draws.iter().map(|x| x.powi(power)).sum::<f64>() / f64::from(n);
        let standard_error = (variance / f64::from(n)).sqrt();
        assert!((mean - moment).abs() < 5.0 * standard_error, "moment {power} is {mean}");
    }
}
