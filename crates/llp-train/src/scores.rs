//! Everything that labels say about a network's probabilities.

use llp_bags::{ClassScore, LabelOracle, ProbabilityScores, class_scores, macro_f1};
use llp_loss::log_softmax;
use llp_ot::argmax;
use serde::Serialize;

use crate::TrainError;

/// What a network is worth on labeled instances.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// The number of instances.
    pub n_instances: usize,
    /// The fraction whose most probable class is their label.
    pub accuracy: f64,
    /// [`macro_f1`].
    pub macro_f1: Option<f64>,
    /// Likelihood, Brier score and calibration.
    #[serde(flatten)]
    pub probabilities: ProbabilityScores,
    /// One for each class.
    pub classes: Vec<NamedClassScore>,
    /// How often each class was taken for each other, `[class][predicted class]`.
    pub confusion: Vec<Vec<u32>>,
}

/// The scores of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedClassScore {
    /// Its name.
    pub class: String,
    /// Precision, recall and F1.
    #[serde(flatten)]
    pub score: ClassScore,
}

impl Scores {
    /// The scores of `logits`, `[instance, class]`, after division by `temperature`.
    ///
    /// # Errors
    /// When there are not as many logits as the labels ask for, or no instance.
    pub fn new(
        labels: &LabelOracle,
        class_names: &[String],
        logits: &[f64],
        temperature: f64,
    ) -> Result<Self, TrainError> {
        let n_classes = labels.n_classes();
        let log_probs = log_probabilities(logits, n_classes, temperature);
        let predictions: Vec<u32> = log_probs.chunks_exact(n_classes).map(|row| argmax(row) as u32).collect();
        let probabilities = labels.probability_scores(&log_probs)?;
        let confusion = labels.confusion(&predictions)?;
        let classes = class_scores(&confusion, n_classes);
        Ok(Self {
            n_instances: labels.len(),
            accuracy: labels.accuracy(&predictions)?,
            macro_f1: macro_f1(&classes),
            probabilities,
            classes: class_names
                .iter()
                .zip(classes)
                .map(|(class, score)| NamedClassScore { class: class.clone(), score })
                .collect(),
            confusion: confusion.chunks_exact(n_classes).map(<[u32]>::to_vec).collect(),
        })
    }
}

/// The logarithms of the probabilities of `logits / temperature`, `[instance, class]`.
pub fn log_probabilities(logits: &[f64], n_classes: usize, temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = logits.iter().map(|logit| logit / temperature).collect();
    log_softmax(&scaled, n_classes)
}
