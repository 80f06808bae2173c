//! The probability of counts by summing over all labels that have them.

use super::MAX_STATES;
use crate::numbers::log_sum_exp;
use crate::{OtError, Real, RotBatch};

/// Refuses bags whose counts are not whole numbers or have too many smaller ones.
pub(super) fn check<T: Real>(batch: &RotBatch<'_, T>) -> Result<(), OtError> {
    /// A proportion in single precision is exact to about 1e-7 of the bag.
    const BROKEN: f64 = 1e-3;
    let rows = batch.proportions.chunks_exact(batch.n_classes);
    for (bag, (&size, proportions)) in batch.bag_sizes.iter().zip(rows).enumerate() {
        let mut states = size + 1;
        for (class, z) in proportions.iter().enumerate() {
            let count = z.to_f64() * size as f64;
            if (count - count.round()).abs() > BROKEN {
                let hint = "the exact likelihood takes whole counts: use the saddlepoint approximation";
                return Err(OtError::new(format!(
                    "bag {bag} has {count} instances of class {class}, {hint}"
                )));
            }
            states = states.saturating_mul(count.round() as usize + 1);
        }
        if states > MAX_STATES {
            let hint = format!("at most {MAX_STATES} are possible: use the saddlepoint approximation");
            return Err(OtError::new(format!(
                "bag {bag} needs {states} states for the exact likelihood, {hint}"
            )));
        }
    }
    Ok(())
}

/// `-log P(counts)`, and its derivative by the logits in `gradient`, `[instance, class]` as `log_probs`.
pub(super) fn evaluate(log_probs: &[f64], counts: &[f64], gradient: &mut [f64]) -> f64 {
    let k = counts.len();
    let sizes: Vec<usize> = counts.iter().map(|count| count.round() as usize + 1).collect();
    // A state is the counts of some instances: the sum over classes of count times stride.
    let strides: Vec<usize> = sizes
        .iter()
        .scan(1, |stride, size| {
            let this = *stride;
            *stride *= size;
            Some(this)
        })
        .collect();
    let n_states: usize = sizes.iter().product();
    let n = log_probs.len() / k;
    // forward[i]: log-probability of each state of the first i instances.
    let mut forward = vec![f64::NEG_INFINITY; (n + 1) * n_states];
    forward[0] = 0.0;
    for (i, log_p) in log_probs.chunks_exact(k).enumerate() {
        let (before, after) = forward[i * n_states..(i + 2) * n_states].split_at_mut(n_states);
        for (state, out) in after.iter_mut().enumerate() {
            *out = log_sum_exp(
                (0..k)
                    .filter(|&c| !(state / strides[c]).is_multiple_of(sizes[c]))
                    .map(|c| before[state - strides[c]] + log_p[c]),
            );
        }
    }
    let log_probability = forward[(n + 1) * n_states - 1];
    // backward: log-probability that the later instances lead from each state to the counts.
    let mut backward = vec![f64::NEG_INFINITY; n_states];
    backward[n_states - 1] = 0.0;
    for i in (0..n).rev() {
        let log_p = &log_probs[i * k..][..k];
        let before = &forward[i * n_states..][..n_states];
        let grows = |state: usize, c: usize| state / strides[c] % sizes[c] + 1 < sizes[c];
        for c in 0..k {
            let with = log_sum_exp(
                (0..n_states)
                    .filter(|&state| grows(state, c))
                    .map(|state| before[state] + backward[state + strides[c]]),
            );
            gradient[i * k + c] = log_p[c].exp() - (with + log_p[c] - log_probability).exp();
        }
        backward = (0..n_states)
            .map(|state| {
                log_sum_exp(
                    (0..k).filter(|&c| grows(state, c)).map(|c| backward[state + strides[c]] + log_p[c]),
                )
            })
            .collect();
    }
    -log_probability
}
