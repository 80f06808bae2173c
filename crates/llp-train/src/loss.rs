//! The one place that turns the name of a loss into the loss.

use llp_loss::{
    AvgKl, BagLoss, Gaussian, Interval, Kl, L1, L2, Marginal, Moments, Multinomial, Rot, Saddlepoint,
};
use llp_ot::{NewtonConfig, RotConfig, RotSolver};
use llp_sweep::config::{LossConfig, LossName, RunConfig, Solver};

/// The loss of a configuration that was checked.
pub fn build_loss(config: &RunConfig) -> Box<dyn BagLoss> {
    match config.loss.name {
        LossName::Kl => Box::new(Kl),
        LossName::Rot => Box::new(Rot { config: rot_config(&config.loss) }),
        LossName::AvgKl => Box::new(AvgKl),
        LossName::L1 => Box::new(L1),
        LossName::L2 => Box::new(L2),
        LossName::Interval => Box::new(Interval),
        LossName::Marginal => Box::new(Marginal),
        LossName::Saddlepoint => Box::new(Saddlepoint),
        LossName::Gaussian => Box::new(Gaussian),
        LossName::Multinomial => Box::new(Multinomial),
        LossName::Moments => Box::new(Moments { order: config.loss.order() }),
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
