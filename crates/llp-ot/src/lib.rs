//! Semi-relaxed entropic optimal transport with few classes: solvers, certificates, gradients, exact
//! assignments.
//!
//! A bag holds `n` instances. A model gives each a cost for each of `K` classes, `C = -log p`, and the share
//! `z_i` of every class in the bag is known. Which instance belongs to which class? Transport answers with a
//! *coupling* `U`: column `j` is the distribution of instance `j` over the classes. It should be cheap, `<C,
//! U>` small, and its row sums should be near `n z`. Equation (6) of [dulac-arnold:19] weighs the two by
//! `alpha` and adds an entropy of weight `epsilon`, which makes the answer unique and smooth:
//!
//! ```text
//! min over U:  alpha/n (<C, U> - epsilon H(U)) + (1 - alpha) KL(U 1 / n | z),    columns of U are distributions
//! ```
//!
//! It is *semi*-relaxed: instances are transported whole, class shares only approximately.
//!
//! | question | function |
//! |---|---|
//! | the coupling of one bag, exactly, with a certificate | [`solve_newton`] |
//! | the same by Algorithm 1 of the paper, a fixed number of sweeps | [`solve_sinkhorn`] |
//! | losses and gradients of many bags, from logits | [`rot_loss_and_gradient`] |
//! | hard labels with exact counts, equation (5) | [`assign`], [`round_coupling`] |
//! | hard labels with soft counts, equations (2) and (3) | [`solve_combinatorial`] |
//! | without entropy, equation (4) | [`solve_relaxed`] |
//! | divergences of proportions, section 3.1 | [`Divergence`] |
//! | how probable a bag's counts are, with gradient | [`count_loss_and_gradient`] |
//!
//! # A bag of two
//!
//! Two classes, two instances, half of each. Both instances look like the first class, the second one less
//! so. With little entropy and much weight on the proportions, the second gives way:
//!
//! ```
//! use llp_ot::{NewtonConfig, Proportions, RotProblem, solve_newton};
//!
//! let cost = [0.1_f64, 0.3, 2.4, 1.4]; // [class, instance]
//! let proportions = Proportions::new(vec![0.5, 0.5])?;
//! let problem = RotProblem { cost: &cost, proportions: &proportions, alpha: 0.1, epsilon: 0.1 };
//! let solution = solve_newton(&problem, &NewtonConfig::DOUBLE)?;
//! assert!(solution.coupling[0] > 0.9, "the first instance is of the first class");
//! assert!(solution.coupling[3] > 0.9, "so the second must be of the second class");
//! assert!(solution.duality_gap < 1e-15, "no coupling is better by more than that");
//! # Ok::<(), llp_ot::OtError>(())
//! ```
//!
//! # Which solver when
//!
//! - **Newton's method** ([`solve_newton`], [`RotSolver::Newton`]) unless there is a reason for something
//!   else. It takes 3 to 5 steps at `epsilon = 1` and tens at 0.001; `docs/rot-solver.md` of the repository
//!   has the table.
//! - **Algorithm 1** ([`solve_sinkhorn`], [`RotSolver::PAPER`]) to reproduce the paper. Its error shrinks by
//!   up to `tau = 1 / (1 + alpha epsilon / (1 - alpha))` a sweep: 75 sweeps are exact at `epsilon = 1` and
//!   `alpha = 0.5`, and far off at `epsilon = 0.01` and `alpha = 0.1`. The residual shows it.
//! - **[`assign`]** where the counts are known and hard labels are wanted; [`round_coupling`] where a
//!   coupling is there.
//! - **[`solve_combinatorial`]** for hard labels whose counts may give way, exactly, for any number of
//!   classes.
//! - **[`solve_relaxed`]** for the value without entropy, between two certified bounds.
//!
//! # What an answer is worth
//!
//! Every soft answer carries its duality gap, in closed form and never negative, and its residual. The gap
//! bounds the value. The coupling, and with it the gradient, is as exact as the residual is small: a gap of
//! 1e-10 can leave errors of 3e-5 in a coupling. The gradient of the optimal value with respect to the cost
//! is `alpha U / n` (the envelope theorem): nothing is differentiated through iterations.
//!
//! # How it works
//!
//! The dual of (6) has one variable per class, the potential `f`; whatever has one entry per class is in
//! double precision and cheap (`dual`, `linear`). What has one entry per class and instance is in a
//! `panel`: an exponential for each entry once, after which a potential costs two multiply-adds per entry
//! until it has moved too far. Two sweeps bring the potentials near, damped Newton steps finish (`newton`): a
//! factorization up to 20 classes, conjugate gradients above. The last pass (`finish`) computes coupling,
//! gradient, value and certificate in double precision from the input itself, so single precision costs
//! little accuracy. The kernels are written once for all instruction sets and precisions (`simd`); this crate
//! contains no unsafe code.
//!
//! Results do not depend on the number of threads or on the other bags of a batch, bit for bit, and the
//! kernels return the same bits with every instruction set. The feature `rayon` shares bags, and the chunks
//! of large bags, among the threads of the caller's pool.

#![forbid(unsafe_code)]

mod assignment;
mod bag;
mod batch;
mod check;
mod combinatorial;
mod config;
mod counts;
mod divergence;
mod dual;
mod error;
mod finish;
mod flow;
mod imprecision;
mod kernels;
mod linear;
mod newton;
mod numbers;
mod panel;
mod parallel;
mod problem;
mod proportions;
mod real;
#[cfg(test)]
mod reference;
mod relaxed;
mod simd;
mod sinkhorn;

pub use assignment::{Assignment, assign, round_coupling};
pub use batch::{RotBatch, RotBatchReport, rot_loss_and_gradient, rot_loss_and_gradient_with_reports};
pub use combinatorial::{CountDivergence, solve_combinatorial};
pub use config::{RotConfig, RotSolver};
pub use counts::{CountLikelihood, MAX_STATES, count_loss_and_gradient};
pub use divergence::{Divergence, entropy, generalized_kl};
pub use error::OtError;
pub use imprecision::Imprecision;
pub use newton::{NewtonConfig, SolverOutcome};
pub use numbers::{argmax, log_sum_exp};
pub use problem::{RotProblem, RotSolution, solve_newton, solve_newton_from, solve_sinkhorn};
pub use proportions::{PROPORTION_SUM_TOLERANCE, Proportions};
pub use real::Real;
pub use relaxed::{RelaxedSolution, solve_relaxed};
