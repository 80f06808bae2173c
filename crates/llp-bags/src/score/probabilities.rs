//! Scores of predicted probabilities: how much they are worth, and whether they can be believed.

use llp_ot::argmax;
use serde::Serialize;

/// Bins of [`ProbabilityScores::bins`], of equal width.
pub const N_BINS: usize = 15;

/// Means over instances that each have a label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbabilityScores {
    /// `-log p[label]`, in nats.
    pub negative_log_likelihood: f64,
    /// `sum_k (p[k] - [k = label])^2`, in `[0, 2]`: the score of \[brier:50\], over all classes.
    pub brier: f64,
    /// The expected calibration error of \[guo:17\], equation (3): the mean distance of confidence and accuracy over
    /// [`N_BINS`] bins of equal width, weighted by the instances in each.
    pub ece: f64,
    /// The bins, from the lowest confidence to the highest.
    pub bins: Vec<CalibrationBin>,
}

/// The instances whose confidence, the probability of their most probable class, is above `low` and at most `high`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// How many there are.
    pub n_instances: u32,
    /// Their mean confidence, if there are any.
    pub confidence: Option<f64>,
    /// The fraction of them that are predicted right.
    pub accuracy: Option<f64>,
}

/// The scores of `log_probs`, `[instance, class]`, against `labels`, `[instance]`: at least one, each a class.
pub(crate) fn probability_scores(log_probs: &[f64], labels: &[u32], n_classes: usize) -> ProbabilityScores {
    let mut bins = [Bin::default(); N_BINS];
    let (mut nll, mut brier) = (0.0, 0.0);
    for (row, &label) in log_probs.chunks_exact(n_classes).zip(labels) {
        let label = label as usize;
        nll -= row[label];
        for (class, log_prob) in row.iter().enumerate() {
            brier += (log_prob.exp() - f64::from(class == label)).powi(2);
        }
        let predicted = argmax(row);
        let confidence = row[predicted].exp();
        bins[bin_of(confidence)].add(confidence, predicted == label);
    }
    let n = labels.len() as f64;
    ProbabilityScores {
        negative_log_likelihood: nll / n,
        brier: brier / n,
        ece: bins.iter().map(|bin| (bin.n_right - bin.confidence_sum).abs()).sum::<f64>() / n,
        bins: bins.iter().enumerate().map(|(place, bin)| bin.shown(place)).collect(),
    }
}

fn bin_of(confidence: f64) -> usize {
    ((confidence * N_BINS as f64).ceil().max(1.0) as usize).min(N_BINS) - 1
}

#[derive(Clone, Copy, Default)]
struct Bin {
    n_instances: u32,
    n_right: f64,
    confidence_sum: f64,
}

impl Bin {
    fn add(&mut self, confidence: f64, is_right: bool) {
        self.n_instances += 1;
        self.n_right += f64::from(is_right);
        self.confidence_sum += confidence;
    }

    fn shown(self, place: usize) -> CalibrationBin {
        let mean = |sum: f64| (self.n_instances > 0).then(|| sum / f64::from(self.n_instances));
        CalibrationBin {
            low: place as f64 / N_BINS as f64,
            high: (place + 1) as f64 / N_BINS as f64,
            n_instances: self.n_instances,
            confidence: mean(self.confidence_sum),
            accuracy: mean(self.n_right),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scores(probs: &[f64], labels: &[u32], n_classes: usize) -> ProbabilityScores {
        let log_probs: Vec<f64> = probs.iter().map(|p| p.ln()).collect();
        probability_scores(&log_probs, labels, n_classes)
    }

    fn is_near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    /// By hand: two right at confidence 0.8, one wrong at 0.9.
    #[test]
    fn three_instances_by_hand() {
        let scores = scores(&[0.8, 0.2, 0.2, 0.8, 0.9, 0.1], &[0, 1, 1], 2);
        assert!(is_near(scores.negative_log_likelihood, -(0.8_f64.ln() * 2.0 + 0.1_f64.ln()) / 3.0));
        assert!(is_near(scores.brier, (0.08 + 0.08 + 1.62) / 3.0));
        assert!(is_near(scores.ece, (2.0 * 0.2 + 0.9) / 3.0)); // bins (11/15, 12/15] and (13/15, 14/15]
        let filled: Vec<_> = scores.bins.iter().filter(|bin| bin.n_instances > 0).collect();
        assert_eq!((filled.len(), filled[0].n_instances, filled[0].accuracy), (2, 2, Some(1.0)));
        assert!(filled[1].low < 0.9 && 0.9 <= filled[1].high);
    }

    /// Certainty of what is true is the best score there is, of what is false the worst.
    #[test]
    fn certainty_is_right_or_wrong() {
        let right = scores(&[1.0, 0.0, 0.0, 1.0], &[0, 1], 2);
        assert_eq!((right.negative_log_likelihood, right.brier, right.ece), (0.0, 0.0, 0.0));
        let wrong = scores(&[1.0, 0.0], &[1], 2);
        assert_eq!((wrong.negative_log_likelihood, wrong.brier, wrong.ece), (f64::INFINITY, 2.0, 1.0));
    }

    proptest! {
        /// Knowing nothing scores `log K` and `1 - 1/K`, and its calibration error is how far the share of the class
        /// that is named is from `1/K`.
        #[test]
        fn uniform_predictions(labels in prop::collection::vec(0_u32..5, 1..50)) {
            let scores = scores(&vec![0.2; 5 * labels.len()], &labels, 5);
            prop_assert!(is_near(scores.negative_log_likelihood, 5.0_f64.ln()));
            prop_assert!(is_near(scores.brier, 0.8));
            let share = labels.iter().filter(|label| **label == 0).count() as f64 / labels.len() as f64;
            prop_assert!(is_near(scores.ece, (share - 0.2).abs()));
        }

        /// The expected scores of a probability, over labels drawn from it, are no worse than those of any other: both
        /// are proper. Bins hold every instance once, and the error is at most the largest distance of a bin.
        #[test]
        fn scores_are_proper(truth in 0.01..0.99_f64, predicted in 0.01..0.99_f64) {
            let expected = |predicted: f64| {
                let [a, b] = [0, 1].map(|label| scores(&[1.0 - predicted, predicted], &[label], 2));
                let mean = |a: f64, b: f64| (1.0 - truth) * a + truth * b;
                (mean(a.negative_log_likelihood, b.negative_log_likelihood), mean(a.brier, b.brier))
            };
            let (honest, other) = (expected(truth), expected(predicted));
            prop_assert!(honest.0 <= other.0 + 1e-12 && honest.1 <= other.1 + 1e-12);
            let scores = scores(&[truth, 1.0 - truth, predicted, 1.0 - predicted], &[0, 1], 2);
            prop_assert_eq!(scores.bins.iter().map(|bin| bin.n_instances).sum::<u32>(), 2);
            let distance = |bin: &CalibrationBin| Some((bin.confidence? - bin.accuracy?).abs());
            let largest = scores.bins.iter().filter_map(distance).fold(0.0, f64::max);
            prop_assert!(scores.ece <= largest + 1e-12);
        }
    }
}
