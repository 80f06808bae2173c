//! Scores of classes, from the confusion of labels and predictions.

use serde::Serialize;

/// How well one class is distinguished from the others; `None` where a ratio has no denominator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassScore {
    /// Instances of this class.
    pub n_instances: u32,
    /// The fraction of the predictions of this class that are right.
    pub precision: Option<f64>,
    /// The fraction of the instances of this class that are predicted right.
    pub recall: Option<f64>,
    /// The harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`.
    pub f1: Option<f64>,
}

/// The scores of each class, `[class]`.
///
/// `confusion` is row-major `[class, predicted class]`, as
/// [`LabelOracle::confusion`](crate::LabelOracle::confusion) returns it.
///
/// ```
/// let scores = llp_bags::class_scores(&[3, 1, 2, 4], 2);
/// assert_eq!((scores[0].precision, scores[0].recall), (Some(0.6), Some(0.75)));
/// ```
///
/// # Panics
/// If `confusion` does not have `n_classes * n_classes` entries, as for a slice.
pub fn class_scores(confusion: &[u32], n_classes: usize) -> Vec<ClassScore> {
    let at = |class: usize, predicted: usize| confusion[class * n_classes + predicted];
    let score = |class: usize| {
        let n_instances = (0..n_classes).map(|predicted| at(class, predicted)).sum();
        let n_predicted = (0..n_classes).map(|label| at(label, class)).sum::<u32>();
        let n_right = at(class, class);
        ClassScore {
            n_instances,
            precision: ratio(n_right, n_predicted),
            recall: ratio(n_right, n_instances),
            f1: ratio(2 * n_right, n_predicted + n_instances),
        }
    };
    (0..n_classes).map(score).collect()
}

/// The mean of the F1 of the classes, each class counting the same; classes that neither occur nor are predicted are
/// left out, and nothing is left if that is all of them.
///
/// Of the two means that go by this name, this is the "averaged F1" of \[opitz:19\], not the F1 of averaged precision
/// and recall.
pub fn macro_f1(scores: &[ClassScore]) -> Option<f64> {
    let defined: Vec<f64> = scores.iter().filter_map(|score| score.f1).collect();
    (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
}

fn ratio(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By hand: three classes, of which the last is never predicted.
    #[test]
    fn three_classes_by_hand() {
        let scores = class_scores(&[2, 1, 0, 1, 3, 0, 1, 1, 0], 3);
        assert_eq!(scores[0].precision, Some(0.5)); // of 2 + 1 + 1 predictions, 2 are right
        assert_eq!(scores[0].recall, Some(2.0 / 3.0));
        assert_eq!(scores[0].f1, Some(4.0 / 7.0));
        assert_eq!(scores[1].f1, Some(6.0 / 9.0));
        let last = ClassScore { n_instances: 2, precision: None, recall: Some(0.0), f1: Some(0.0) };
        assert_eq!(scores[2], last);
        let mean = (4.0 / 7.0 + 6.0 / 9.0) / 3.0;
        assert!((macro_f1(&scores).unwrap() - mean).abs() < 1e-15);
    }

    /// A class that neither occurs nor is predicted has no score, and the mean is that of the others.
    #[test]
    fn an_absent_class_is_left_out() {
        let scores = class_scores(&[4, 0, 0, 0], 2);
        assert_eq!((scores[1].f1, macro_f1(&scores)), (None, Some(1.0)));
        assert_eq!(macro_f1(&class_scores(&[0; 4], 2)), None);
    }

    proptest! {
        /// Recall weighted by the sizes of the classes is the accuracy; F1 is between precision and recall; turning
        /// the confusion around exchanges precision and recall and keeps F1.
        #[test]
        fn scores_agree_with_each_other(confusion in prop::collection::vec(0_u32..20, 16)) {
            let scores = class_scores(&confusion, 4);
            let n_right: f64 = scores.iter().map(|s| s.recall.unwrap_or(0.0) * f64::from(s.n_instances)).sum();
            let diagonal: u32 = confusion.iter().step_by(5).sum();
            prop_assert!((n_right - f64::from(diagonal)).abs() < 1e-9);
            let turned: Vec<u32> = (0..16).map(|place| confusion[place % 4 * 4 + place / 4]).collect();
            for (score, turned) in scores.iter().zip(class_scores(&turned, 4)) {
                prop_assert_eq!((score.precision, score.recall, score.f1), (turned.recall, turned.precision, turned.f1));
                if let (Some(precision), Some(recall), Some(f1)) = (score.precision, score.recall, score.f1) {
                    let (low, high) = (precision.min(recall), precision.max(recall));
                    prop_assert!((low - 1e-12..=high + 1e-12).contains(&f1));
                }
            }
        }
    }
}
