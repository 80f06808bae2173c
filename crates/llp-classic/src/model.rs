//! Linear models: a score for each class.

use llp_ot::{Real, argmax};

use crate::ClassicError;
use crate::error::check_length;
use crate::softmax::softmax;

/// A score for each class, linear in the features: `scores = W x + b`.
///
/// It is in the units of the features that it was trained on, whatever a method standardized in between.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel {
    /// Row-major `[class, column]`.
    pub weights: Vec<f64>,
    /// `[class]`.
    pub bias: Vec<f64>,
}

impl LinearModel {
    /// A model that scores every class 0.
    #[must_use]
    pub fn zero(n_classes: usize, n_columns: usize) -> Self {
        Self { weights: vec![0.0; n_classes * n_columns], bias: vec![0.0; n_classes] }
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.bias.len()
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.weights.len() / self.bias.len()
    }

    /// The scores of rows `[instance, column]`, as `[instance, class]`.
    ///
    /// # Errors
    /// If the features are no whole number of rows.
    pub fn scores<T: Real>(&self, features: &[T]) -> Result<Vec<f64>, ClassicError> {
        let n_columns = self.n_columns();
        let n_rows = features.len() / n_columns;
        check_length("features", features.len(), n_rows * n_columns, "[instance, column]")?;
        let mut scores = vec![0.0; n_rows * self.n_classes()];
        for (row, scores) in features.chunks_exact(n_columns).zip(scores.chunks_exact_mut(self.n_classes())) {
            self.score_row(row, scores);
        }
        Ok(scores)
    }

    /// The probabilities of the classes by softmax of the scores, `[instance, class]`.
    ///
    /// Those of support vector methods order the classes but are not calibrated.
    ///
    /// # Errors
    /// If the features are no whole number of rows.
    pub fn probabilities<T: Real>(&self, features: &[T]) -> Result<Vec<f64>, ClassicError> {
        let mut scores = self.scores(features)?;
        for row in scores.chunks_exact_mut(self.n_classes()) {
            softmax(row);
        }
        Ok(scores)
    }

    /// The class of largest score, `[instance]`; the first one among equals.
    ///
    /// # Errors
    /// If the features are no whole number of rows.
    pub fn predict<T: Real>(&self, features: &[T]) -> Result<Vec<usize>, ClassicError> {
        let n_columns = self.n_columns();
        let n_rows = features.len() / n_columns;
        check_length("features", features.len(), n_rows * n_columns, "[instance, column]")?;
        let mut scores = vec![0.0; self.n_classes()];
        let class = |row| {
            self.score_row(row, &mut scores);
            argmax(&scores)
        };
        Ok(features.chunks_exact(n_columns).map(class).collect())
    }

    /// The scores of one row, `[class]`.
    pub(crate) fn score_row<T: Real>(&self, row: &[T], scores: &mut [f64]) {
        for ((score, w), b) in scores.iter_mut().zip(self.weights.chunks_exact(row.len())).zip(&self.bias) {
            *score = b + w.iter().zip(row).map(|(w, x)| w * x.to_f64()).sum::<f64>();
        }
    }
}
