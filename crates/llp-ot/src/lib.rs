//! Semi-relaxed entropic optimal transport with few classes: solvers, certificates, gradients, exact assignments.
//!
//! A bag holds `n` instances. A model gives each a cost for each of `K` classes, `C = -log p`, and the share `z_i` of
//! every class in the bag is known. Which instance belongs to which class? Transport answers with a *coupling* `U`:
//! column `j` is the distribution of instance `j` over the classes. It should be cheap, `<C, U>` small, and its row
//! sums should be near `n z`. Equation (6) of [dulac-arnold:19] weighs the two by `alpha` and adds an entropy of weight
//! `epsilon`, which makes the answer unique and smooth:
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
//!
//! The dual of the problem has one variable per class only, so Newton's method needs a handful of steps; every answer
//! carries its duality gap, in closed form and nonnegative. The gradient of the optimal value by the cost is `alpha U /
//! n` (the envelope theorem): nothing is differentiated through iterations. `docs/notation.md` of the repository has the
//! formulas.
//!
//! ```
//! use llp_ot::{NewtonConfig, Proportions, RotProblem, solve_newton};
//!
//! // Two classes, two instances, half of each; both instances look like the first class, the second one less so.
//! let cost = [0.1_f64, 0.3, 2.4, 1.4]; // [class, instance]
//! let proportions = Proportions::new(vec![0.5, 0.5])?;
//! let problem = RotProblem { cost: &cost, proportions: &proportions, alpha: 0.1, epsilon: 0.1 };
//! let solution = solve_newton(&problem, &NewtonConfig::DOUBLE)?;
//! assert!(solution.coupling[0] > 0.9, "the first instance is of the first class");
//! assert!(solution.coupling[3] > 0.9, "so the second must be of the second class");
//! # Ok::<(), llp_ot::OtError>(())
//! ```

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
