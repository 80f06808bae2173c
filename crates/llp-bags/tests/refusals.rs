//! What is refused, with the message that tells how to mend it.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::sync::Arc;

use llp_bags::{BagError, BagSet, Images, LabelOracle, Proportions, hold_out, partition};

fn message<T: std::fmt::Debug>(outcome: Result<T, BagError>) -> String {
    outcome.unwrap_err().to_string()
}

fn images(n: usize) -> Arc<Images> {
    Arc::new(Images::new(1, 1, 1, vec![0; n]).unwrap())
}

fn even() -> Proportions {
    Proportions::new(vec![0.5, 0.5]).unwrap()
}

/// Sizes that make no bag are refused with those that do.
#[test]
fn bag_sizes_out_of_range() {
    let range = "choose 1 to 3";
    assert_eq!(
        message(partition(&[4, 5, 6], 0, 0)),
        format!("bag size 0 is not possible with 3 instances: {range}")
    );
    assert_eq!(
        message(partition(&[4, 5, 6], 4, 0)),
        format!("bag size 4 is not possible with 3 instances: {range}")
    );
    assert_eq!(message(partition(&[], 1, 0)), "there must be at least one instance");
    assert_eq!(
        message(partition(&[7, 1, 7], 1, 0)),
        "instance 7 appears more than once: an instance belongs to one bag, once"
    );
}

/// Fractions outside `[0, 1)` are refused.
#[test]
fn fractions_out_of_range() {
    for fraction in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        let expected = format!("cannot hold out a fraction of {fraction}: it must be at least 0 and below 1");
        assert_eq!(message(hold_out(&[1, 2], fraction, 0)), expected);
    }
    assert_eq!(message(hold_out(&[], 0.5, 0)), "there must be at least one instance");
}

/// Bags of own data are checked against the images and the proportions.
#[test]
fn bags_of_own_data() {
    let new = |bags: &[&[u32]], n_proportions| {
        let bags = bags.iter().map(|bag| bag.to_vec()).collect();
        message(BagSet::new(images(4), bags, vec![even(); n_proportions]))
    };
    assert_eq!(new(&[], 0), "there must be at least one bag");
    assert_eq!(new(&[&[0], &[1]], 1), "1 vectors of proportions for 2 bags");
    assert_eq!(new(&[&[0], &[]], 2), "bag 1 is empty: every bag needs at least one instance");
    assert_eq!(new(&[&[0], &[4]], 2), "there is no instance 4 among 4");
    let repeated = "instance 1 appears more than once: an instance belongs to one bag, once";
    assert_eq!(new(&[&[0, 1], &[1]], 2), repeated);

    let three = Proportions::new(vec![1.0, 0.0, 0.0]).unwrap();
    let mixed = BagSet::new(images(2), vec![vec![0], vec![1]], vec![even(), three]);
    assert_eq!(message(mixed), "bag 1 has proportions of 3 classes, the bags before it of 2");
}

/// Bags of own data may differ in size and need no label.
#[test]
fn bags_without_labels() {
    let bag_set = BagSet::new(images(4), vec![vec![3, 0, 1], vec![2]], vec![even(); 2]).unwrap();
    assert_eq!(
        (bag_set.len(), bag_set.n_instances(), bag_set.n_classes(), bag_set.remainder()),
        (2, 4, 2, 0)
    );
    assert_eq!(bag_set.instances(0), [3, 0, 1]);
}

/// Labels and predictions must fit the images and the classes.
#[test]
fn labels_and_predictions() {
    assert_eq!(message(LabelOracle::new(vec![0, 3], 3)), "instance 1 has label 3, but labels go from 0 to 2");
    assert_eq!(message(LabelOracle::new(vec![], 0)), "there must be at least one class");
    let oracle = LabelOracle::new(vec![0, 1], 2).unwrap();
    assert_eq!(message(oracle.accuracy(&[0])), "1 predictions for 2 instances");
    assert_eq!(
        message(oracle.confusion(&[0, 2])),
        "instance 1 is predicted as class 2, but classes go from 0 to 1"
    );
    assert_eq!(message(oracle.subset(&[2])), "there is no instance 2 among 2");
    let bags = partition(&[0, 1, 2], 1, 0).unwrap();
    assert_eq!(message(BagSet::from_partition(images(3), &bags, &oracle)), "2 labels for 3 images");
}

/// Pixels must make whole images.
#[test]
fn pixels_of_no_image() {
    assert_eq!(
        message(Images::new(2, 2, 3, vec![0; 13])),
        "13 bytes of pixels are not a whole number of images of 2x2x3"
    );
    assert_eq!(
        message(Images::new(0, 2, 3, vec![])),
        "images of 0x2x3 have no pixels: height, width and channels must be at least 1"
    );
}

/// An oracle's debug output shows no label.
#[test]
fn debug_output_shows_no_label() {
    let oracle = LabelOracle::new(vec![41, 41, 41], 42).unwrap();
    assert_eq!(format!("{oracle:?}"), "LabelOracle(3 instances, 42 classes)");
}
