//! What predictions are worth where labels exist: pure functions of counts, probabilities and labels.
//!
//! What needs labels is asked through [`LabelOracle`](crate::LabelOracle), which keeps them.

mod classes;
mod probabilities;

pub use classes::{ClassScore, class_scores, macro_f1};
pub(crate) use probabilities::probability_scores;
pub use probabilities::{CalibrationBin, N_BINS, ProbabilityScores};
