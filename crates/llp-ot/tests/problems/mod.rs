//! Random problems, and the formulas of the paper written out without regard for speed.
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![expect(dead_code, reason = "each test binary uses its own part")]

use llp_ot::{Proportions, RotProblem};
use proptest::prelude::*;

/// A bag as logits, with the parameters of equation (6).
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// `[instance, class]`.
    pub(crate) logits: Vec<f64>,
    pub(crate) z: Proportions,
    pub(crate) alpha: f64,
    pub(crate) epsilon: f64,
}

impl Case {
    /// `-log softmax`, `[class, instance]`.
    pub(crate) fn cost(&self) -> Vec<f64> {
        cost_of(&self.logits, self.k)
    }

    pub(crate) fn problem<'a>(&'a self, cost: &'a [f64]) -> RotProblem<'a, f64> {
        RotProblem { cost, proportions: &self.z, alpha: self.alpha, epsilon: self.epsilon }
    }

    pub(crate) fn objective(&self, coupling: &[f64], cost: &[f64]) -> f64 {
        objective(coupling, cost, self.z.as_slice(), self.alpha, self.epsilon)
    }

    pub(crate) fn kappa(&self) -> f64 {
        (1.0 - self.alpha) / self.alpha
    }
}

/// Up to 12 instances, 6 classes; `alpha` in [0.05, 0.95]; `epsilon` from 0.02 to 10; logits up to 8; some
/// classes empty.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    cases_up_to(12, 6)
}

/// The same, up to a number of instances and classes.
pub(crate) fn cases_up_to(n_max: usize, k_max: usize) -> impl Strategy<Value = Case> {
    (1..=n_max, 1..=k_max).prop_flat_map(|(n, k)| {
        (
            prop::collection::vec(-1.0..1.0_f64, n * k),
            proportions(n, k),
            0.0..8.0_f64,
            0.05..0.95_f64,
            (0.02_f64.ln()..10.0_f64.ln()).prop_map(f64::exp),
        )
            .prop_map(move |(unit, z, scale, alpha, epsilon)| Case {
                n,
                k,
                logits: unit.iter().map(|x| scale * x).collect(),
                z,
                alpha,
                epsilon,
            })
    })
}

/// Cases of which every class has a positive proportion.
pub(crate) fn full_cases() -> impl Strategy<Value = Case> {
    cases().prop_filter("an empty class", |case| case.z.as_slice().iter().all(|&z| z > 0.0))
}

/// Counts of `n` random labels, or any point of the simplex with some zeros.
pub(crate) fn proportions(n: usize, k: usize) -> impl Strategy<Value = Proportions> {
    prop_oneof![
        counts(n, k).prop_map(|counts| Proportions::from_counts(&counts).unwrap()),
        prop::collection::vec(prop_oneof![1 => Just(0.0), 4 => 0.01..1.0_f64], k).prop_map(|weights| {
            let sum: f64 = weights.iter().sum();
            let k = weights.len() as f64;
            let normalize = |w: f64| if sum > 0.0 { w / sum } else { 1.0 / k };
            Proportions::new(weights.into_iter().map(normalize).collect()).unwrap()
        }),
    ]
}

/// Class counts of `n` random labels.
pub(crate) fn counts(n: usize, k: usize) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0..k, n).prop_map(move |labels| {
        let mut counts = vec![0; k];
        for label in labels {
            counts[label] += 1;
        }
        counts
    })
}

pub(crate) fn log_sum_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + values.iter().map(|value| (value - max).exp()).sum::<f64>().ln()
}

pub(crate) fn cost_of(logits: &[f64], k: usize) -> Vec<f64> {
    let n = logits.len() / k;
    let mut cost = vec![0.0; n * k];
    for (j, row) in logits.chunks_exact(k).enumerate() {
        let norm = log_sum_exp(row);
        for (i, logit) in row.iter().enumerate() {
            cost[i * n + j] = norm - logit;
        }
    }
    cost
}

/// `sum a log(a / b) - a + b`.
pub(crate) fn kl(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| if a == 0.0 { b } else { a * (a / b).ln() - a + b }).sum()
}

/// Row sums of a coupling, `[class]`.
pub(crate) fn masses(coupling: &[f64], k: usize) -> Vec<f64> {
    coupling.chunks_exact(coupling.len() / k).map(|row| row.iter().sum()).collect()
}

/// Equation (6), entropy as printed.
pub(crate) fn objective(coupling: &[f64], cost: &[f64], z: &[f64], alpha: f64, epsilon: f64) -> f64 {
    let n = (coupling.len() / z.len()) as f64;
    let shares: Vec<f64> = masses(coupling, z.len()).iter().map(|m| m / n).collect();
    let transport: f64 = cost.iter().zip(coupling).map(|(c, u)| c * u).sum();
    let entropy: f64 = coupling.iter().map(|&u| if u == 0.0 { 0.0 } else { -u * (u.ln() - 1.0) }).sum();
    let marginal = if alpha < 1.0 { (1.0 - alpha) * kl(&shares, z) } else { 0.0 };
    alpha / n * (transport - epsilon * entropy) + marginal
}

/// `U(f)_ij = softmax over i of (f_i - C_ij) / epsilon`.
pub(crate) fn coupling_of(potentials: &[f64], cost: &[f64], epsilon: f64) -> Vec<f64> {
    let (k, n) = (potentials.len(), cost.len() / potentials.len());
    let mut coupling = vec![0.0; n * k];
    for j in 0..n {
        let exponents: Vec<f64> = (0..k).map(|i| (potentials[i] - cost[i * n + j]) / epsilon).collect();
        let norm = log_sum_exp(&exponents);
        for i in 0..k {
            coupling[i * n + j] = (exponents[i] - norm).exp();
        }
    }
    coupling
}

/// `(alpha / n) D(f)` for finite `kappa`.
pub(crate) fn dual(potentials: &[f64], cost: &[f64], z: &[f64], alpha: f64, epsilon: f64) -> f64 {
    let (k, n) = (potentials.len(), cost.len() / potentials.len());
    let kappa = (1.0 - alpha) / alpha;
    let marginal: f64 = potentials
        .iter()
        .zip(z)
        .filter(|(_, z)| **z > 0.0)
        .map(|(f, z)| -kappa * n as f64 * z * (-f / kappa).exp_m1())
        .sum();
    let sums: f64 = (0..n)
        .map(|j| {
            log_sum_exp(&(0..k).map(|i| (potentials[i] - cost[i * n + j]) / epsilon).collect::<Vec<_>>())
        })
        .sum();
    alpha / n as f64 * (marginal - epsilon * sums - epsilon * n as f64)
}

pub(crate) fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
