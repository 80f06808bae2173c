//! One problem with an arbitrary cost, and its solution in full.

use crate::bag::{Bag, Scores, Workspace};
use crate::check::{check_length, check_parameters, first_out_of_range};
use crate::config::RotSolver;
use crate::finish::Output;
use crate::newton::{NewtonConfig, SolverOutcome};
use crate::simd::LANES;
use crate::{OtError, Proportions, Real};

/// Equation (6) for one bag: semi-relaxed transport of `n` instances to `K` classes.
#[derive(Debug, Clone, Copy)]
pub struct RotProblem<'a, T> {
    /// Cost of giving each instance to each class, row-major `[class, instance]`. In the paper, `-log` of the
    /// predicted probability, in nats; any finite numbers will do.
    pub cost: &'a [T],
    /// Known proportions `z`.
    pub proportions: &'a Proportions,
    /// Trade-off in `[0, 1]`. At 1 the proportions play no part and every class may be used. At 0 the
    /// objective is 0, and the coupling is the limit for small `alpha`: balanced transport, whose masses are
    /// exactly `n z`.
    pub alpha: f64,
    /// Weight of the entropy, in the units of the cost.
    pub epsilon: f64,
}

/// What a solver of equation (6) returns.
#[derive(Debug, Clone, PartialEq)]
pub struct RotSolution<T> {
    /// The coupling `U`, the soft labels, row-major `[class, instance]`: at least 0, each column adds up to
    /// 1.
    pub coupling: Vec<T>,
    /// The dual potential `f = epsilon log a`, `[class]`; negative infinity for classes that were left out.
    pub potentials: Vec<f64>,
    /// Equation (6) at `coupling`, with the entropy as printed: `H(U) = -sum U (log U - 1)`.
    pub objective: f64,
    /// How much smaller than `objective` the minimum can be: `(1 - alpha) KL(U 1 / n | w / n)` with the
    /// weights `w = n z exp(-f / kappa)`. Multiply by `n / alpha` for the gap of the rescaled problem.
    pub duality_gap: f64,
    /// `max |w - U 1| / n`, the length of the dual's gradient as a share of the instances. The gap bounds the
    /// value alone; the coupling is as exact as this is small.
    pub residual: f64,
    /// Whether that was small enough.
    pub outcome: SolverOutcome,
    /// Newton steps or sweeps done.
    pub n_iters: usize,
}

/// Minimizes the semi-relaxed entropic transport problem of equation (6) by Newton's method on its dual.
///
/// Maximizes `D(f)` over `f` in `R^K`; `coupling[i, j] = softmax_i((f_i - cost[i, j]) / epsilon)`.
///
/// Classes of zero proportion are left out: their rows of the coupling are exactly zero. Returns the last
/// iterate also on [`SolverOutcome::MaxIterations`], with the gap and residual that it reached; callers decide.
///
/// Source: \[dulac-arnold:19\] eq. (6); the dual, its gradient and its Hessian are in `docs/notation.md`.
/// Deviation: the paper runs Algorithm 1, which is [`solve_sinkhorn`].
///
/// # Errors
/// A cost that does not fit the number of classes or is not finite; parameters outside their range.
///
/// ```
/// use llp_ot::{NewtonConfig, SolverOutcome, Proportions, RotProblem, solve_newton};
///
/// // Two instances that both look like the first class, in a bag that is half of each.
/// let problem = RotProblem {
///     cost: &[0.1_f64, 0.4, 2.4, 1.1], // [class, instance]
///     proportions: &Proportions::new(vec![0.5, 0.5])?,
///     alpha: 0.1,
///     epsilon: 0.1,
/// };
/// let solution = solve_newton(&problem, &NewtonConfig::DOUBLE)?;
/// assert_eq!(solution.outcome, SolverOutcome::Converged);
/// assert!(solution.duality_gap < 1e-15);
/// assert!(solution.coupling[0] > 0.9 && solution.coupling[1] < 0.2); // the second instance gives way
/// # Ok::<(), llp_ot::OtError>(())
/// ```
pub fn solve_newton<T: Real>(
    problem: &RotProblem<'_, T>,
    config: &NewtonConfig,
) -> Result<RotSolution<T>, OtError> {
    solve(problem, RotSolver::Newton(*config), None)
}

/// [`solve_newton`] from given potentials, `[class]`, such as those of a similar problem.
///
/// Entries for classes of zero proportion are ignored.
///
/// # Errors
/// Those of [`solve_newton`]; potentials of the wrong number, or not finite where they count.
pub fn solve_newton_from<T: Real>(
    problem: &RotProblem<'_, T>,
    potentials: &[f64],
    config: &NewtonConfig,
) -> Result<RotSolution<T>, OtError> {
    check_length("potentials", potentials.len(), problem.proportions.n_classes(), "[class]")?;
    let wrong = |(_, (f, z)): &(usize, (&f64, &f64))| !f.is_finite() && **z > 0.0;
    if let Some((class, (&value, _))) =
        potentials.iter().zip(problem.proportions.as_slice()).enumerate().find(wrong)
    {
        let hint = "start from those of a solution with this class";
        return Err(OtError::new(format!("potential {value} of class {class} is not finite: {hint}")));
    }
    solve(problem, RotSolver::Newton(*config), Some(potentials))
}

/// Runs Algorithm 1 of the paper: `n_iters` generalized Sinkhorn sweeps from `b = 1`, in the log domain.
///
/// `a = (n z / K b)^tau`, `b = 1 / K^T a` with `K = exp(-cost / epsilon)` and `tau = 1 / (1 + alpha epsilon /
/// (1 - alpha))`; the coupling is `diag(a) K diag(b)`. Its error shrinks by a factor of up to `tau` a sweep,
/// which is slow for small `epsilon`: see the residual and the gap.
///
/// Source: \[dulac-arnold:19\] Algorithm 1. Deviation: none in exact arithmetic.
///
/// # Errors
/// Those of [`solve_newton`].
///
/// ```
/// use llp_ot::{NewtonConfig, Proportions, RotProblem, solve_newton, solve_sinkhorn};
///
/// let problem = RotProblem {
///     cost: &[0.1_f64, 0.4, 2.4, 1.1],
///     proportions: &Proportions::new(vec![0.5, 0.5])?,
///     alpha: 0.5,
///     epsilon: 1.0,
/// };
/// let sweeps = solve_sinkhorn(&problem, 75)?;
/// let newton = solve_newton(&problem, &NewtonConfig::DOUBLE)?;
/// assert!((sweeps.objective - newton.objective).abs() < 1e-14);
/// assert!(sweeps.n_iters > 10 * newton.n_iters);
/// # Ok::<(), llp_ot::OtError>(())
/// ```
pub fn solve_sinkhorn<T: Real>(
    problem: &RotProblem<'_, T>,
    n_iters: usize,
) -> Result<RotSolution<T>, OtError> {
    solve(problem, RotSolver::Sinkhorn { n_iters }, None)
}

fn solve<T: Real>(
    problem: &RotProblem<'_, T>,
    solver: RotSolver,
    warm_start: Option<&[f64]>,
) -> Result<RotSolution<T>, OtError> {
    check_parameters(problem.alpha, problem.epsilon)?;
    let n_instances = check_cost(problem.cost, problem.proportions.n_classes())?;
    let n_classes = problem.proportions.n_classes();
    let proportions = problem.proportions.as_slice();
    let scores = Costs { cost: problem.cost, n_instances };
    let bag = Bag { n_instances, n_classes, alpha: problem.alpha, epsilon: problem.epsilon, scores: &scores };
    let mut workspace = Workspace::default();
    let certificate = workspace.solve(&bag, |class| proportions[class], solver, warm_start, Output::Coupling);
    let mut potentials = vec![f64::NEG_INFINITY; n_classes];
    for (&class, &f) in workspace.classes.iter().zip(&workspace.dual.potentials) {
        potentials[class] = f;
    }
    let mut coupling = vec![T::ZERO; problem.cost.len()];
    for (row, &class) in workspace.classes.iter().enumerate() {
        for (instance, u) in coupling[class * n_instances..][..n_instances].iter_mut().enumerate() {
            *u = workspace.panel.output(instance, row);
        }
    }
    Ok(RotSolution {
        coupling,
        potentials,
        objective: certificate.objective,
        duality_gap: certificate.duality_gap,
        residual: certificate.residual,
        outcome: certificate.outcome,
        n_iters: certificate.n_iters,
    })
}

/// Scores that are minus a cost, `[class, instance]`.
struct Costs<'a, T> {
    cost: &'a [T],
    n_instances: usize,
}

impl<T: Real> Scores<T> for Costs<'_, T> {
    const NORMALIZED: bool = false;

    fn fill_block(&self, first: usize, classes: &[usize], block: &mut [T]) {
        let n_valid = LANES.min(self.n_instances - first);
        for (lanes, class) in block.chunks_exact_mut(LANES).zip(classes) {
            lanes.fill(T::ZERO);
            let cost = &self.cost[class * self.n_instances + first..][..n_valid];
            for (lane, &cost) in lanes.iter_mut().zip(cost) {
                *lane = -cost;
            }
        }
    }
}

/// Checks a cost, `[class, instance]`, and returns the number of instances.
pub(crate) fn check_cost<T: Real>(cost: &[T], n_classes: usize) -> Result<usize, OtError> {
    let n_instances = cost.len() / n_classes;
    if n_instances == 0 {
        return Err(OtError::empty_bag(0));
    }
    check_length("cost", cost.len(), n_instances * n_classes, "[class, instance]")?;
    if let Some((index, value)) = first_out_of_range(cost) {
        let (instance, class) = (index % n_instances, index / n_instances);
        return Err(OtError::out_of_range("cost", instance, class, value));
    }
    Ok(n_instances)
}
