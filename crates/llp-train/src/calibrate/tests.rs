//! What a temperature is fitted to, and that it is found.

use llp_bags::rng::{Purpose, normal, stream, uniform};
use proptest::prelude::*;

use super::*;

const N_CLASSES: usize = 3;

/// Logits of `n` instances, normal with deviation `scale`, and labels drawn from their softmax at `temperature`.
fn drawn(n: usize, scale: f64, temperature: f64, seed: u64) -> (Vec<f64>, Vec<usize>) {
    let mut rng = stream(seed, Purpose::LabelShuffle, 0);
    let logits: Vec<f64> = (0..n * N_CLASSES).map(|_| scale * normal(&mut rng)).collect();
    let labels = logits.chunks_exact(N_CLASSES).map(|row| {
        let weights: Vec<f64> = row.iter().map(|logit| (logit / temperature).exp()).collect();
        let mut left = uniform(&mut rng) * weights.iter().sum::<f64>();
        let hit = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        hit.unwrap_or(N_CLASSES - 1)
    });
    let labels = labels.collect();
    (logits, labels)
}

/// The counts of bags of `size` that these labels make.
fn counted(labels: &[usize], size: usize) -> Vec<BagCounts> {
    let count = |bag: &[usize]| {
        let of_class = |class| bag.iter().filter(|label| **label == class).count() as u32;
        BagCounts::new((0..N_CLASSES).map(of_class).collect())
    };
    labels.chunks(size).map(count).collect()
}

/// By hand: in a bag of one, each class is a coin of its own.
#[test]
fn a_bag_of_one_is_a_label() {
    let logits = [1.0_f64.ln(), 3.0_f64.ln(), 4.0_f64.ln()];
    let bag = [BagCounts::new(vec![0, 1, 0])];
    let expected = -((7.0_f64 / 8.0).ln() + (3.0_f64 / 8.0).ln() + (1.0_f64 / 2.0).ln());
    assert!((count_loss(&logits, &bag, 1.0) - expected).abs() < 1e-14);
}

/// The temperature that labels were drawn with is found from their counts alone, in bags of any size: to 15 percent
/// with 6,000 instances, which is three times the spread over seeds of the largest bags here.
#[test]
fn the_temperature_of_the_counts_is_found() {
    for (temperature, size) in [(0.5, 4), (1.0, 16), (2.5, 1), (2.5, 16)] {
        let (logits, labels) = drawn(6000, 2.0, temperature, 1);
        let found = fit_temperature(&logits, &counted(&labels, size));
        let ratio = found.temperature / temperature;
        assert!((ratio.ln()).abs() < 0.15, "bags of {size}: {found:?} for {temperature}");
        assert!(found.loss <= found.loss_before && !found.is_at_edge);
    }
}

/// Counts that certainty explains best lead to the edge, and that is said.
#[test]
fn an_undetermined_temperature_is_reported() {
    let certain = fit_temperature(&[1.0, 0.0, 0.0], &[BagCounts::new(vec![1, 0, 0])]);
    assert!(certain.is_at_edge && (certain.temperature - 1.0 / 16.0).abs() < 1e-3, "{certain:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Only differences of logits count, and no order within a bag; logits that are `c` times as large have a
    /// temperature `c` times as large.
    #[test]
    fn temperatures_scale(seed in 0_u64..1000, c in 0.5..2.0_f64, shift in -5.0..5.0_f64) {
        let (logits, labels) = drawn(240, 2.0, 1.0, seed);
        let bags = counted(&labels, 8);
        let found = fit_temperature(&logits, &bags);
        let reversed: Vec<f64> = logits
            .chunks_exact(8 * N_CLASSES)
            .flat_map(|bag| bag.chunks_exact(N_CLASSES).rev().flatten())
            .map(|logit| logit + shift)
            .collect();
        prop_assert!((count_loss(&reversed, &bags, 1.3) - count_loss(&logits, &bags, 1.3)).abs() < 1e-10);
        let scaled: Vec<f64> = logits.iter().map(|logit| c * logit).collect();
        let scaled = fit_temperature(&scaled, &bags);
        prop_assert!((scaled.temperature / found.temperature / c).ln().abs() < 3e-3, "{scaled:?} {found:?}");
    }
}
