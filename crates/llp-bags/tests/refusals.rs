//! What is refused, with the message that says how to fix it.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;

use std::sync::Arc;

use llp_bags::{
    BagSet, Features, Images, Imprecision, Instances, LabelOracle, Proportions, fold, hold_out, partition,
};
use messages::Messages;

fn topic(topic: &str, title: &'static str) -> Messages {
    Messages::new(env!("CARGO_MANIFEST_DIR"), topic, title)
}

fn images(n: usize) -> Arc<Instances> {
    Arc::new(Images::new(1, 1, 1, vec![0; n]).unwrap().into())
}

fn even() -> Proportions {
    Proportions::new(vec![0.5, 0.5]).unwrap()
}

/// Sizes that make no bag are refused with those that do, and fractions outside `[0, 1)`.
#[test]
fn drawing() {
    let mut messages = topic("drawing", "Drawing bags and held-out instances");
    messages.refused("a bag size of 0", partition(&[4, 5, 6], 0, 0));
    messages.refused("a bag size beyond the split", partition(&[4, 5, 6], 4, 0));
    messages.refused("no instance to draw from", partition(&[], 1, 0));
    messages.refused("an instance listed twice", partition(&[7, 1, 7], 1, 0));
    for fraction in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        messages.refused(&format!("holding out {fraction}"), hold_out(&[1, 2], fraction, 0));
    }
    messages.refused("holding out of nothing", hold_out(&[], 0.5, 0));
    messages.refused("more folds than bags", fold(4, 5, 0, 0));
    messages.refused("a fold beyond the last", fold(4, 2, 2, 0));
    messages.compare();
}

/// Proportions are on the simplex.
#[test]
fn proportions() {
    let mut messages = topic("proportions", "Proportions");
    let mut refuse = |input: &str, values: &[f64]| messages.refused(input, Proportions::new(values.to_vec()));
    refuse("proportions that do not add up to 1", &[0.5, 0.4]);
    refuse("a negative proportion", &[1.5, -0.5]);
    refuse("a proportion that is no number", &[0.5, f64::NAN]);
    refuse("an infinite proportion", &[f64::INFINITY, 0.0]);
    refuse("no proportion", &[]);
    messages.refused("counts of an empty bag", Proportions::from_counts(&[0, 0]));
    let three = Proportions::new(vec![1.0, 0.0, 0.0]).unwrap();
    let mixed = BagSet::new(images(2), vec![vec![0], vec![1]], vec![even(), three]);
    messages.refused("proportions of another length", mixed);
    messages
        .refused("bags without proportions", BagSet::new(images(4), vec![vec![0], vec![1]], vec![even()]));
    messages.compare();
}

/// What is known of the errors of proportions suits them, and leaves some proportions possible.
#[test]
fn imprecision() {
    let mut messages = topic("imprecision", "Errors of proportions");
    let bags = || BagSet::new(images(2), vec![vec![0], vec![1]], vec![even(); 2]).unwrap();
    let mut refuse = |input: &str, of_bag: Imprecision| {
        messages.refused(input, bags().with_imprecision(vec![Imprecision::Exact, of_bag]));
    };
    let errors = Imprecision::StandardErrors;
    refuse("a standard error for too few classes", errors(vec![0.1]));
    refuse("a negative standard error", errors(vec![0.1, -0.1]));
    refuse("a standard error that is no number", errors(vec![f64::NAN, 0.1]));
    let within =
        |low: [f64; 2], high: [f64; 2]| Imprecision::Intervals { low: low.into(), high: high.into() };
    refuse("bounds in the wrong order", within([0.5, 0.0], [0.4, 1.0]));
    refuse("a bound above 1", within([0.5, 0.0], [0.6, 1.1]));
    refuse("bounds that leave no proportions", within([0.0, 0.2], [0.3, 0.6]));
    messages.refused("too few", bags().with_imprecision(vec![Imprecision::Exact]));
    messages.refused("shares rounded to nothing", Imprecision::rounded(&[0.5, 0.5], 0.0));
    messages.refused("a rounded share below 0", Imprecision::rounded(&[1.0, -0.5], 0.5));
    messages.refused("shares that nothing rounds to", Imprecision::rounded(&[0.5, 0.9], 0.1));
    messages.refused("a noisy share that is no number", Imprecision::noisy(&[0.5, f64::NAN], vec![0.1; 2]));
    messages.refused("known shares above 1", Imprecision::partial(&[Some(0.7), Some(0.7), None]));
    messages.refused("a negative known share", Imprecision::partial(&[Some(-0.5), None]));
    messages.refused("no class", Imprecision::partial(&[]));
    messages.compare();
}

/// Bags of own data are checked against the images and the proportions.
#[test]
fn own_bags() {
    let mut messages = topic("own-bags", "Bags of own data");
    let mut refuse = |input: &str, bags: &[&[u32]]| {
        let bags: Vec<_> = bags.iter().map(|bag| bag.to_vec()).collect();
        let proportions = vec![even(); bags.len()];
        messages.refused(input, BagSet::new(images(4), bags, proportions));
    };
    refuse("no bag", &[]);
    refuse("an empty bag", &[&[0], &[]]);
    refuse("an instance that does not exist", &[&[0], &[4]]);
    refuse("an instance in two bags", &[&[0, 1], &[1]]);
    messages.compare();
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

/// Labels and predictions must fit the images and the classes, and pixels make whole images.
#[test]
fn labels_predictions_and_pixels() {
    let mut messages = topic("labels", "Labels, predictions and pixels");
    messages.refused("a label that names no class", LabelOracle::new(vec![0, 3], 3));
    messages.refused("no class", LabelOracle::new(vec![], 0));
    let oracle = LabelOracle::new(vec![0, 1], 2).unwrap();
    messages.refused("too few predictions", oracle.accuracy(&[0]));
    messages.refused("a prediction that names no class", oracle.confusion(&[0, 2]));
    messages.refused("labels of an instance that does not exist", oracle.subset(&[2]));
    let bags = partition(&[0, 1, 2], 1, 0).unwrap();
    messages.refused("too few labels", BagSet::from_partition(images(3), &bags, &oracle));
    messages.refused("a part of an image", Images::new(2, 2, 3, vec![0; 13]));
    messages.refused("an image without pixels", Images::new(0, 2, 3, vec![]));
    messages.refused("features without columns", Features::new(0, vec![]));
    messages.refused("a part of a row", Features::new(3, vec![0.0; 5]));
    messages.refused("a feature that is no number", Features::new(2, vec![0.0, 1.0, 2.0, f32::NAN]));
    messages.compare();
}

/// An oracle's debug output shows no label.
#[test]
fn debug_output_shows_no_label() {
    let oracle = LabelOracle::new(vec![41, 41, 41], 42).unwrap();
    assert_eq!(format!("{oracle:?}"), "LabelOracle(3 instances, 42 classes)");
}
