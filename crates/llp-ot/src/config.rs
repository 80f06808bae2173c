//! The parameters of equation (6) and the choice of its solver.

use crate::NewtonConfig;

/// The two parameters of equation (6), and how to solve it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RotConfig {
    /// Trade-off in `[0, 1]` between the predictions (1) and the proportions (0).
    pub alpha: f64,
    /// Weight of the entropy, in the units of the cost (nats).
    pub epsilon: f64,
    /// Solver.
    pub solver: RotSolver,
}

/// How equation (6) is solved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RotSolver {
    /// Newton's method on the dual: see [`solve_newton`](crate::solve_newton).
    Newton(NewtonConfig),
    /// Algorithm 1, a fixed number of Sinkhorn sweeps: see [`solve_sinkhorn`](crate::solve_sinkhorn).
    Sinkhorn {
        /// Number of sweeps.
        n_iters: usize,
    },
}

impl RotSolver {
    /// Algorithm 1 with the 75 sweeps of the paper (section 4.1).
    pub const PAPER: Self = Self::Sinkhorn { n_iters: 75 };
}
