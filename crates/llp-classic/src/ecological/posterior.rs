//! The posterior distribution of the parameters and of all tables.

use super::EcologicalConfig;
use super::chains::{Chains, Moments};
use super::information::Information;
use super::tables::GroupTables;
use crate::kernels::{add_scaled, dot};
use crate::random::Random;

/// What is left of a deviation after a step of the posterior's samples; near 1 steps are short and need few sweeps.
const MEMORY: f64 = 0.75;

/// Standard errors in a step below which the search is at rest.
const AT_REST: f64 = 1.0;

/// Means over the posterior.
pub(super) struct Posterior {
    /// Logarithms of the parameters, `[group, class]`.
    pub(super) theta: Vec<f64>,
    /// Mean counts and scores of each bag, and covariances given the parameters.
    pub(super) moments: Moments,
    /// Mean scores over all bags, `[group, class]`.
    pub(super) score: Vec<f64>,
    /// Variance of each count over all bags, `[group, class]`.
    pub(super) variance: Vec<f64>,
    /// The information where the search ended.
    pub(super) information: Information,
    /// Whether the search came to rest.
    pub(super) converged: bool,
}

/// Looks for the parameters of greatest posterior probability, and samples around them.
pub(super) fn sample(tables: &GroupTables, config: &EcologicalConfig) -> Posterior {
    let mut chains = Chains::new(tables, config.seed);
    let mut theta = start(tables);
    chains.sample(&theta, config.sweeps);
    let mut converged = false;
    for _ in 0..config.max_steps {
        let moments = chains.sample(&theta, config.sweeps);
        let gradient = moments.gradient(&theta);
        let step = moments.information_of(&theta).step(&gradient);
        let longest = step.iter().fold(1.0_f64, |longest, step| longest.max(step.abs()));
        add_scaled(&mut theta, 1.0 / longest, &step);
        keep_moderate(&mut theta);
        if dot(&step, &gradient) < AT_REST * AT_REST * theta.len() as f64 {
            converged = true;
            break;
        }
    }
    walk(&mut chains, theta, config, converged)
}

/// Keeps parameters from 0 and infinity, where the prior has next to no probability.
fn keep_moderate(theta: &mut [f64]) {
    for theta in theta {
        *theta = theta.clamp(-7.0, 12.0);
    }
}

/// Every group like all.
fn start(tables: &GroupTables) -> Vec<f64> {
    let totals = tables.class_totals();
    let n: u64 = totals.iter().sum();
    let of_group = totals.iter().map(|&total| (4.0 * total as f64 / n as f64).ln());
    (0..tables.n_groups()).flat_map(|_| of_group.clone()).collect()
}

/// Langevin steps: each goes towards the optimum and is disturbed, so that parameters of a normal distribution with this
/// information would keep it.
fn walk(
    chains: &mut Chains<'_>,
    mut theta: Vec<f64>,
    config: &EcologicalConfig,
    converged: bool,
) -> Posterior {
    let mut random = Random::new(config.seed, u64::MAX);
    let mut moments = chains.sample(&theta, 4 * config.sweeps);
    let information = moments.information_of(&theta);
    let (mut sum, mut theta_sum) = (Moments::empty(moments.bags.len(), theta.len()), vec![0.0; theta.len()]);
    let mut totals: Vec<Vec<f64>> = Vec::with_capacity(config.draws);
    for _ in 0..config.draws {
        let step = information.step(&moments.gradient(&theta));
        let noise: Vec<f64> = theta.iter().map(|_| random.normal()).collect();
        add_scaled(&mut theta, 1.0 - MEMORY, &step);
        add_scaled(&mut theta, (1.0 - MEMORY * MEMORY).sqrt(), &information.disturbance(&noise));
        keep_moderate(&mut theta);
        moments = chains.sample(&theta, config.sweeps);
        sum.add(&moments, 1.0 / config.draws as f64);
        add_scaled(&mut theta_sum, 1.0 / config.draws as f64, &theta);
        totals.push(moments.totals());
    }
    let cells = theta.len();
    let variance =
        (0..cells).map(|cell| sum.count_variance[cell] + variance(totals.iter().map(|total| total[cell])));
    let mut score = vec![0.0; cells];
    sum.bags.iter().for_each(|bag| add_scaled(&mut score, 1.0, &bag.score));
    Posterior { theta: theta_sum, variance: variance.collect(), moments: sum, score, information, converged }
}

fn variance(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let n = values.len() as f64;
    let mean = values.clone().sum::<f64>() / n;
    values.map(|value| (value - mean).powi(2)).sum::<f64>() / n
}
