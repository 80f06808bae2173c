//! Instance labels, kept from training.

use llp_data::DataError;

use crate::check::{check_instances, no_instances};
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
    /// No classes, or a label that names none.
    ///
    /// ```
    /// let oracle = llp_bags::LabelOracle::new(vec![0, 2, 1, 2], 3)?;
    /// assert_eq!(oracle.class_counts(), [1, 1, 2]);
    /// assert_eq!(oracle.accuracy(&[0, 2, 2, 2])?, 0.75);
    /// # Ok::<(), llp_bags::DataError>(())
    /// ```
    pub fn new(labels: Vec<u32>, n_classes: usize) -> Result<Self, DataError> {
        if n_classes == 0 {
            return Err(DataError::new("there must be at least one class"));
        }
        match labels.iter().position(|&label| label as usize >= n_classes) {
            None => Ok(Self { labels, n_classes }),
            Some(instance) => {
                let (label, last) = (labels[instance], n_classes - 1);
                let problem =
                    format!("instance {instance} has label {label}, but labels go from 0 to {last}");
                Err(DataError::new(problem))
            }
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
    /// No instances, and those of [`confusion`](Self::confusion).
    pub fn accuracy(&self, predictions: &[u32]) -> Result<f64, DataError> {
        let confusion = self.confusion(predictions)?;
        if self.is_empty() {
            return Err(no_instances());
        }
        let n_correct: u32 = confusion.iter().step_by(self.n_classes + 1).sum();
        Ok(f64::from(n_correct) / self.len() as f64)
    }

    /// How often each class was taken for each other, `[class, predicted class]` in row-major order.
    ///
    /// # Errors
    /// There is not one prediction for each instance, or one names no class.
    pub fn confusion(&self, predictions: &[u32]) -> Result<Vec<u32>, DataError> {
        let n_classes = self.n_classes;
        self.check_predictions(predictions.len())?;
        let mut confusion = vec![0; n_classes * n_classes];
        for (instance, (&label, &prediction)) in self.labels.iter().zip(predictions).enumerate() {
            if prediction as usize >= n_classes {
                let last = n_classes - 1;
                return Err(DataError::new(format!(
                    "instance {instance} is predicted as class {prediction}, but classes go from 0 to {last}"
                )));
            }
            confusion[label as usize * n_classes + prediction as usize] += 1;
        }
        Ok(confusion)
    }

    fn check_predictions(&self, got: usize) -> Result<(), DataError> {
        let expected = self.len();
        if got == expected {
            return Ok(());
        }
        Err(DataError::new(format!("{got} predictions for {expected} instances")))
    }

    /// What predicted probabilities are worth: likelihood, Brier score, calibration.
    ///
    /// `log_probs` are the logarithms of the probabilities, in nats, row-major `[instance, class]`.
    ///
    /// # Errors
    /// No instances, or not one row for each.
    pub fn probability_scores(&self, log_probs: &[f64]) -> Result<ProbabilityScores, DataError> {
        if self.is_empty() {
            return Err(no_instances());
        }
        if log_probs.len() != self.len() * self.n_classes {
            self.check_predictions(log_probs.len() / self.n_classes)?;
        }
        Ok(probability_scores(log_probs, &self.labels, self.n_classes))
    }

    /// The oracle of some instances, in the given order.
    ///
    /// # Errors
    /// The first instance that does not exist.
    pub fn subset(&self, instances: &[u32]) -> Result<Self, DataError> {
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
    /// The first instance that does not exist.
    pub fn shuffled_within(&self, bags: &[Vec<u32>], seed: u64) -> Result<Self, DataError> {
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
