//! Estimates of shares, and how far they can be trusted.

use super::EcologicalConfig;
use super::posterior::Posterior;
use super::tables::GroupTables;
use crate::kernels::{add_scaled, dot};
use crate::parallel::map;
use crate::random::Random;

/// The probability with which intervals are to cover the truth.
pub const COVERAGE: f64 = 0.9;

/// The quantile of the normal distribution at `(1 + COVERAGE) / 2`.
const QUANTILE: f64 = 1.644_853_626_951_472_7;

/// What separates the random numbers of the bootstrap from all others.
const BOOTSTRAP_STREAM: u64 = 0x00B0_0757_4A9F_11E5;

/// Shares are kept so far from 0 and 1 that their log-odds are finite.
const LEAST_SHARE: f64 = 1e-9;

/// From and to.
pub type Interval = (f64, f64);

/// The share of a class among the members of a group in all bags.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Mean of the posterior distribution.
    pub estimate: f64,
    /// Where the posterior distribution has [`COVERAGE`] of its probability: the share in these very bags, if the model is
    /// right.
    pub interval: Interval,
    /// Where [`COVERAGE`] of the estimates from bags drawn anew out of these would be: the share in bags like these, also if
    /// the model is not quite right.
    pub bootstrap: Interval,
    /// What the counts of each bag permit, whatever the model.
    pub bounds: Interval,
}

/// The shares, `[group, class]`.
pub(super) fn shares(tables: &GroupTables, posterior: &Posterior, config: &EcologicalConfig) -> Vec<Share> {
    let k = tables.n_classes();
    let totals: Vec<f64> = tables.group_totals().iter().map(|&total| total as f64).collect();
    let counts = posterior.moments.totals();
    let bootstrap = bootstrap(tables, posterior, config);
    let share = |(cell, (low, high)): (usize, (u64, u64))| {
        let total = totals[cell / k];
        let bounds = (low as f64 / total, high as f64 / total);
        let estimate = counts[cell] / total;
        let error = posterior.variance[cell].sqrt() / total;
        let (low, high) = about(estimate, error);
        let interval = (low.max(bounds.0), high.min(bounds.1));
        Share { estimate, interval, bootstrap: bootstrap[cell], bounds }
    };
    tables.bounds().into_iter().enumerate().map(share).collect()
}

/// An interval about a share with a standard error, symmetric in log-odds.
fn about(share: f64, error: f64) -> Interval {
    let share = inside(share);
    let width = QUANTILE * error / (share * (1.0 - share));
    (logistic(log_odds(share) - width), logistic(log_odds(share) + width))
}

/// The interval of the bootstrap for each cell.
///
/// The parameters of a sample of bags are one Newton step away from those of all bags, and the expected counts follow by
/// their derivatives.
fn bootstrap(tables: &GroupTables, posterior: &Posterior, config: &EcologicalConfig) -> Vec<Interval> {
    let samples = map(config.bootstrap, |sample| {
        let mut random = Random::new(config.seed ^ BOOTSTRAP_STREAM, sample as u64);
        of_sample(tables, posterior, &mut random)
    });
    let tail = (samples.len() as f64 * (1.0 - COVERAGE) / 2.0) as usize;
    (0..posterior.theta.len())
        .map(|cell| {
            let mut shares: Vec<f64> = samples.iter().map(|shares| shares[cell]).collect();
            shares.sort_by(f64::total_cmp);
            (shares[tail], shares[shares.len() - 1 - tail])
        })
        .collect()
}

/// Estimates from as many bags, drawn with replacement.
fn of_sample(tables: &GroupTables, posterior: &Posterior, random: &mut Random) -> Vec<f64> {
    let (cells, n_bags, bags) = (posterior.theta.len(), tables.n_bags(), &posterior.moments.bags);
    let (mut counts, mut score) = (vec![0.0; cells], vec![0.0; cells]);
    let mut members = vec![0.0; tables.n_groups()];
    for _ in 0..n_bags {
        let bag = random.below(n_bags);
        add_scaled(&mut counts, 1.0, &bags[bag].counts);
        add_scaled(&mut score, 1.0, &bags[bag].score);
        members.iter_mut().zip(tables.groups(bag)).for_each(|(sum, &n)| *sum += f64::from(n));
    }
    add_scaled(&mut score, -1.0, &posterior.score);
    let step = posterior.information.step(&score);
    let slopes = posterior.moments.score_covariance.chunks_exact(cells);
    (counts.iter().zip(slopes).enumerate())
        .map(|(cell, (count, slope))| {
            let members: f64 = members[cell / tables.n_classes()];
            let share = inside(count / members.max(1.0));
            let moved = dot(slope, &step) / (members.max(1.0) * share * (1.0 - share));
            logistic(log_odds(share) + moved)
        })
        .collect()
}

fn inside(share: f64) -> f64 {
    share.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE)
}

fn log_odds(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
