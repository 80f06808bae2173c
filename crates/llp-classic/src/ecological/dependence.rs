//! Whether the shares of a group depend on how large the group is in its bag, which the model excludes.

use super::chains::BagMoments;
use super::tables::GroupTables;
use crate::kernels::{add_scaled, dot};
use crate::symmetric::eigen;

/// A test of what ecological inference has to assume: that the shares of a group do not depend on the group's part of
/// the bag.
///
/// If they do, estimates are biased, and intervals do not show it. The test is Rao's score test for parameters of the
/// Dirichlet distributions that change with the part of the group: large where the derivatives by the
/// parameters go along with that part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dependence {
    /// About chi-square distributed if there is no dependence.
    pub statistic: f64,
    /// Degrees of freedom: groups times classes.
    pub degrees: usize,
    /// Probability of a statistic as large as this if there is no dependence.
    pub p: f64,
}

impl Dependence {
    /// The test for the scores of the bags.
    pub(super) fn of(tables: &GroupTables, bags: &[BagMoments]) -> Self {
        let (k, cells) = (tables.n_classes(), tables.n_groups() * tables.n_classes());
        let parts: Vec<Vec<f64>> = (0..tables.n_bags()).map(|bag| parts(tables.groups(bag))).collect();
        let mut mean = vec![0.0; tables.n_groups()];
        for parts in &parts {
            add_scaled(&mut mean, 1.0 / bags.len() as f64, parts);
        }
        let rows: Vec<Vec<f64>> = (bags.iter().zip(&parts))
            .map(|(bag, parts)| {
                let slopes = (0..cells).map(|cell| bag.score[cell] * (parts[cell / k] - mean[cell / k]));
                bag.score.iter().copied().chain(slopes).collect()
            })
            .collect();
        let scores: Vec<Vec<f64>> = bags.iter().map(|bag| bag.score.clone()).collect();
        let statistic = (explained(&rows) - explained(&scores)).max(0.0);
        Self { statistic, degrees: cells, p: upper_tail(statistic, cells as f64) }
    }
}

/// The part of each group of a bag.
fn parts(groups: &[u32]) -> Vec<f64> {
    let n: f64 = groups.iter().map(|&count| f64::from(count)).sum();
    groups.iter().map(|&count| f64::from(count) / n.max(1.0)).collect()
}

/// The square of the sum of rows in the metric of the sum of their products; directions in which there is nothing
/// count nothing.
fn explained(rows: &[Vec<f64>]) -> f64 {
    let width = rows[0].len();
    let (mut sum, mut products) = (vec![0.0; width], vec![0.0; width * width]);
    for row in rows {
        add_scaled(&mut sum, 1.0, row);
        for (line, value) in products.chunks_exact_mut(width).zip(row) {
            add_scaled(line, *value, row);
        }
    }
    let (values, vectors) = eigen(products, width);
    let least = 1e-9 * values.last().copied().unwrap_or(0.0);
    let directions = values.iter().zip(vectors.chunks_exact(width)).filter(|(value, _)| **value > least);
    directions.map(|(value, vector)| dot(&sum, vector).powi(2) / value).sum()
}

/// The upper tail of the chi-square distribution by Wilson and Hilferty's cube root, good to a few thousandths.
fn upper_tail(statistic: f64, degrees: f64) -> f64 {
    let variance = 2.0 / (9.0 * degrees);
    let z = ((statistic / degrees).cbrt() - (1.0 - variance)) / variance.sqrt();
    normal_upper_tail(z)
}

/// The upper tail of the normal distribution to 1e-7 (Abramowitz and Stegun, 26.2.17).
fn normal_upper_tail(z: f64) -> f64 {
    const COEFFICIENTS: [f64; 5] =
        [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let polynomial = COEFFICIENTS.iter().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    let tail = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt() * polynomial;
    if z < 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tails at quantiles from tables of the chi-square distribution.
    #[test]
    fn tails_are_those_of_the_chi_square_distribution() {
        for (statistic, degrees, p) in [
            (9.488, 4.0, 0.05),
            (13.277, 4.0, 0.01),
            (16.919, 9.0, 0.05),
            (3.357, 4.0, 0.5),
            (30.578, 15.0, 0.01),
        ] {
            assert!((upper_tail(statistic, degrees) - p).abs() < 0.003, "{statistic} {degrees}");
        }
    }
}
