//! The kernel for the ROT loss of section 3.4 on GPUs.

use llp_kernels::{BagKernel, Sweeps};
use llp_ot::{RotConfig, RotSolver};

/// The kernel for GPUs sweeps in single precision, which suits parameters that are not extreme.
pub(crate) fn by_sweeps(config: &RotConfig) -> Option<BagKernel> {
    let &RotConfig { alpha, epsilon, solver } = config;
    let sweeps = match solver {
        // As exact as single precision allows; sweeps end long before their limit, or are worth little more.
        RotSolver::Newton(_) => Sweeps::Until { residual: 1e-6, at_most: 2000 },
        RotSolver::Sinkhorn { n_iters } => Sweeps::Fixed(n_iters),
    };
    let suits = (0.001..=0.999).contains(&alpha) && (0.05..=100.0).contains(&epsilon);
    suits.then_some(BagKernel::Rot { alpha, epsilon, sweeps })
}
