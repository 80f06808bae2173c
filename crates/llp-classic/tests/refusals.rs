//! Bad input and what the crate says to it.
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use llp_classic::{
    Bags, GicfConfig, InvCalConfig, KMeansConfig, L2_PATH, LinearKlConfig, LinearModel, MeanMapConfig,
    Stopping, choose_l2, gicf, inv_cal, linear_kl, linear_kl_from, llp_kmeans, llp_kmeans_from, mean_map,
};
use llp_ot::Proportions;
use messages::Messages;

fn shares(counts: &[u32]) -> Proportions {
    Proportions::from_counts(counts).unwrap()
}

#[test]
fn bad_bags_are_refused() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "bags", "Bags for linear models");
    let x = [0.0_f64, 1.0, 2.0, 3.0];
    let two = [shares(&[1, 1]), shares(&[0, 2])];
    let mut refuse = |input: &str, features: &[f64], n_columns: usize, bag_of: &[u32], z: &[Proportions]| {
        messages.refused(input, Bags::new(features, n_columns, bag_of, z).map(|_| ()));
    };
    refuse("no columns", &x, 0, &[0, 1], &two);
    refuse("no bags", &x, 2, &[0, 0], &[]);
    refuse("one class", &x, 2, &[0, 0], &[shares(&[2])]);
    refuse("a bag with more classes", &x, 2, &[0, 1], &[shares(&[1, 1]), shares(&[1, 1, 1])]);
    refuse("features of half an instance", &x[..3], 2, &[0, 1], &two);
    refuse("a missing number", &[0.0, 1.0, f64::NAN, 3.0], 2, &[0, 1], &two);
    refuse("a bag without proportions", &x, 2, &[0, 2], &two);
    refuse("a bag without instances", &x, 2, &[0, 0], &two);
    let mut of_parts = |input: &str, parts: &[(&[u32], &Proportions)]| {
        messages.refused(input, Bags::of_parts(&x, 2, parts).map(|_| ()));
    };
    of_parts("a part without rows", &[(&[0], &two[0]), (&[], &two[1])]);
    of_parts("a row that is not there", &[(&[0], &two[0]), (&[2], &two[1])]);
    messages.compare();
}

#[test]
fn bad_settings_are_refused() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "methods", "Methods for linear models");
    let x = [0.0_f64, 1.0, 2.0, 3.0];
    let (differ, alike) = ([shares(&[1, 1]), shares(&[0, 2])], [shares(&[1, 1]), shares(&[2, 2])]);
    let bags = Bags::new(&x, 1, &[0, 0, 1, 1], &differ).unwrap();
    let alike = Bags::new(&x, 1, &[0, 0, 1, 1], &alike).unwrap();
    let mean = MeanMapConfig::default();
    let kl = LinearKlConfig::default();
    messages.refused("MeanMap on bags of equal shares", mean_map(&alike, &mean));
    messages.refused("MeanMap with a negative penalty", mean_map(&bags, &MeanMapConfig { l2: -1.0, ..mean }));
    let stopping = Stopping { gradient: 0.0, ..Stopping::default() };
    messages.refused("KL to a gradient of 0", linear_kl(&bags, &LinearKlConfig { stopping, ..kl }));
    messages
        .refused("KL from a model of another shape", linear_kl_from(&bags, &kl, &LinearModel::zero(3, 1)));
    messages.refused(
        "InvCal without errors",
        inv_cal(&bags, &InvCalConfig { c: 0.0, ..InvCalConfig::default() }),
    );
    let few = GicfConfig { max_instances: 3, ..GicfConfig::default() };
    messages.refused("GICF on too many instances", gicf(&bags, &few));
    messages.refused("GICF without the shares", gicf(&bags, &GicfConfig { lambda: 0.0, ..few }));
    let five = KMeansConfig { n_clusters: Some(5), ..KMeansConfig::default() };
    messages.refused("more clusters than instances", llp_kmeans(&bags, &five));
    messages.refused("weights of other columns", llp_kmeans_from(&bags, &five, &[1.0, 1.0], &[0.0; 4]));
    let fit = |bags: &Bags<'_, f64>, _: f64, _: Option<&LinearModel>| mean_map(bags, &mean);
    messages.refused("no penalties", choose_l2(&bags, &[], 2, fit));
    messages.refused("more folds than bags", choose_l2(&bags, &L2_PATH, 3, fit));
    messages.compare();
}

/// Bags that are all alike are no obstacle to the KL loss.
#[test]
fn linear_kl_takes_bags_that_are_alike() {
    let alike = [shares(&[1, 1]), shares(&[2, 2])];
    let bags = Bags::new(&[0.0_f32, 1.0, 2.0, 3.0], 1, &[0, 0, 1, 1], &alike).unwrap();
    assert!(linear_kl(&bags, &LinearKlConfig::default()).unwrap().converged);
}
