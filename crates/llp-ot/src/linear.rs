//! The Newton system of the dual: `(diag(w) / kappa + (diag(U 1) - U U^T) / epsilon) d = g`.
//!
//! Two things make it well conditioned without changing its solution. The matrix `diag(U 1) - U U^T` is a
//! graph Laplacian, because the columns of `U` add up to 1: its diagonal is computed as the sum of the
//! off-diagonal entries, all of one sign, which keeps every digit also where `U` is nearly one-hot. And after
//! the exact shift both `g` and the columns of the Laplacian add up to 0, so every solution has `w^T d = 0`,
//! and adding `rho w w^T` to the matrix leaves it where it is while lifting the one direction whose
//! eigenvalue vanishes with `1 / kappa`.

use crate::Real;
use crate::dual::Dual;
use crate::panel::Panel;

/// Up to this number of classes the system is factorized; above, conjugate gradients are tried first.
const FACTORIZE_UP_TO: usize = 20;
/// Conjugate gradients that take more steps than this are given up: the factorization costs no more, and
/// keeps its digits where the couplings are nearly one-hot and the products of the gradients' method cancel.
const MAX_CONJUGATE_STEPS: usize = 24;

/// Scratch memory of the two methods, `[class]` unless said.
#[derive(Debug, Default)]
pub(crate) struct NewtonSystem {
    /// `[class, class]`.
    matrix: Vec<f64>,
    diagonal: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
    ap: Vec<f64>,
    factorize: bool,
}

impl NewtonSystem {
    /// Forgets how the last problem was solved.
    pub(crate) fn start(&mut self, n_classes: usize) {
        self.factorize = n_classes <= FACTORIZE_UP_TO;
    }

    /// Writes the ascent direction at the last evaluated point of `dual` to `direction`.
    pub(crate) fn solve<T: Real>(&mut self, dual: &Dual, panel: &mut Panel<T>, direction: &mut Vec<f64>) {
        direction.clear();
        direction.extend(dual.weights.iter().zip(&dual.mass).map(|(w, m)| w - m));
        self.factorize = self.factorize || !self.conjugate_gradients(dual, panel, direction);
        if self.factorize {
            direction.clear();
            direction.extend(dual.weights.iter().zip(&dual.mass).map(|(w, m)| w - m));
            self.assemble(dual, panel);
            factorize_and_solve(&mut self.matrix, direction);
        }
    }

    fn assemble<T: Real>(&mut self, dual: &Dual, panel: &mut Panel<T>) {
        let k = dual.n_classes();
        let deflation = deflation(dual);
        self.matrix.clear();
        self.matrix.resize(k * k, 0.0);
        panel.gram(&mut self.matrix);
        self.diagonal.clear();
        self.diagonal.extend(dual.weights.iter().map(|w| w * dual.inverse_kappa + deflation * w * w));
        let inverse_epsilon = dual.epsilon.recip();
        for (i, row) in self.matrix.chunks_exact_mut(k).enumerate() {
            let lifted = deflation * dual.weights[i];
            let mut degree = 0.0;
            for ((entry, w), diagonal) in row[..i].iter_mut().zip(&dual.weights).zip(&mut self.diagonal) {
                let coupled = *entry * inverse_epsilon;
                degree += coupled;
                *diagonal += coupled;
                *entry = lifted * w - coupled;
            }
            self.diagonal[i] += degree;
        }
        for i in 0..k {
            self.matrix[i * k + i] = self.diagonal[i];
        }
    }

    /// Solves in place by conjugate gradients with the diagonal as preconditioner. Returns whether that
    /// succeeded.
    fn conjugate_gradients<T: Real>(&mut self, dual: &Dual, panel: &mut Panel<T>, x: &mut [f64]) -> bool {
        let k = dual.n_classes();
        let deflation = deflation(dual);
        self.diagonal.clear();
        self.diagonal.resize(k, 0.0);
        panel.variance(&mut self.diagonal);
        for (d, w) in self.diagonal.iter_mut().zip(&dual.weights) {
            *d = d.max(0.0) / dual.epsilon + w * dual.inverse_kappa + deflation * w * w + f64::MIN_POSITIVE;
        }
        for values in [&mut self.residual, &mut self.direction, &mut self.ap] {
            values.clear();
            values.resize(k, 0.0);
        }
        self.residual.copy_from_slice(x);
        x.fill(0.0);
        // Squared norms of the residual, in the metric of the preconditioner.
        let relative = dual.residual().sqrt().min(0.1);
        let mut last = self.squared_residual();
        let tol = last * relative * relative;
        let mut beta = 0.0;
        for _ in 0..MAX_CONJUGATE_STEPS {
            for ((p, r), d) in self.direction.iter_mut().zip(&self.residual).zip(&self.diagonal) {
                *p = r / d + beta * *p;
            }
            self.apply(dual, panel, deflation);
            let curvature = dot(&self.direction, &self.ap);
            if curvature <= 0.0 {
                return false;
            }
            add_scaled(x, last / curvature, &self.direction);
            add_scaled(&mut self.residual, -last / curvature, &self.ap);
            let next = self.squared_residual();
            if next <= tol {
                return true;
            }
            beta = next / last;
            last = next;
        }
        false
    }

    fn squared_residual(&self) -> f64 {
        self.residual.iter().zip(&self.diagonal).map(|(r, d)| r * r / d).sum()
    }

    /// `ap = matrix * direction`, without forming the matrix.
    fn apply<T: Real>(&mut self, dual: &Dual, panel: &mut Panel<T>, deflation: f64) {
        panel.multiply(&self.direction, &mut self.ap);
        let lifted = deflation * dot(&dual.weights, &self.direction);
        for i in 0..dual.n_classes() {
            let (w, p) = (dual.weights[i], self.direction[i]);
            self.ap[i] =
                (dual.mass[i] * p - self.ap[i]) / dual.epsilon + w * (dual.inverse_kappa * p + lifted);
        }
    }
}

/// `rho`: makes the lifted eigenvalue as large as those of the Laplacian.
fn deflation(dual: &Dual) -> f64 {
    1.0 / (dual.n_instances * dual.epsilon)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `x += factor y`.
fn add_scaled(x: &mut [f64], factor: f64, y: &[f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += factor * y;
    }
}

/// Solves `matrix x = b` in place by a Cholesky factorization of the lower triangle.
///
/// A pivot that rounding has destroyed is replaced by a small share of its diagonal entry: the direction
/// stays one of ascent, and the line search does the rest.
fn factorize_and_solve(matrix: &mut [f64], b: &mut [f64]) {
    const SMALLEST_PIVOT: f64 = 1e-13;
    let k = b.len();
    for i in 0..k {
        let (above, rest) = matrix.split_at_mut(i * k);
        let row = &mut rest[..=i];
        let mut value = b[i];
        let diagonal = row[i];
        let mut pivot = diagonal;
        for j in 0..i {
            let other = &above[j * k..=j * k + j];
            let entry = (row[j] - dot(&row[..j], &other[..j])) * other[j];
            row[j] = entry;
            pivot -= entry * entry;
            value -= entry * b[j];
        }
        // The inverse of the pivot is stored: the rest only multiplies by it.
        row[i] = pivot.max(diagonal * SMALLEST_PIVOT).max(f64::MIN_POSITIVE).sqrt().recip();
        b[i] = value * row[i];
    }
    for i in (0..k).rev() {
        let row = &matrix[i * k..=i * k + i];
        b[i] *= row[i];
        let value = b[i];
        for (b, entry) in b[..i].iter_mut().zip(row) {
            *b -= entry * value;
        }
    }
}
