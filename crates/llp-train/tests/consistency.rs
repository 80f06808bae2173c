//! Theorems about training with a second view of each image.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod common;
mod small;

use common::weights;
use llp_bags::source::digits::digits;
use llp_sweep::run_dir::RunDir;
use llp_train::TrainingData;
use proptest::prelude::*;
use small::{config, train, whole_and_stopped};

const DC: [&str; 2] = ["consistency.name=dc", "consistency.threshold=0.2"];

/// Without a label that counts, training is that without a second view, bit for bit; with labels it is not, and every way
/// to label trains another network.
#[test]
fn labels_that_count_change_the_weights() {
    let data = TrainingData::new(digits(), &config(&[])).unwrap();
    let plain = train(&data, &[]);
    assert_eq!(train(&data, &["consistency.name=dc", "consistency.threshold=0.9999999"]), plain);
    assert_eq!(train(&data, &["consistency.name=none"]), plain);
    let dc = train(&data, &DC);
    assert_eq!(train(&data, &[DC[0], DC[1], "optim.images_per_chunk=64"]), dc);
    let mut trained = vec![
        plain,
        dc.clone(),
        train(&data, &["consistency.name=ahil"]),
        train(&data, &["consistency.name=dc", "consistency.confidence=entropy"]),
        train(&data, &[DC[0], DC[1], "consistency.weight=1.0"]),
        train(&data, &[DC[0], DC[1], "consistency.ramp_up=0.5"]),
        train(&data, &["consistency.name=vat"]),
        train(&data, &["consistency.name=vat", "consistency.ramp_up=0.0"]),
        train(&data, &["consistency.name=vat", "consistency.distance=1.0"]),
        train(&data, &["consistency.name=vat", "consistency.weight=0.5"]),
    ];
    let n = trained.len();
    trained.sort_unstable();
    trained.dedup();
    assert_eq!(trained.len(), n);
    assert_eq!(train(&data, &DC), dc);
}

/// The strong views add their gradient times their weight: a small weight changes the weights in proportion to it.
#[test]
fn a_small_weight_changes_little() {
    let one_step =
        ["optim.epochs=1", "optim.images_per_step=10000", "consistency.name=dc", "consistency.threshold=0.0"];
    let data = TrainingData::new(digits(), &config(&[])).unwrap();
    let values = |weight: Option<&str>| -> Vec<f64> {
        let settings: Vec<&str> = match weight {
            Some(weight) => one_step.iter().copied().chain([weight]).collect(),
            None => one_step[..2].to_vec(),
        };
        train(&data, &settings).into_iter().map(|bits| f64::from(f32::from_bits(bits))).collect()
    };
    let plain = values(None);
    let change = |weight: &str| -> Vec<f64> {
        values(Some(weight)).iter().zip(&plain).map(|(with, without)| with - without).collect()
    };
    let (small, large) = (change("consistency.weight=0.25"), change("consistency.weight=1.0"));
    let norm = large.iter().map(|x| x * x).sum::<f64>().sqrt();
    let off =
        small.iter().zip(&large).map(|(small, large)| (4.0 * small - large).powi(2)).sum::<f64>().sqrt();
    assert!(norm > 1e-4, "{norm}");
    assert!(off < 1e-3 * norm, "{off} of {norm}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5, ..ProptestConfig::default() })]

    /// Stopped at any steps and resumed, such a run ends with the same bits.
    #[test]
    fn stopping_does_not_change_the_result(
        stops in prop::collection::vec(0_usize..7, 1..4),
        method in prop::sample::select(vec!["dc", "ahil", "vat"]),
    ) {
        let name = format!("consistency.name={method}");
        let settings = [&name, DC[1], "consistency.ramp_up=0.6", "optim.name=adamw", "optim.lr=0.003"];
        let config = config(&settings);
        let (whole, stopped) = whole_and_stopped(&config, &stops);
        prop_assert_eq!(weights(stopped.path()), weights(whole.path()));
        let losses = |dir: &std::path::Path| -> Vec<u64> {
            RunDir::at(dir).read_metrics().unwrap().iter().map(|record| record.train_loss.to_bits()).collect()
        };
        prop_assert_eq!(losses(stopped.path()), losses(whole.path()));
    }
}
