//! The one place that turns the name of a loss into the loss.

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
