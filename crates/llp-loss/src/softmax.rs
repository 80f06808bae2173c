//! Log-probabilities of the instances of one bag.

use llp_ot::log_sum_exp;

/// The log-probabilities of `logits`, both row-major `[instance, class]`; a row of infinities gives NaN.
///
/// ```
/// let log_probs = llp_loss::log_softmax(&[0.0, 3.0_f64.ln()], 2);
/// assert!((log_probs[1] - 0.75_f64.ln()).abs() < 1e-15);
/// ```
///
/// # Panics
/// If `n_classes` is 0.
pub fn log_softmax(logits: &[f64], n_classes: usize) -> Vec<f64> {
    let mut log_probs = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(n_classes) {
        let normalizer = log_sum_exp(row.iter().copied());
        log_probs.extend(row.iter().map(|logit| logit - normalizer));
    }
    log_probs
}
