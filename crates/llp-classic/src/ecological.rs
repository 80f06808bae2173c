//! Ecological inference: how each group divides into classes, from the counts of groups and of classes in bags.

mod chains;
mod dependence;
mod information;
mod intervals;
mod posterior;
mod regression;
mod sampler;
mod tables;
mod weights;

pub use dependence::Dependence;
pub use intervals::{COVERAGE, Interval, Share};
pub use tables::GroupTables;

use crate::ClassicError;
use crate::error::check_count;

/// How [`ecological_inference`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EcologicalConfig {
    /// Seed of all samples.
    pub seed: u64,
    /// Times that each table is drawn anew for a step.
    pub sweeps: usize,
    /// Steps at most to the parameters of greatest posterior probability.
    pub max_steps: usize,
    /// Samples of the parameters.
    pub draws: usize,
    /// Samples of the bags for the bootstrap.
    pub bootstrap: usize,
}

impl Default for EcologicalConfig {
    fn default() -> Self {
        Self { seed: 0, sweeps: 10, max_steps: 60, draws: 300, bootstrap: 1000 }
    }
}

/// What ecological inference finds.
#[derive(Debug, Clone, PartialEq)]
pub struct EcologicalFit {
    /// The share of each class in each group, over all bags, `[group, class]`.
    pub shares: Vec<Share>,
    /// Expected counts, `[bag, group, class]`; they add up to the counts of the bag's groups and classes.
    pub counts: Vec<f64>,
    /// Parameters of the Dirichlet distribution of each group's shares over the bags, `[group, class]`.
    pub parameters: Vec<f64>,
    /// Standard errors of the shares by Goodman's regression, `[group, class]`: how much the bags tell without the model.
    /// Infinite where the parts of the groups do not differ enough from bag to bag to tell anything.
    pub regression_errors: Vec<f64>,
    /// Whether the shares of the groups seem to depend on how large they are in their bags.
    pub dependence: Dependence,
    /// Whether the search for the parameters came to rest within `max_steps`.
    pub converged: bool,
}

/// Estimates how each group divides into the classes.
///
/// The model is that of Rosen, Jiang, King and Tanner (2001), "Bayesian and frequentist inference for ecological
/// inference: the R x C case", with the priors of the R package `eiPack`: in each bag the shares of the classes
/// among the members of a group are drawn from a Dirichlet distribution of that group, and each of its parameters has the
/// prior Gamma(4, rate 2). Here members are counted in whole numbers, so that tables have exactly the counts of their
/// bags, and the shares are integrated out.
///
/// Tables with the margins of each bag are sampled (`sampler`); the parameters make Langevin steps with the
/// derivatives that the samples give (`posterior`). Time grows with the bags and with the square of both the groups and
/// the classes. The bits of the result depend on the seed, not on the number of threads.
///
/// ```
/// use llp_classic::{EcologicalConfig, GroupTables, ecological_inference};
///
/// // Three precincts, in which two groups vote for two candidates.
/// let groups = vec![90, 10, 50, 50, 20, 80]; // [bag, group]
/// let classes = vec![70, 30, 50, 50, 35, 65]; // [bag, class]
/// let tables = GroupTables::new(groups, 2, classes, 2)?;
/// let fit = ecological_inference(&tables, &EcologicalConfig::default())?;
/// assert!(fit.shares[0].estimate > fit.shares[2].estimate); // the first group is more for the first candidate
/// # Ok::<(), llp_classic::ClassicError>(())
/// ```
///
/// # Errors
/// Fewer than 1 sweep, 2 draws or 20 bootstrap samples.
pub fn ecological_inference(
    tables: &GroupTables,
    config: &EcologicalConfig,
) -> Result<EcologicalFit, ClassicError> {
    check_count("sweeps", config.sweeps, 1)?;
    check_count("draws", config.draws, 2)?;
    check_count("bootstrap samples", config.bootstrap, 20)?;
    let posterior = posterior::sample(tables, config);
    Ok(EcologicalFit {
        shares: intervals::shares(tables, &posterior, config),
        counts: posterior.moments.bags.iter().flat_map(|bag| bag.counts.iter().copied()).collect(),
        parameters: posterior.theta.iter().map(|theta| theta.exp()).collect(),
        regression_errors: regression::standard_errors(tables),
        dependence: Dependence::of(tables, &posterior.moments.bags),
        converged: posterior.converged,
    })
}
