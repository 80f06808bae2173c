//! The information of the posterior distribution of the parameters.

use crate::kernels::{add_scaled, dot};
use crate::symmetric::eigen;

/// The second derivatives of the logarithm of the posterior density, with the sign changed: those of the prior, which are
/// a diagonal, and those of the bags.
///
/// Far from the optimum, or by the noise of samples, those of the bags may be negative in some directions: there they count
/// nothing, so that the information is never less than that of the prior.
pub(super) struct Information {
    /// Deviations by the prior alone, `[cell]`.
    deviations: Vec<f64>,
    /// Eigenvectors of the bags' information in units of the prior's, `[vector, cell]`.
    vectors: Vec<f64>,
    /// By vector, the information in its direction: at least 1.
    values: Vec<f64>,
}

impl Information {
    /// `prior` is `[cell]` and above 0, `bags` is `[cell, cell]`.
    pub(super) fn new(prior: &[f64], bags: &[f64]) -> Self {
        let n = prior.len();
        let deviations: Vec<f64> = prior.iter().map(|prior| prior.sqrt().recip()).collect();
        let entry = |at: usize| {
            let (row, column) = (at / n, at % n);
            let symmetric = f64::midpoint(bags[at], bags[column * n + row]);
            deviations[row] * symmetric * deviations[column]
        };
        let (values, vectors) = eigen((0..n * n).map(entry).collect(), n);
        Self { deviations, vectors, values: values.into_iter().map(|value| 1.0 + value.max(0.0)).collect() }
    }

    /// The Newton step for a gradient, `[cell]`.
    pub(super) fn step(&self, gradient: &[f64]) -> Vec<f64> {
        let scaled = self.scaled(gradient);
        let directions = self.vectors.chunks_exact(gradient.len()).zip(&self.values);
        self.sum(directions.map(|(vector, value)| dot(vector, &scaled) / value))
    }

    /// Numbers with the inverse of this as their covariance, from independent ones of variance 1, `[cell]`.
    pub(super) fn disturbance(&self, noise: &[f64]) -> Vec<f64> {
        self.sum(noise.iter().zip(&self.values).map(|(noise, value)| noise / value.sqrt()))
    }

    fn scaled(&self, values: &[f64]) -> Vec<f64> {
        values.iter().zip(&self.deviations).map(|(value, deviation)| value * deviation).collect()
    }

    /// The sum of the vectors with these factors, in units of the parameters.
    fn sum(&self, factors: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sum = vec![0.0; self.deviations.len()];
        for (vector, factor) in self.vectors.chunks_exact(sum.len()).zip(factors) {
            add_scaled(&mut sum, factor, vector);
        }
        self.scaled(&sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Theorem: the information times a step is the gradient; the covariance of disturbances is its inverse; what is negative
    /// in the bags' information counts nothing.
    #[test]
    fn steps_and_disturbances_are_those_of_the_inverse() {
        let (n, prior) = (4, [0.5, 2.0, 1.0, 3.0]);
        let bags: Vec<f64> = (0..n * n)
            .map(|at| f64::from(u8::from(at / n == at % n)) * 9.0 + (at / n * (at % n) % 4) as f64)
            .collect();
        let information = Information::new(&prior, &bags);
        let unit = |place: usize| (0..n).map(|at| f64::from(u8::from(at == place))).collect::<Vec<_>>();
        let columns: Vec<Vec<f64>> = (0..n).map(|at| information.disturbance(&unit(at))).collect();
        for i in 0..n {
            let step = information.step(&unit(i));
            for j in 0..n {
                let product = prior[j] * step[j] + (0..n).map(|k| bags[j * n + k] * step[k]).sum::<f64>();
                assert!((product - unit(i)[j]).abs() < 1e-13, "{product}");
                let covariance: f64 = columns.iter().map(|column| column[i] * column[j]).sum();
                assert!((covariance - step[j]).abs() < 1e-13, "{covariance} {}", step[j]);
            }
        }
        let indefinite = Information::new(&[4.0, 1.0], &[-8.0, 0.0, 0.0, 3.0]);
        assert_eq!(indefinite.step(&[1.0, 1.0]), [0.25, 0.25]);
    }
}
