//! Theorems about what bags say without labels.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use llp_bags::{BagSet, Images};
use llp_ot::Proportions;
use llp_train::criteria::{count_criteria, count_nll};
use llp_train::poisson_binomial::log_probability;
use proptest::prelude::*;

/// `P(K = k)` as the sum over all outcomes of the trials.
fn by_enumeration(log_odds: &[f64], k: usize) -> f64 {
    let p = |x: f64| 1.0 / (1.0 + (-x).exp());
    (0..1_u32 << log_odds.len())
        .filter(|outcome| outcome.count_ones() as usize == k)
        .map(|outcome| {
            let trial = |(j, &x): (usize, &f64)| if outcome >> j & 1 == 1 { p(x) } else { p(-x) };
            log_odds.iter().enumerate().map(trial).product::<f64>()
        })
        .sum()
}

/// The count likelihood as a product over classes of sums over all labelings.
fn nll_by_enumeration(logits: &[Vec<f32>], counts: &[u32]) -> f64 {
    let softmax = |row: &Vec<f32>| -> Vec<f64> {
        let exp: Vec<f64> = row.iter().map(|&x| f64::from(x).exp()).collect();
        exp.iter().map(|x| x / exp.iter().sum::<f64>()).collect()
    };
    let probs: Vec<Vec<f64>> = logits.iter().map(softmax).collect();
    let (n, n_classes) = (logits.len(), counts.len());
    let labelings = (0..n_classes.pow(n as u32))
        .map(|number| (0..n).map(|j| number / n_classes.pow(j as u32) % n_classes).collect::<Vec<_>>());
    let mut mass = vec![0.0; n_classes];
    for labels in labelings {
        let probability: f64 = labels.iter().zip(&probs).map(|(&label, row)| row[label]).product();
        for class in 0..n_classes {
            if labels.iter().filter(|label| **label == class).count() == counts[class] as usize {
                mass[class] += probability;
            }
        }
    }
    -mass.iter().map(|mass| mass.ln()).sum::<f64>()
}

fn bags(sizes_and_counts: &[Vec<u32>]) -> BagSet {
    let n: u32 = sizes_and_counts.iter().flatten().sum();
    let images = Arc::new(Images::new(1, 1, 1, vec![0; n as usize]).unwrap().into());
    let mut first = 0;
    let mut instances = |counts: &Vec<u32>| {
        let bag: Vec<u32> = (first..first + counts.iter().sum::<u32>()).collect();
        first += bag.len() as u32;
        bag
    };
    let in_bags = sizes_and_counts.iter().map(&mut instances).collect();
    let proportions =
        sizes_and_counts.iter().map(|counts| Proportions::from_counts(counts).unwrap()).collect();
    BagSet::new(images, in_bags, proportions).unwrap()
}

/// Logits that predict a class with certainty.
fn certain(class: usize, n_classes: usize) -> Vec<f32> {
    (0..n_classes).map(|other| if other == class { 1e4 } else { 0.0 }).collect()
}

proptest! {
    /// The tilted recursion is the sum over all outcomes, to rounding, be `k` probable or not.
    #[test]
    fn poisson_binomial_is_the_sum_over_outcomes(log_odds in prop::collection::vec(-8.0..8.0_f64, 1..9), k in 0_usize..9) {
        let got = log_probability(&log_odds, k);
        if k > log_odds.len() {
            prop_assert_eq!(got, f64::NEG_INFINITY);
        } else {
            // Sums of at most 70 positive products, each exact to some 1e-15.
            prop_assert!((got - by_enumeration(&log_odds, k).ln()).abs() < 1e-12);
        }
    }

    /// The probabilities of all counts add up to 1, in bags far too large to enumerate.
    #[test]
    fn poisson_binomial_is_a_distribution(log_odds in prop::collection::vec(-30.0..30.0_f64, 1..200)) {
        let sum: f64 = (0..=log_odds.len()).map(|k| log_probability(&log_odds, k).exp()).sum();
        prop_assert!((sum - 1.0).abs() < 1e-11, "{sum}");
    }

    /// Successes and failures change places when all log-odds change their sign.
    #[test]
    fn poisson_binomial_is_symmetric(log_odds in prop::collection::vec(-1e4..1e4_f64, 1..60), share in 0.0..1.0_f64) {
        let k = (share * log_odds.len() as f64).round() as usize;
        let negated: Vec<f64> = log_odds.iter().map(|x| -x).collect();
        let (a, b) = (log_probability(&log_odds, k), log_probability(&negated, log_odds.len() - k));
        prop_assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0), "{a} {b}");
        prop_assert!(a.is_finite() && a <= 0.0);
    }

    /// The count likelihood of a bag is that of all labelings, one class after the other.
    #[test]
    fn count_nll_is_by_enumeration(
        logits in prop::collection::vec(prop::collection::vec(-4.0..4.0_f32, 3), 1..6),
        labels in prop::collection::vec(0_usize..3, 5),
    ) {
        let mut counts = [0; 3];
        labels[..logits.len()].iter().for_each(|&label| counts[label] += 1);
        let (got, expected) = (count_nll(&logits, &counts), nll_by_enumeration(&logits, &counts));
        prop_assert!((got - expected).abs() < 1e-11 * expected.max(1.0), "{got} {expected}");
    }

    /// Neither the order of the instances in their bag nor a constant added to all logits of one matters.
    #[test]
    fn criteria_are_invariant(logits in prop::collection::vec(prop::collection::vec(-40.0..40.0_f32, 4), 8), shift in -64_i8..64) {
        let bag = bags(&[vec![3, 0, 4, 1]]);
        let mut moved: Vec<Vec<f32>> = logits.clone();
        moved.reverse();
        moved.iter_mut().flatten().for_each(|x| *x += f32::from(shift));
        let (a, b) = (count_criteria(&logits, &bag), count_criteria(&moved, &bag));
        prop_assert!((a.l1 - b.l1).abs() < 1e-15);
        // The shift rounds each logit by up to 4e-6, and there are 32 of them.
        prop_assert!((a.nll - b.nll).abs() < 1e-3, "{} {}", a.nll, b.nll);
    }
}

/// Certain predictions with the right counts are perfect by both criteria; wrong ones are as far as can be, and finite.
#[test]
fn certain_predictions() {
    let set = bags(&[vec![2, 1, 0], vec![0, 0, 2]]);
    let predict = |classes: [usize; 5]| classes.map(|class| certain(class, 3)).to_vec();
    let right = count_criteria(&predict([1, 0, 0, 2, 2]), &set);
    assert!(right.l1.abs() < 1e-15);
    assert!(right.nll.abs() < 1e-12, "{}", right.nll);
    let wrong = count_criteria(&predict([2, 2, 2, 1, 1]), &set);
    assert!((wrong.l1 - 2.0).abs() < 1e-15);
    assert!(wrong.nll > 1e4 && wrong.nll.is_finite());
}

/// Between networks with equal mean predictions, for which all losses of proportions are equal, the likelihood prefers
/// the one that distinguishes instances.
#[test]
fn likelihood_prefers_telling_instances_apart() {
    let (blurred, sharp) = ([vec![0.0, 0.0], vec![0.0, 0.0]], [vec![0.0, 3.0], vec![3.0, 0.0]]);
    assert!(count_nll(&sharp, &[1, 1]) < count_nll(&blurred, &[1, 1]));
    // Twice ln 2: for two classes each factor is the exact probability of the counts.
    assert!((count_nll(&blurred, &[1, 1]) - 2.0 * 2.0_f64.ln()).abs() < 1e-14);
}
