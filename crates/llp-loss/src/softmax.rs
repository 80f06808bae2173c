//! Log-probabilities of the instances of one bag.

/// `log(sum(exp(values)))` without overflow; minus infinity for no values or none above it.
pub(crate) fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + values.map(|value| (value - max).exp()).sum::<f64>().ln()
}

/// Row-wise log-softmax of `logits`, `[instance, class]`.
pub(crate) fn log_softmax(logits: &[f64], n_classes: usize) -> Vec<f64> {
    let mut log_probs = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(n_classes) {
        let normalizer = log_sum_exp(row.iter().copied());
        log_probs.extend(row.iter().map(|logit| logit - normalizer));
    }
    log_probs
}
