//! Eigenvalues of small symmetric matrices.

/// Eigenvalues, descending, and an eigenvector for each, of length 1.
pub(crate) struct Eigen {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Vec<f64>, // [value, row]
}

/// Passes over all pairs at most; convergence is quadratic, and a few suffice.
const N_SWEEPS_MAX: usize = 60;

/// The spectrum of a symmetric matrix, row-major `[n, n]`, by Jacobi's rotations: each one makes a pair of entries beside
/// the diagonal zero, and their sum of squares falls to nothing.
pub(crate) fn eigen(mut matrix: Vec<f64>, n: usize) -> Eigen {
    let mut rows = vec![0.0; n * n]; // becomes the eigenvectors
    for i in 0..n {
        rows[i * n + i] = 1.0;
    }
    let scale: f64 = matrix.iter().map(|entry| entry * entry).sum();
    for _ in 0..N_SWEEPS_MAX {
        let beside: f64 = pairs(n).map(|(p, q)| matrix[p * n + q].powi(2)).sum();
        if beside <= f64::EPSILON.powi(2) * scale {
            break;
        }
        for (p, q) in pairs(n) {
            rotate(&mut matrix, &mut rows, n, p, q);
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| matrix[b * n + b].total_cmp(&matrix[a * n + a]));
    Eigen {
        values: order.iter().map(|&i| matrix[i * n + i]).collect(),
        vectors: order.iter().flat_map(|&i| rows[i * n..][..n].to_vec()).collect(),
    }
}

fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |p| (p + 1..n).map(move |q| (p, q)))
}

/// Turns the plane of `p` and `q` so that the entry between them becomes 0.
fn rotate(matrix: &mut [f64], rows: &mut [f64], n: usize, p: usize, q: usize) {
    let entry = matrix[p * n + q];
    if entry == 0.0 {
        return;
    }
    let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * entry);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |a: f64, b: f64| (cosine * a - sine * b, sine * a + cosine * b);
    for i in 0..n {
        (matrix[i * n + p], matrix[i * n + q]) = turn(matrix[i * n + p], matrix[i * n + q]);
    }
    for i in 0..n {
        (matrix[p * n + i], matrix[q * n + i]) = turn(matrix[p * n + i], matrix[q * n + i]);
        (rows[p * n + i], rows[q * n + i]) = turn(rows[p * n + i], rows[q * n + i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Vectors are orthonormal, `A v = lambda v`, and values descend.
        #[test]
        fn the_spectrum_is_one(n in 1..8_usize, entries in prop::collection::vec(-1.0..1.0_f64, 64)) {
            let at = |i: usize, j: usize| entries[i.min(j) * 8 + i.max(j)];
            let matrix: Vec<f64> = (0..n * n).map(|k| at(k / n, k % n)).collect();
            let Eigen { values, vectors } = eigen(matrix.clone(), n);
            prop_assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
            for a in 0..n {
                let v = &vectors[a * n..][..n];
                for b in 0..n {
                    let dot: f64 = v.iter().zip(&vectors[b * n..][..n]).map(|(x, y)| x * y).sum();
                    prop_assert!((dot - f64::from(u8::from(a == b))).abs() < 1e-12);
                    let image: f64 = matrix[b * n..][..n].iter().zip(v).map(|(m, x)| m * x).sum();
                    prop_assert!((image - values[a] * v[b]).abs() < 1e-12);
                }
            }
        }
    }
}
