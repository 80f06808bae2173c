//! The KL loss of section 3.1.

use candle_core::Tensor;

use crate::op::{BagFunction, EachBag, apply};
use crate::softmax::{log_softmax, log_sum_exp};
use crate::{BagLoss, BagTargets, LossError};

/// `-sum_i z_i log(mean_j p_ji)`: the cross-entropy of the known proportions and the mean prediction.
///
/// It is `KL(z | mean prediction) + H(z)`, so its minimum is the entropy of the proportions, not 0. The mean is
/// taken in the log domain: a class that no instance predicts gives a large finite loss and a gradient that
/// points away from it, where the plain formula has `log 0`.
///
/// Source: [dulac-arnold:19], section 3.1. Deviation: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kl;

impl BagLoss for Kl {
    fn name(&self) -> &'static str {
        "kl"
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        apply(self.name(), EachBag(KlOfBag), logits, targets)
    }
}

struct KlOfBag;

impl BagFunction for KlOfBag {
    fn evaluate(&self, logits: &[f64], proportions: &[f64], gradient: &mut [f64]) -> f64 {
        let n_classes = proportions.len();
        let log_probs = log_softmax(logits, n_classes);
        let log_n = ((logits.len() / n_classes) as f64).ln();
        let mut loss = 0.0;
        // d loss / d log p_ji = -weight_ji with weight_ji = z_i p_ji / sum_j p_ji: instance j's share in class i.
        for (class, &z) in proportions.iter().enumerate().filter(|(_, z)| **z > 0.0) {
            let log_sum = log_sum_exp(log_probs.iter().skip(class).step_by(n_classes).copied());
            loss -= z * (log_sum - log_n);
            for (out, log_prob) in gradient.chunks_exact_mut(n_classes).zip(log_probs.chunks_exact(n_classes))
            {
                out[class] = -z * (log_prob[class] - log_sum).exp();
            }
        }
        // Through the log-softmax: g_k <- g_k - p_k sum_i g_i.
        for (out, log_prob) in gradient.chunks_exact_mut(n_classes).zip(log_probs.chunks_exact(n_classes)) {
            let total: f64 = out.iter().sum();
            for (out, log_prob) in out.iter_mut().zip(log_prob) {
                *out -= log_prob.exp() * total;
            }
        }
        loss
    }
}
