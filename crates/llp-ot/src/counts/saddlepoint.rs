//! The saddlepoint approximation of the Poisson multinomial distribution.
//!
//! Let `u_i` be the probabilities of instance `i` tilted so that the expected counts are the given ones, `x`, and `H` the
//! covariance of the counts under them. Then
//!
//! `-log P(x) = sum_i KL(u_i | p_i) + 1/2 log det(2 pi (H + R)) + O(1 / n)`,
//!
//! without one class in the determinant \[daniels:54\]. `R` is our addition: with `R = 0` the second term goes to minus
//! infinity where predictions become certain, since a density is not a probability. `R` has the form of a covariance of
//! counts, `diag(d) - d d^T / sum(d)` with `d_c = A + (B - A) exp(-C H_cc)`. `B` makes the term exactly 0 at `H = 0`;
//! `A` is what a sum of coins needs that are fair, where the approximation is exact but for 1/8 of a variance; how fast
//! the one goes over into the other, `C`, was chosen by enumeration.
//!
//! The tilted probabilities are the coupling of equation (6) at `alpha = 0` and `epsilon = 1`, balanced transport for the
//! cost `-log p`, and the tilt is its potential: the solver and its passes serve here too.

use super::linear::{Factor, dot};
use crate::Real;
use crate::bag::{Bag, Workspace};
use crate::batch::Logits;
use crate::config::RotSolver;
use crate::finish::Output;
use crate::newton::NewtonConfig;

const RIDGE: f64 = 0.1;
const FADING: f64 = 10.0;
/// Counts below this are those of absent classes.
const ABSENT: f64 = 1e-6;
/// As exact as the precision of the logits permits.
const SOLVER: RotSolver = RotSolver::Newton(NewtonConfig { threshold: 0.0, max_iterations: 100 });

/// `-log P(counts)`, and its derivative by the logits in `gradient`, `[instance, class]` as `logits`.
pub(super) fn evaluate<T: Real>(
    workspace: &mut Workspace<T>,
    logits: &[T],
    proportions: &[T],
    gradient: &mut [T],
) -> f64 {
    let n_classes = proportions.len();
    let n_instances = logits.len() / n_classes;
    let scores = Logits { logits, n_classes };
    let bag = Bag { n_instances, n_classes, alpha: 0.0, epsilon: 1.0, scores: &scores };
    let proportion = |class: usize| {
        let share = proportions[class].to_f64();
        if share * n_instances as f64 > ABSENT { share } else { 0.0 }
    };
    workspace.search(&bag, proportion, SOLVER, None);
    let output = Output::Gradient { factor: 1.0 };
    let Workspace { panel, dual, n_active, .. } = workspace;
    let (log_sum, log_norm) = panel.finish(&dual.potentials, output, &mut dual.mass);
    let divergence = dot(&dual.weights, &dual.potentials) - log_sum + log_norm;
    let value = divergence + if *n_active < 2 { 0.0 } else { add_determinant(workspace) };
    workspace.write_by_instance(gradient, n_classes);
    value
}

/// Half the logarithm of the determinant; adds its derivative to the output of the panel.
fn add_determinant<T: Real>(workspace: &mut Workspace<T>) -> f64 {
    let (panel, k) = (&mut workspace.panel, workspace.n_active);
    let mut hessian = vec![0.0; k * k];
    panel.gram(&mut hessian);
    into_covariance(&mut hessian, k);
    let ridge = Ridge::new(&hessian, k);
    let mut smoothed = hessian.clone();
    ridge.add_to(&mut smoothed);
    let factor = Factor::new(&smoothed, k);

    let mut by_hessian = ridge.derivative_of_log_determinant(&factor.inverse());
    let diagonal: Vec<f64> = (0..k).map(|class| by_hessian[class * k + class]).collect();
    for entry in &mut by_hessian {
        *entry *= -2.0;
    }
    let mut moved = vec![0.0; k];
    panel.add_through_softmax(&by_hessian, &diagonal, &mut moved);
    // The tilt moves with the logits, so that the expected counts stay: H dg = -sum_i J_i dz_i.
    for sum in &mut moved {
        *sum = -*sum;
    }
    Factor::new(&hessian, k).solve(&mut moved);
    panel.add_through_softmax(&[], &moved, &mut vec![0.0; k]);
    let log_scale = (k - 1) as f64 * std::f64::consts::TAU.ln();
    f64::midpoint(log_scale, factor.log_determinant())
}

/// From the entries `i > k` of `U U^T`: the rows of a covariance of counts add up to 0, so that its diagonal as the sum
/// of the rest keeps its digits where predictions are nearly certain.
fn into_covariance(gram: &mut [f64], k: usize) {
    for a in 0..k {
        gram[a * k + a] = 0.0;
        for b in 0..a {
            let entry = gram[a * k + b];
            (gram[a * k + b], gram[b * k + a]) = (-entry, -entry);
            gram[a * k + a] += entry;
            gram[b * k + b] += entry;
        }
    }
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
