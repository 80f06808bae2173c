//! The mean prediction of a bag, in the log domain, and the way back from it to the logits.

use llp_ot::log_sum_exp;

use crate::softmax::log_softmax;

/// `log(mean_j p_ji)` of each class, with what its derivative needs.
#[expect(clippy::struct_field_names, reason = "each is the logarithm of what it names")]
pub(crate) struct MeanPrediction {
    log_probs: Vec<f64>, // [instance, class]
    log_sums: Vec<f64>,  // [class]
    log_n: f64,
}

impl MeanPrediction {
    /// From the logits of one bag, `[instance, class]`.
    pub(crate) fn new(logits: &[f64], n_classes: usize) -> Self {
        let log_probs = log_softmax(logits, n_classes);
        let of_class = |class| log_sum_exp(log_probs.iter().skip(class).step_by(n_classes).copied());
        let log_sums = (0..n_classes).map(of_class).collect();
        Self { log_probs, log_sums, log_n: ((logits.len() / n_classes) as f64).ln() }
    }

    pub(crate) fn log_of(&self, class: usize) -> f64 {
        self.log_sums[class] - self.log_n
    }

    /// `[class]`.
    pub(crate) fn logs(&self) -> Vec<f64> {
        (0..self.log_sums.len()).map(|class| self.log_of(class)).collect()
    }

    /// Writes the derivative by the logits, `[instance, class]`, of a loss whose derivative by the logarithm of the
    /// mean prediction is `-weights`, `[class]`.
    pub(crate) fn backward(&self, weights: &[f64], gradient: &mut [f64]) {
        let n_classes = weights.len();
        let rows = self.log_probs.chunks_exact(n_classes);
        for (out, log_probs) in gradient.chunks_exact_mut(n_classes).zip(rows) {
            // Instance j has the share p_ji / sum_j p_ji in class i.
            for (class, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                out[class] = -weight * (log_probs[class] - self.log_sums[class]).exp();
            }
            // Through the log-softmax: g_k <- g_k - p_k sum_i g_i.
            let total: f64 = out.iter().sum();
            for (out, log_prob) in out.iter_mut().zip(log_probs) {
                *out -= log_prob.exp() * total;
            }
        }
    }
}
