//! Theorems on the likelihoods of counts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use llp_ot::{CountLikelihood, RotBatch, count_loss_and_gradient};
use proptest::prelude::*;

const ALL: [CountLikelihood; 3] =
    [CountLikelihood::Saddlepoint, CountLikelihood::Gaussian, CountLikelihood::Exact];

#[derive(Clone, Debug)]
struct Sample {
    logits: Vec<f64>,
    /// Of each class; they add up to the size of the bag.
    counts: Vec<usize>,
}

impl Sample {
    fn n_classes(&self) -> usize {
        self.counts.len()
    }

    fn n(&self) -> usize {
        self.counts.iter().sum()
    }
}

/// Value and gradient of one bag.
fn evaluate(likelihood: CountLikelihood, sample: &Sample) -> (f64, Vec<f64>) {
    let n = sample.n();
    let proportions: Vec<f64> = sample.counts.iter().map(|&count| count as f64 / n as f64).collect();
    let batch = RotBatch {
        logits: &sample.logits,
        bag_sizes: &[n],
        proportions: &proportions,
        n_classes: sample.n_classes(),
    };
    let (mut loss, mut gradient) = ([0.0], vec![0.0; sample.logits.len()]);
    count_loss_and_gradient(&batch, likelihood, &mut loss, &mut gradient).unwrap();
    (loss[0], gradient)
}

/// Bags of up to 10 instances and 4 classes, of which some may be absent; logits of the scale.
fn samples(scale: f64) -> impl Strategy<Value = Sample> {
    (1_usize..=4, 1_usize..=10).prop_flat_map(move |(k, n)| {
        let logits = prop::collection::vec(-scale..scale, n * k);
        let labels = prop::collection::vec(0..k, n);
        (logits, labels).prop_map(move |(logits, labels)| {
            let mut counts = vec![0; k];
            for label in labels {
                counts[label] += 1;
            }
            Sample { logits, counts }
        })
    })
}

proptest! {
    /// Theorem: the exact likelihood is the sum over all labels that have the counts.
    #[test]
    fn the_exact_likelihood_is_a_sum_over_labels(sample in samples(3.0)) {
        let (k, n) = (sample.n_classes(), sample.n());
        prop_assume!(k.pow(n as u32) <= 1 << 14);
        let probs: Vec<Vec<f64>> = sample.logits.chunks_exact(k).map(|row| {
            let sum: f64 = row.iter().map(|z| z.exp()).sum();
            row.iter().map(|z| z.exp() / sum).collect()
        }).collect();
        let mut total = 0.0;
        for code in 0..k.pow(n as u32) {
            let labels: Vec<usize> = (0..n).map(|i| code / k.pow(i as u32) % k).collect();
            let mut counts = vec![0; k];
            for &label in &labels {
                counts[label] += 1;
            }
            if counts == sample.counts {
                total += labels.iter().zip(&probs).map(|(&label, p)| p[label]).product::<f64>();
            }
        }
        let (value, _) = evaluate(CountLikelihood::Exact, &sample);
        prop_assert!((value + total.ln()).abs() < 1e-9 * (1.0 + value.abs()), "{value} {}", -total.ln());
    }

    /// Theorem: the gradient is the central difference of the value.
    #[test]
    fn gradients_of_counts_are_differences(sample in samples(4.0)) {
        for likelihood in ALL {
            let (_, gradient) = evaluate(likelihood, &sample);
            let step = 1e-5;
            for index in 0..sample.logits.len() {
                let moved = |by: f64| {
                    let mut sample = sample.clone();
                    sample.logits[index] += by;
                    evaluate(likelihood, &sample).0
                };
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                // The second difference of the value is of order 1, that of the rounding 1e-16 / step.
                prop_assert!(
                    (gradient[index] - difference).abs() < 2e-6 * (1.0 + difference.abs()),
                    "{likelihood:?} at {index}: {} and {difference}", gradient[index]
                );
            }
        }
    }

    /// Theorem: the order of the instances and the names of the classes do not matter.
    #[test]
    fn counts_know_no_order(sample in samples(4.0)) {
        let k = sample.n_classes();
        let reversed = Sample {
            logits: sample.logits.iter().rev().copied().collect(),
            counts: sample.counts.iter().rev().copied().collect(),
        };
        for likelihood in ALL {
            let ((value, gradient), (other, back)) = (evaluate(likelihood, &sample), evaluate(likelihood, &reversed));
            prop_assert!((value - other).abs() < 1e-9 * (1.0 + value.abs()), "{likelihood:?} of {k}: {value} {other}");
            for (a, b) in gradient.iter().zip(back.iter().rev()) {
                prop_assert!((a - b).abs() < 1e-6, "{likelihood:?}: {a} {b}");
            }
        }
    }

    /// Theorem: for a bag of one the saddlepoint approximation is the cross-entropy of its label.
    #[test]
    fn a_bag_of_one_is_exact(logits in prop::collection::vec(-50.0..50.0, 1..6), label in 0_usize..6) {
        let mut counts = vec![0; logits.len()];
        counts[label % logits.len()] = 1;
        let sample = Sample { logits, counts };
        let ((value, gradient), (exact, of_exact)) =
            (evaluate(CountLikelihood::Saddlepoint, &sample), evaluate(CountLikelihood::Exact, &sample));
        prop_assert!((value - exact).abs() < 1e-12 * (1.0 + exact));
        prop_assert!(gradient.iter().zip(of_exact).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    /// Theorem: where every prediction is certain and the counts are the predicted ones, the saddlepoint approximation
    /// is 0, as the exact value, and so is its gradient.
    #[test]
    fn certain_predictions_are_exact(labels in prop::collection::vec(0_usize..5, 1..40)) {
        let mut counts = vec![0; 5];
        for &label in &labels {
            counts[label] += 1;
        }
        let logits = labels.iter().flat_map(|&label| (0..5).map(move |c| if c == label { 0.0 } else { -100.0 })).collect();
        let (value, gradient) = evaluate(CountLikelihood::Saddlepoint, &Sample { logits, counts });
        prop_assert!(value.abs() < 1e-12, "{value}");
        prop_assert!(gradient.iter().all(|g| g.abs() < 1e-12));
    }

    /// Theorem: no logits of scale 100 overflow, and the gradient is a difference of two distributions: within [-1, 1]
    /// for the exact likelihood, finite for all.
    #[test]
    fn large_logits_do_not_overflow(sample in samples(100.0)) {
        for likelihood in ALL {
            let (value, gradient) = evaluate(likelihood, &sample);
            prop_assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()), "{likelihood:?}: {value} {gradient:?}");
        }
        let (_, gradient) = evaluate(CountLikelihood::Exact, &sample);
        prop_assert!(gradient.iter().all(|g| g.abs() <= 1.0 + 1e-9));
    }

    /// Theorem: an added constant in the logits of an instance changes nothing, so its gradient sums to 0.
    #[test]
    fn gradients_of_counts_sum_to_zero(sample in samples(10.0)) {
        for likelihood in ALL {
            let (_, gradient) = evaluate(likelihood, &sample);
            for row in gradient.chunks_exact(sample.n_classes()) {
                prop_assert!(row.iter().sum::<f64>().abs() < 1e-9, "{likelihood:?}: {row:?}");
            }
        }
    }
}

/// Theorem: the exact likelihood refuses counts that are no whole numbers, and bags that it cannot sum over.
#[test]
fn the_exact_likelihood_has_limits() {
    let refused = |n: usize, proportions: &[f64]| {
        let logits = vec![0.0; n * proportions.len()];
        let batch = RotBatch { logits: &logits, bag_sizes: &[n], proportions, n_classes: proportions.len() };
        count_loss_and_gradient(&batch, CountLikelihood::Exact, &mut [0.0], &mut vec![0.0; logits.len()])
    };
    let broken = refused(3, &[0.5, 0.5]).unwrap_err().to_string();
    assert!(broken.starts_with("bag 0 has 1.5 instances of class 0"), "{broken}");
    let many = refused(400, &[0.25; 4]);
    assert!(many.unwrap_err().to_string().starts_with("bag 0 needs "));
}

/// Theorem: the saddlepoint approximation of fair coins errs as 1/n.
#[test]
fn the_error_falls_with_the_bag() {
    let error = |n: usize| {
        let sample = Sample { logits: vec![0.0; 2 * n], counts: vec![n / 2; 2] };
        (evaluate(CountLikelihood::Saddlepoint, &sample).0 - evaluate(CountLikelihood::Exact, &sample).0)
            .abs()
    };
    for n in [8, 16, 32, 64] {
        let ratio = error(n) / error(2 * n);
        assert!((1.8..2.2).contains(&ratio), "{n}: {ratio}");
    }
}
