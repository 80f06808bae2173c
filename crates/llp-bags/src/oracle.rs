//! Instance labels, kept from training.

use crate::BagError;
use crate::instances::check_instances;
use crate::rng::{self, Purpose};
use crate::score::{ProbabilityScores, probability_scores};

/// The instance labels of a split, which answer questions of evaluation and nothing else.
///
/// Training learns from label proportions, so no label may reach it. The labels are therefore private to this crate:
/// it counts them per bag ([`BagSet::from_partition`](crate::BagSet::from_partition)), and evaluation asks for
/// [`accuracy`](Self::accuracy), [`confusion`](Self::confusion) and
/// [`probability_scores`](Self::probability_scores). No method returns the label of an instance, and
/// `Debug` shows none. (Scoring one instance at a time would still reveal it: types keep out mistakes, and a training
/// whose weights do not change under [`shuffled_within`](Self::shuffled_within) is the proof.)
#[derive(Clone, PartialEq, Eq)]
pub struct LabelOracle {
    labels: Vec<u32>, // [instance]
    n_classes: usize,
}

impl LabelOracle {
    /// An oracle from own labels, one in `0..n_classes` for each instance.
    ///
    /// # Errors
    /// [`BagError::NoClasses`], or [`BagError::LabelOutOfRange`] with the first offender.
    ///
    /// ```
    /// let oracle = llp_bags::LabelOracle::new(vec![0, 2, 1, 2], 3)?;
    /// assert_eq!(oracle.class_counts(), [1, 1, 2]);
    /// assert_eq!(oracle.accuracy(&[0, 2, 2, 2])?, 0.75);
    /// # Ok::<(), llp_bags::BagError>(())
    /// ```
    pub fn new(labels: Vec<u32>, n_classes: usize) -> Result<Self, BagError> {
        if n_classes == 0 {
            return Err(BagError::NoClasses);
        }
        match labels.iter().position(|&label| label as usize >= n_classes) {
            None => Ok(Self { labels, n_classes }),
            Some(instance) => Err(BagError::LabelOutOfRange { instance, label: labels[instance], n_classes }),
        }
    }

    /// The number of instances.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no instance.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// How many instances each class has, `[class]`.
    pub fn class_counts(&self) -> Vec<u32> {
        count(self.labels.iter().copied(), self.n_classes)
    }

    /// The fraction of instances whose predicted class, `[instance]`, is their label.
    ///
    /// # Errors
    /// [`BagError::NoInstances`], [`BagError::PredictionCount`], [`BagError::PredictionOutOfRange`].
    pub fn accuracy(&self, predictions: &[u32]) -> Result<f64, BagError> {
        let confusion = self.confusion(predictions)?;
        if self.is_empty() {
            return Err(BagError::NoInstances);
        }
        let n_correct: u32 = confusion.iter().step_by(self.n_classes + 1).sum();
        Ok(f64::from(n_correct) / self.len() as f64)
    }

    /// How often each class was taken for each other, `[class, predicted class]` in row-major order.
    ///
    /// # Errors
    /// [`BagError::PredictionCount`], or [`BagError::PredictionOutOfRange`] with the first offender.
    pub fn confusion(&self, predictions: &[u32]) -> Result<Vec<u32>, BagError> {
        let (n_classes, expected, got) = (self.n_classes, self.len(), predictions.len());
        if got != expected {
            return Err(BagError::PredictionCount { expected, got });
        }
        let mut confusion = vec![0; n_classes * n_classes];
        for (instance, (&label, &prediction)) in self.labels.iter().zip(predictions).enumerate() {
            if prediction as usize >= n_classes {
                return Err(BagError::PredictionOutOfRange { instance, prediction, n_classes });
            }
            confusion[label as usize * n_classes + prediction as usize] += 1;
        }
        Ok(confusion)
    }

    /// What predicted probabilities are worth: likelihood, Brier score, calibration.
    ///
    /// `log_probs` are the logarithms of the probabilities, in nats, row-major `[instance, class]`.
    ///
    /// # Errors
    /// [`BagError::NoInstances`], or [`BagError::PredictionCount`] unless there is one row for each instance.
    pub fn probability_scores(&self, log_probs: &[f64]) -> Result<ProbabilityScores, BagError> {
        if self.is_empty() {
            return Err(BagError::NoInstances);
        }
        if log_probs.len() != self.len() * self.n_classes {
            let got = log_probs.len() / self.n_classes;
            return Err(BagError::PredictionCount { expected: self.len(), got });
        }
        Ok(probability_scores(log_probs, &self.labels, self.n_classes))
    }

    /// The oracle of some instances, in the given order.
    ///
    /// # Errors
    /// [`BagError::InstanceOutOfRange`] with the first offender.
    pub fn subset(&self, instances: &[u32]) -> Result<Self, BagError> {
        check_instances(instances, self.len())?;
        let labels = instances.iter().map(|&instance| self.labels[instance as usize]).collect();
        Ok(Self { labels, n_classes: self.n_classes })
    }

    /// An oracle with the labels inside each bag permuted, and all others kept.
    ///
    /// Every bag keeps its proportions, so training must not see the difference: this is how a test proves
    /// that no instance label reached it.
    ///
    /// # Errors
    /// [`BagError::InstanceOutOfRange`] with the first offender.
    pub fn shuffled_within(&self, bags: &[Vec<u32>], seed: u64) -> Result<Self, BagError> {
        let mut shuffled = self.clone();
        for (bag, instances) in bags.iter().enumerate() {
            let mut labels = self.subset(instances)?.labels;
            rng::shuffle(&mut labels, &mut rng::stream(seed, Purpose::LabelShuffle, bag as u64));
            for (&instance, label) in instances.iter().zip(labels) {
                shuffled.labels[instance as usize] = label;
            }
        }
        Ok(shuffled)
    }

    /// How many of `instances` each class has, `[class]`; the instances must exist.
    pub(crate) fn count(&self, instances: &[u32]) -> Vec<u32> {
        count(instances.iter().map(|&instance| self.labels[instance as usize]), self.n_classes)
    }

    /// The labels, for the fingerprint of a data set.
    pub(crate) fn labels(&self) -> &[u32] {
        &self.labels
    }
}

impl std::fmt::Debug for LabelOracle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LabelOracle({} instances, {} classes)", self.len(), self.n_classes)
    }
}

fn count(labels: impl Iterator<Item = u32>, n_classes: usize) -> Vec<u32> {
    let mut counts = vec![0; n_classes];
    for label in labels {
        counts[label as usize] += 1;
    }
    counts
}
