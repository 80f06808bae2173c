//! Theorems about bags that are not uniform.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use llp_bags::rng::{Purpose, below, stream};
use llp_bags::{
    DataError, Images, LabelOracle, Partition, Variation, partition, partition_by_clusters,
    partition_by_groups, partition_by_shares,
};
use proptest::prelude::*;

/// Labels, an image of four pixels for each, some of the instances in no order, and a bag size that is possible.
#[derive(Clone, Debug)]
struct Labelled {
    labels: LabelOracle,
    images: Images,
    instances: Vec<u32>,
    bag_size: usize,
}

fn labelled() -> impl Strategy<Value = Labelled> {
    let sizes = (1_usize..6, 1_usize..150).prop_flat_map(|(n_classes, n)| {
        let labels = prop::collection::vec(0..n_classes as u32, n);
        let pixels = prop::collection::vec(any::<u8>(), 4 * n);
        let instances = prop::sample::subsequence((0..n as u32).collect::<Vec<_>>(), 1..=n).prop_shuffle();
        (Just(n_classes), labels, pixels, instances, 0.0..1.0_f64)
    });
    sizes.prop_map(|(n_classes, labels, pixels, instances, fraction)| Labelled {
        labels: LabelOracle::new(labels, n_classes).unwrap(),
        images: Images::new(2, 2, 1, pixels).unwrap(),
        bag_size: 1 + (fraction * instances.len() as f64) as usize,
        instances,
    })
}

/// How bags may be drawn.
type Draw = fn(&Labelled, &[u32], u64) -> Result<Partition, DataError>;

/// Every kind of bags of a fixed size.
const KINDS: [(&str, Draw); 5] = [
    ("uniform", |data, instances, seed| partition(instances, data.bag_size, seed)),
    ("skewed", |data, instances, seed| {
        partition_by_shares(instances, &data.labels, data.bag_size, 0.05, seed)
    }),
    ("almost pure", |data, instances, seed| {
        partition_by_shares(instances, &data.labels, data.bag_size, 1e-300, seed)
    }),
    ("even", |data, instances, seed| partition_by_shares(instances, &data.labels, data.bag_size, 1e9, seed)),
    ("clusters", |data, instances, seed| {
        partition_by_clusters(instances, &data.images, data.bag_size, instances.len().min(4), seed)
    }),
];

proptest! {
    /// Of every kind: bags and remainder are the instances, each once; all bags are full; nothing more would fit.
    #[test]
    fn every_kind_is_complete_disjoint_and_full(data in labelled(), seed: u64) {
        for (kind, draw) in KINDS {
            let Partition { bags, remainder } = draw(&data, &data.instances, seed).unwrap();
            prop_assert!(bags.iter().all(|bag| bag.len() == data.bag_size), "{kind}");
            prop_assert!(remainder.len() < data.bag_size, "{kind}");
            let mut all = bags.concat();
            all.extend(&remainder);
            all.sort_unstable();
            let mut expected = data.instances.clone();
            expected.sort_unstable();
            prop_assert_eq!(all, expected, "{}", kind);
        }
    }

    /// Of every kind: bags depend on the set of instances and the seed, not on the order in which instances are listed,
    /// nor on the number of threads.
    #[test]
    fn every_kind_depends_on_set_and_seed_only(data in labelled(), seed: u64) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        for (kind, draw) in KINDS {
            let mut reversed = data.instances.clone();
            reversed.reverse();
            let again = pool.install(|| draw(&data, &reversed, seed).unwrap());
            prop_assert_eq!(draw(&data, &data.instances, seed).unwrap(), again, "{}", kind);
        }
    }

    /// Different seeds give different bags of every kind: 120 instances leave no room for a coincidence.
    #[test]
    fn different_seeds_give_different_bags(first: u64, second: u64) {
        prop_assume!(first != second);
        let data = hundred_and_twenty();
        for (kind, draw) in KINDS {
            let draw = |seed| draw(&data, &data.instances, seed).unwrap();
            prop_assert_ne!(draw(first), draw(second), "{}", kind);
        }
    }

    /// The smaller the concentration, the more bags differ: 60 bags of 16 from 4 classes, concentrations a factor of 20
    /// apart. Uniform bags are at the multinomial floor (within 7 standard deviations of 0.1), skewed ones above it.
    #[test]
    fn bags_differ_more_as_the_concentration_falls(seed: u64) {
        let labels = LabelOracle::new((0..960).map(|instance| instance % 4).collect(), 4).unwrap();
        let instances: Vec<u32> = (0..960).collect();
        let variation = |bags: Partition| {
            let counts: Vec<_> =
                bags.bags.iter().map(|bag| labels.subset(bag).unwrap().class_counts()).collect();
            Variation::of_counts(counts.iter().map(|counts| &counts[..]))
        };
        let skewed = |alpha| variation(partition_by_shares(&instances, &labels, 16, alpha, seed).unwrap());
        let (pure, mixed, even) = (skewed(0.02), skewed(0.4), skewed(8.0));
        prop_assert!(pure.between > mixed.between && mixed.between > even.between, "{pure:?} {mixed:?} {even:?}");
        prop_assert!(mixed.between > 1.5 * mixed.floor, "{mixed:?}");
        let uniform = variation(partition(&instances, 16, seed).unwrap());
        prop_assert!((uniform.between / uniform.floor - 1.0).abs() < 0.8, "{uniform:?}");
    }

    /// Bags by a column: each holds all instances of one value and no other, in the order of the values.
    #[test]
    fn a_column_names_its_bags(data in labelled(), seed: u64) {
        let mut rng = stream(seed, Purpose::Init, 0);
        let values: Vec<String> =
            (0..data.labels.len()).map(|_| format!("value {}", below(&mut rng, 5))).collect();
        let Partition { bags, remainder } = partition_by_groups(&data.instances, &values).unwrap();
        prop_assert!(remainder.is_empty());
        let value = |bag: &Vec<u32>| values[bag[0] as usize].clone();
        prop_assert!(bags.windows(2).all(|pair| value(&pair[0]) < value(&pair[1])));
        prop_assert!(bags.iter().all(|bag| bag.iter().all(|&instance| values[instance as usize] == value(bag))));
        let mut all = bags.concat();
        all.sort_unstable();
        let mut expected = data.instances;
        expected.sort_unstable();
        prop_assert_eq!(all, expected);
    }
}

fn hundred_and_twenty() -> Labelled {
    Labelled {
        labels: LabelOracle::new((0..120).map(|instance| instance % 3).collect(), 3).unwrap(),
        images: Images::new(2, 2, 1, (0..480).map(|place| (place * 37 % 251) as u8).collect()).unwrap(),
        instances: (0..120).collect(),
        bag_size: 8,
    }
}

/// Images in three groups far apart end in bags of one group each, whatever the seed: the groups are found.
#[test]
fn clusters_are_found() {
    let pixel = |instance: u32| (instance % 3 * 100 + instance % 7) as u8;
    let images = Images::new(1, 2, 1, (0..90).flat_map(|i| [pixel(i), 255 - pixel(i)]).collect()).unwrap();
    for seed in 0..20 {
        let bags = partition_by_clusters(&(0..images.len() as u32).collect::<Vec<_>>(), &images, 10, 3, seed)
            .unwrap()
            .bags;
        assert_eq!(bags.len(), 9);
        for bag in bags {
            assert!(bag.iter().all(|instance| instance % 3 == bag[0] % 3), "seed {seed}: {bag:?}");
        }
    }
}

/// More clusters than different images leave some of them empty, and all instances in bags.
#[test]
fn equal_images_make_one_cluster() {
    let images = Images::new(1, 1, 1, vec![9; 12]).unwrap();
    let Partition { bags, remainder } =
        partition_by_clusters(&(0..images.len() as u32).collect::<Vec<_>>(), &images, 4, 12, 0).unwrap();
    assert_eq!((bags.len(), remainder.len()), (3, 0));
}

/// Two bags of opposite classes: `between` is 1/2 and `floor` 1/2 * 1/4, by hand.
#[test]
fn variation_by_hand() {
    let counts = [vec![4, 0], vec![0, 4]];
    let Variation { between, floor } = Variation::of_counts(counts.iter().map(|counts| &counts[..]));
    assert_eq!((between, floor), (0.5, 0.125));
    assert_eq!(Variation::of_counts(std::iter::empty()), Variation { between: 0.0, floor: 0.0 });
}
