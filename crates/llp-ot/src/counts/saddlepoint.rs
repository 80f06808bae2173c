//! The saddlepoint approximation of the Poisson multinomial distribution.
//!
//! Let `u_i` be the probabilities of instance `i` tilted so that the expected counts are the given ones, `x`
//! ([`Tilt`]), and `H` the covariance of the counts under them. Then
//!
//! `-log P(x) = sum_i KL(u_i | p_i) + 1/2 log det(2 pi (H + R)) + O(1 / n)`,
//!
//! without one class in the determinant \[daniels:54\]. `R` is our addition: with `R = 0` the second term goes to minus
//! infinity where predictions become certain, since a density is not a probability. `R` has the form of a covariance of
//! counts, `diag(d) - d d^T / sum(d)` with `d_c = A + (B - A) exp(-C H_cc)`. `B` makes the term exactly 0 at `H = 0`;
//! `A` is what a sum of coins needs that are fair, where the approximation is exact but for 1/8 of a variance; how fast
//! the one goes over into the other, `C`, was chosen by enumeration.

use super::linear::{Factor, add_through_softmax, backward, covariance, dot};
use super::tilt::Tilt;

const RIDGE: f64 = 0.1;
const FADING: f64 = 10.0;
/// Counts below this are those of absent classes.
const ABSENT: f64 = 1e-6;

/// `-log P(counts)`, and its derivative by the logits in `gradient`, `[instance, class]` as `log_probs`.
pub(super) fn evaluate(log_probs: &[f64], counts: &[f64], gradient: &mut [f64]) -> f64 {
    let n_classes = counts.len();
    let present: Vec<usize> = (0..n_classes).filter(|&class| counts[class] > ABSENT).collect();
    let present_counts: Vec<f64> = present.iter().map(|&class| counts[class]).collect();
    let (kept, log_kept) = keep(log_probs, n_classes, &present);
    let k = present.len();
    let (tilted, of_present, by_logits) = if k == 1 {
        (vec![1.0; kept.len()], 0.0, vec![0.0; kept.len()])
    } else {
        among(&kept, &present_counts)
    };
    let rows = gradient.chunks_exact_mut(n_classes).zip(log_probs.chunks_exact(n_classes));
    for ((out, log_p), (u, correction)) in rows.zip(tilted.chunks_exact(k).zip(by_logits.chunks_exact(k))) {
        out.iter_mut().zip(log_p).for_each(|(out, log_p)| *out = log_p.exp());
        for (&class, (u, correction)) in present.iter().zip(u.iter().zip(correction)) {
            out[class] += correction - u;
        }
    }
    of_present - log_kept
}

/// Log-probabilities of the classes that are present, given that no other one is drawn, and the logarithm of the
/// probability of that.
fn keep(log_probs: &[f64], n_classes: usize, present: &[usize]) -> (Vec<f64>, f64) {
    let mut kept = Vec::with_capacity(log_probs.len() / n_classes * present.len());
    let mut log_kept = 0.0;
    for row in log_probs.chunks_exact(n_classes) {
        let log_mass = if present.len() == n_classes {
            0.0
        } else {
            let max = present.iter().fold(f64::NEG_INFINITY, |max, &class| max.max(row[class]));
            max + present.iter().map(|&class| (row[class] - max).exp()).sum::<f64>().ln()
        };
        kept.extend(present.iter().map(|&class| row[class] - log_mass));
        log_kept += log_mass;
    }
    (kept, log_kept)
}

/// For at least two classes, all present: tilted probabilities, `-log P`, and what the determinant adds to its gradient.
fn among(log_probs: &[f64], counts: &[f64]) -> (Vec<f64>, f64, Vec<f64>) {
    let k = counts.len();
    let tilt = Tilt::new(log_probs, counts);
    let hessian = covariance(&tilt.probs, k);
    let ridge = Ridge::new(&hessian, k);
    let mut smoothed = hessian.clone();
    ridge.add_to(&mut smoothed);
    let factor = Factor::new(&smoothed, k);
    let log_scale = (k - 1) as f64 * std::f64::consts::TAU.ln();
    let value = tilt.divergence + f64::midpoint(log_scale, factor.log_determinant());

    let by_hessian = ridge.derivative_of_log_determinant(&factor.inverse());
    let mut gradient = vec![0.0; tilt.probs.len()];
    backward(&tilt.probs, &by_hessian, &vec![0.0; k], &mut gradient);
    // The tilt moves with the logits, so that the expected counts stay: H dg = -sum_i J_i dz_i.
    let mut moved = vec![0.0; k];
    for row in gradient.chunks_exact(k) {
        moved.iter_mut().zip(row).for_each(|(sum, value)| *sum -= value);
    }
    Factor::new(&hessian, k).solve(&mut moved);
    for (u, out) in tilt.probs.chunks_exact(k).zip(gradient.chunks_exact_mut(k)) {
        add_through_softmax(u, &moved, out);
    }
    (tilt.probs, value, gradient)
}

/// The matrix `R` of the head of this file.
struct Ridge {
    d: Vec<f64>,
    /// Derivative of each `d_c` by `H_cc`.
    slope: Vec<f64>,
    sum: f64,
}

impl Ridge {
    fn new(hessian: &[f64], k: usize) -> Self {
        let classes = k as f64;
        let at_certainty = classes.powf((classes - 1.0).recip()) / std::f64::consts::TAU;
        let fading: Vec<f64> =
            (0..k).map(|c| (at_certainty - RIDGE) * (-FADING * hessian[c * k + c]).exp()).collect();
        let d: Vec<f64> = fading.iter().map(|fading| RIDGE + fading).collect();
        let slope = fading.iter().map(|fading| -FADING * fading).collect();
        Self { sum: d.iter().sum(), d, slope }
    }

    fn add_to(&self, matrix: &mut [f64]) {
        let k = self.d.len();
        for (a, row) in matrix.chunks_exact_mut(k).enumerate() {
            row[a] += self.d[a];
            row.iter_mut().zip(&self.d).for_each(|(entry, d)| *entry -= self.d[a] * d / self.sum);
        }
    }

    /// Half the derivative of `log det(H + R(H))` by `H`, `[class, class]`, from the inverse of `H + R`.
    fn derivative_of_log_determinant(&self, inverse: &[f64]) -> Vec<f64> {
        let k = self.d.len();
        let product: Vec<f64> = inverse.chunks_exact(k).map(|row| dot(row, &self.d)).collect();
        let square = dot(&product, &self.d) / (self.sum * self.sum);
        let mut by_hessian: Vec<f64> = inverse.iter().map(|entry| entry / 2.0).collect();
        for c in 0..k {
            let by_d = inverse[c * k + c] - 2.0 * product[c] / self.sum + square;
            by_hessian[c * k + c] += by_d / 2.0 * self.slope[c];
        }
        by_hessian
    }
}
