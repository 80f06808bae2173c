//! Semi-relaxed entropic optimal transport for bags with label proportions: solvers, certificates, gradients, exact assignments

mod assignment;
mod bag;
mod batch;
mod check;
mod combinatorial;
mod divergence;
mod dual;
mod error;
mod flow;
mod kernels;
mod linear;
mod newton;
mod panel;
mod parallel;
mod problem;
mod proportions;
mod real;
mod relaxed;
mod simd;
mod sinkhorn;

pub use assignment::{Assignment, assign, round_coupling};
pub use batch::{RotBatch, RotBatchReport, RotConfig, RotSolver, rot_loss_and_gradient};
pub use combinatorial::{CountDivergence, solve_combinatorial};
pub use divergence::{Divergence, entropy, generalized_kl};
pub use error::OtError;
pub use newton::{NewtonConfig, Outcome};
pub use problem::{RotProblem, RotSolution, solve_newton, solve_newton_from, solve_sinkhorn};
pub use proportions::{PROPORTION_SUM_TOLERANCE, Proportions};
pub use real::Real;
pub use relaxed::{RelaxedSolution, solve_relaxed};
