//! Covariances of counts, which are singular along the vector of ones: their last row and column are left out.

use pulp::{Simd, WithSimd};

use crate::simd::run;

/// A symmetric positive definite matrix, `[size, size]`, as its Cholesky factor `L` with `L L^T` the matrix.
pub(super) struct Factor {
    lower: Vec<f64>,
    size: usize,
}

impl Factor {
    /// Of the leading `n_classes - 1` rows and columns of `matrix`, `[n_classes, n_classes]`. A pivot that rounding has
    /// destroyed is replaced by a tiny one.
    pub(super) fn new(matrix: &[f64], n_classes: usize) -> Self {
        run(Factorize { matrix, n_classes })
    }

    #[inline(always)]
    fn of(matrix: &[f64], n_classes: usize) -> Self {
        const SMALLEST_PIVOT: f64 = 1e-13;
        let size = n_classes - 1;
        let mut lower = vec![0.0; size * size];
        for i in 0..size {
            let (above, rest) = lower.split_at_mut(i * size);
            let row = &mut rest[..size];
            for j in 0..i {
                let other = &above[j * size..][..size];
                row[j] = (matrix[i * n_classes + j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let diagonal = matrix[i * n_classes + i];
            let pivot = diagonal - dot(&row[..i], &row[..i]);
            row[i] = pivot.max(diagonal * SMALLEST_PIVOT).max(f64::MIN_POSITIVE).sqrt();
        }
        Self { lower, size }
    }

    pub(super) fn log_determinant(&self) -> f64 {
        (0..self.size).map(|i| 2.0 * self.lower[i * self.size + i].ln()).sum()
    }

    /// Solves in place; of the last class, the entry becomes 0.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let n = self.size;
        b[n] = 0.0;
        for i in 0..n {
            let row = &self.lower[i * n..][..n];
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
        for i in (0..n).rev() {
            b[i] /= self.lower[i * n + i];
            let value = b[i];
            for (b, entry) in b[..i].iter_mut().zip(&self.lower[i * n..]) {
                *b -= entry * value;
            }
        }
    }

    /// The inverse, `[class, class]`, with zeros in the row and the column of the last class.
    pub(super) fn inverse(&self) -> Vec<f64> {
        run(Invert(self))
    }

    #[inline(always)]
    fn inverted(&self) -> Vec<f64> {
        let (n, n_classes) = (self.size, self.size + 1);
        // The rows of the inverse of L; whole rows at a time are vector operations.
        let mut rows = vec![0.0; n * n];
        for i in 0..n {
            let (above, rest) = rows.split_at_mut(i * n);
            let row = &mut rest[..=i];
            row[i] = 1.0;
            for (other, factor) in above.chunks_exact(n).zip(&self.lower[i * n..]) {
                add_scaled(&mut row[..i], -factor, other);
            }
            let diagonal = self.lower[i * n + i];
            for entry in row {
                *entry /= diagonal;
            }
        }
        let mut inverse = vec![0.0; n_classes * n_classes];
        for (i, row) in rows.chunks_exact(n).enumerate() {
            for (at, out) in inverse.chunks_exact_mut(n_classes).take(i + 1).enumerate() {
                add_scaled(&mut out[..=at], row[at], &row[..=at]);
            }
        }
        for row in 0..n {
            for column in 0..row {
                inverse[column * n_classes + row] = inverse[row * n_classes + column];
            }
        }
        inverse
    }
}

/// [`Factor::new`], compiled for each instruction set.
struct Factorize<'a> {
    matrix: &'a [f64],
    n_classes: usize,
}

impl WithSimd for Factorize<'_> {
    type Output = Factor;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Factor {
        Factor::of(self.matrix, self.n_classes)
    }
}

/// [`Factor::inverse`], compiled for each instruction set.
struct Invert<'a>(&'a Factor);

impl WithSimd for Invert<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f64> {
        self.0.inverted()
    }
}

/// Adds `factor` times `x` to the beginning of `y`, or as much of it as fits.
#[inline(always)]
fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

/// `sum_i (diag(p_i) - p_i p_i^T)` of the rows of `probs`, `[instance, class]`: the covariance of their counts,
/// `[class, class]`.
pub(super) fn covariance(probs: &[f64], n_classes: usize) -> Vec<f64> {
    let mut matrix = vec![0.0; n_classes * n_classes];
    for p in probs.chunks_exact(n_classes) {
        for (a, row) in matrix.chunks_exact_mut(n_classes).enumerate() {
            let scale = p[a];
            for (out, value) in row[..a].iter_mut().zip(p) {
                *out -= scale * value;
            }
        }
    }
    // The rows add up to 0: the diagonal as the sum of the rest keeps its digits where predictions are nearly certain.
    for a in 0..n_classes {
        for b in 0..a {
            let entry = matrix[a * n_classes + b];
            matrix[b * n_classes + a] = entry;
            matrix[a * n_classes + a] -= entry;
            matrix[b * n_classes + b] -= entry;
        }
    }
    matrix
}

/// Adds to `gradient` the derivative by the logits of a function of the covariance and the mean of counts, whose
/// derivatives are `by_covariance`, `[class, class]` and symmetric, and `by_mean`, `[class]`.
pub(super) fn backward(probs: &[f64], by_covariance: &[f64], by_mean: &[f64], gradient: &mut [f64]) {
    let k = by_mean.len();
    let mut by_probs = vec![0.0; k];
    for (p, out) in probs.chunks_exact(k).zip(gradient.chunks_exact_mut(k)) {
        for (c, (value, row)) in by_probs.iter_mut().zip(by_covariance.chunks_exact(k)).enumerate() {
            *value = row[c] - 2.0 * dot(row, p) + by_mean[c];
        }
        add_through_softmax(p, &by_probs, out);
    }
}

/// Adds `(diag(p) - p p^T) v` to `out`.
pub(super) fn add_through_softmax(p: &[f64], v: &[f64], out: &mut [f64]) {
    let mean = dot(p, v);
    for ((out, p), v) in out.iter_mut().zip(p).zip(v) {
        *out += p * (v - mean);
    }
}

/// In eight sums, which a processor can add at the same time.
#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 8];
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h)) + rest
}
