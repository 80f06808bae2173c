//! The one place that turns the name of a loss into the loss.

use llp_bags::{BagSet, Imprecision};
use llp_data::DataError;
use llp_loss::{BagLoss, Loss, WeightedSum};
use llp_ot::{NewtonConfig, RotConfig, RotSolver};
use llp_sweep::config::{AddedLosses, LossConfig, LossName, RunConfig, Solver};

/// The loss of a configuration that was checked.
pub fn build_loss(config: &RunConfig) -> Box<dyn BagLoss> {
    Box::new(configured_loss(&config.loss))
}

/// The loss of a section `[loss]` that was checked.
pub(crate) fn configured_loss(loss: &LossConfig) -> WeightedSum {
    let named = |name| named_loss(name, || rot_config(loss), loss.order());
    let added = loss.add.iter().flat_map(AddedLosses::terms);
    WeightedSum::new(named(loss.name), added.map(|&(name, weight)| (named(name), weight)).collect())
}

/// Refuses a loss that compares the bags of a step, for bags of these sizes of which a step never holds two.
pub(crate) fn check_steps(config: &RunConfig, sizes: &[usize]) -> Result<(), DataError> {
    let Some(loss) = configured_loss(&config.loss).losses().find(|loss| loss.compares_bags()) else {
        return Ok(());
    };
    let mut smallest = sizes.to_vec();
    smallest.sort_unstable();
    let two: usize = smallest.iter().take(2).sum();
    if smallest.len() > 1 && two <= config.optim.images_per_step {
        return Ok(());
    }
    let problem = format!("the loss {} compares the bags of a step, and every step has one bag", loss.name());
    Err(DataError::new(problem).remedy(if smallest.len() > 1 {
        format!("set optim.images_per_step to {two} or more, best to that of many bags")
    } else {
        "train with another loss, or on more bags".to_owned()
    }))
}

/// Refuses to mix bags whose proportions are not exact, and where there is nothing to mix.
pub(crate) fn check_mixing(config: &RunConfig, bags: &BagSet) -> Result<(), DataError> {
    if config.augment.mix_bags.is_none() {
        return Ok(());
    }
    let problem = if (0..bags.len()).any(|bag| *bags.imprecision(bag) != Imprecision::Exact) {
        "augment.mix_bags mixes exact proportions, and some bags have unknown shares, bounds or errors"
    } else if bags.len() < 2 || (0..bags.len()).all(|bag| bags.instances(bag).len() < 2) {
        "augment.mix_bags mixes instances of two bags, and there are no two bags of several instances"
    } else {
        return Ok(());
    };
    Err(DataError::new(problem).remedy("leave it out"))
}

/// The loss of a name; `rot` gives the parameters of ROT, `order` is that of the moments.
pub fn named_loss(name: LossName, rot: impl FnOnce() -> RotConfig, order: usize) -> Loss {
    match name {
        LossName::Kl => Loss::Kl,
        LossName::Rot => Loss::Rot { config: rot() },
        LossName::AvgKl => Loss::AvgKl,
        LossName::L1 => Loss::L1,
        LossName::L2 => Loss::L2,
        LossName::Interval => Loss::Interval,
        LossName::Marginal => Loss::Marginal,
        LossName::Saddlepoint => Loss::Saddlepoint,
        LossName::Gaussian => Loss::Gaussian,
        LossName::Multinomial => Loss::Multinomial,
        LossName::Moments => Loss::Moments { order },
        LossName::EasyLlp => Loss::EasyLlp,
        LossName::Gupm => Loss::Gupm,
        LossName::Dsq => Loss::Dsq,
        LossName::Llpfc => Loss::Llpfc,
        LossName::Ci => Loss::Ci,
    }
}

fn rot_config(loss: &LossConfig) -> RotConfig {
    let given =
        "a checked configuration of the ROT loss has alpha, epsilon, a solver and what the solver needs";
    let solver = match loss.solver.expect(given) {
        Solver::Newton => RotSolver::Newton(NewtonConfig::SINGLE),
        Solver::Sinkhorn => RotSolver::Sinkhorn { n_iters: loss.sweeps.expect(given) },
    };
    RotConfig { alpha: loss.alpha.expect(given), epsilon: loss.epsilon.expect(given), solver }
}
