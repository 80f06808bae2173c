//! Eigenvalues of small symmetric matrices.

const SWEEPS: usize = 60;

/// Eigenvalues in ascending order and eigenvectors, `[vector, entry]`, of a symmetric matrix `[n, n]`, by
/// Jacobi's rotations.
pub(crate) fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                rotated |= rotate(&mut a, &mut vectors, n, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut by_value: Vec<usize> = (0..n).collect();
    by_value.sort_by(|&i, &j| a[i * n + i].total_cmp(&a[j * n + j]));
    let values = by_value.iter().map(|&i| a[i * n + i]).collect();
    let vectors = by_value.iter().flat_map(|&i| vectors[i * n..(i + 1) * n].to_vec()).collect();
    (values, vectors)
}

/// Makes one entry zero; says whether it was not.
fn rotate(a: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) -> bool {
    let (app, aqq, apq) = (a[p * n + p], a[q * n + q], a[p * n + q]);
    if apq.abs() <= f64::EPSILON * 0.5 * (app * aqq).abs().sqrt() || apq.abs() < f64::MIN_POSITIVE {
        return false;
    }
    let theta = (aqq - app) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    for i in 0..n {
        let (x, y) = (a[i * n + p], a[i * n + q]);
        (a[i * n + p], a[i * n + q]) = (c * x - s * y, s * x + c * y);
    }
    for i in 0..n {
        let (x, y) = (a[p * n + i], a[q * n + i]);
        (a[p * n + i], a[q * n + i]) = (c * x - s * y, s * x + c * y);
        let (x, y) = (vectors[p * n + i], vectors[q * n + i]);
        (vectors[p * n + i], vectors[q * n + i]) = (c * x - s * y, s * x + c * y);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Theorem: vectors are orthonormal, and the matrix is the sum of its eigenvalues times their projections.
    #[test]
    fn a_matrix_is_the_sum_of_its_projections() {
        let n = 7;
        let entry = |i: usize, j: usize| ((i.max(j) * 31 + i.min(j) * 17) % 23) as f64 - 11.0;
        let a: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        let (values, vectors) = eigen(a.clone(), n);
        assert!(values.is_sorted());
        for i in 0..n {
            for j in 0..n {
                let sum: f64 = (0..n).map(|v| values[v] * vectors[v * n + i] * vectors[v * n + j]).sum();
                let inner: f64 = (0..n).map(|e| vectors[i * n + e] * vectors[j * n + e]).sum();
                assert!((sum - a[i * n + j]).abs() < 1e-12, "{sum}"); // a few ulps of entries of order 10
                assert!((inner - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
    }
}
