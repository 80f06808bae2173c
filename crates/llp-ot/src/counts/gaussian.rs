//! The normal distribution with the mean and the covariance of the counts.
//!
//! The covariance gets that of rounding to whole numbers added, 1/12 in each direction in which counts can move
//! (Sheppard's correction), so it is never singular.

use super::linear::{Factor, backward, covariance};

const ROUNDING: f64 = 1.0 / 12.0;

/// `-log P(counts)`, and its derivative by the logits in `gradient`, `[instance, class]` as `log_probs`.
pub(super) fn evaluate(log_probs: &[f64], counts: &[f64], gradient: &mut [f64]) -> f64 {
    let k = counts.len();
    if k == 1 {
        return 0.0;
    }
    let probs: Vec<f64> = log_probs.iter().map(|value| value.exp()).collect();
    let mut residual = counts.to_vec();
    for row in probs.chunks_exact(k) {
        residual.iter_mut().zip(row).for_each(|(r, p)| *r -= p);
    }
    let mut matrix = covariance(&probs, k);
    for (a, row) in matrix.chunks_exact_mut(k).enumerate() {
        for entry in row.iter_mut() {
            *entry -= ROUNDING / k as f64;
        }
        row[a] += ROUNDING;
    }
    let factor = Factor::new(&matrix, k);
    let mut solved = residual.clone();
    factor.solve(&mut solved);
    let mut by_covariance = factor.inverse();
    for (row, a) in by_covariance.chunks_exact_mut(k).zip(&solved) {
        row.iter_mut().zip(&solved).for_each(|(entry, b)| *entry = (*entry - a * b) / 2.0);
    }
    let distance: f64 = residual.iter().zip(&solved).map(|(r, s)| r * s).sum();
    let by_mean: Vec<f64> = solved.iter().map(|value| -value).collect();
    backward(&probs, &by_covariance, &by_mean, gradient);
    let log_scale = (k - 1) as f64 * std::f64::consts::TAU.ln();
    (log_scale + factor.log_determinant() + distance) / 2.0
}
