//! The relaxed loss (4), without entropy, between two bounds.

use crate::check::check_parameters;
use crate::problem::check_cost;
use crate::{NewtonConfig, OtError, Proportions, RotProblem, generalized_kl, solve_newton};

/// A feasible point of equation (4), and how far it can be from the minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct RelaxedSolution {
    /// Soft labels, row-major `[class, instance]`.
    pub coupling: Vec<f64>,
    /// Equation (4) at `coupling`: at least the minimum.
    pub upper: f64,
    /// At most the minimum.
    pub lower: f64,
}

/// Minimizes equation (4) with `d_K = KL` to within `tolerance`, as the limit of small entropy.
///
/// The entropy of `n` distributions on `K` classes, as printed in (6), is between `n` and `n (1 + log K)`.
/// So the minimum of (4) is above that of (6) by at least `alpha epsilon` and by at most
/// `alpha epsilon (1 + log K)`, and `epsilon = tolerance / (2 alpha log K)` leaves half of the tolerance to
/// the solver. The bounds are certified: the lower one is the value of the dual, whether or not the solver
/// converged.
///
/// `cost` is row-major `[class, instance]`. At `alpha = 0` the minimum is 0, reached by balanced transport;
/// at 1 each instance takes its cheapest classes.
///
/// # Errors
/// A cost that does not fit or is not finite; `alpha` or `tolerance` outside their range.
///
/// ```
/// use llp_ot::{Proportions, solve_relaxed};
///
/// let half = Proportions::new(vec![0.5, 0.5])?;
/// let solution = solve_relaxed(&[0.1, 0.4, 2.4, 1.1], &half, 0.5, 1e-3)?;
/// assert!(solution.lower <= solution.upper && solution.upper <= solution.lower + 1e-3);
/// # Ok::<(), llp_ot::OtError>(())
/// ```
pub fn solve_relaxed(
    cost: &[f64],
    proportions: &Proportions,
    alpha: f64,
    tolerance: f64,
) -> Result<RelaxedSolution, OtError> {
    check_parameters(alpha, 1.0)?;
    if !(tolerance > 0.0 && tolerance.is_finite()) {
        return Err(OtError::new(format!("tolerance is {tolerance}, expected a finite number above 0")));
    }
    let n_classes = proportions.n_classes();
    let n_instances = check_cost(cost, n_classes)?;
    // One class has no entropy, and alpha = 0 no weight on it: any epsilon will do.
    let slack = alpha * (n_classes as f64).ln();
    let epsilon = if slack > 0.0 { tolerance / (2.0 * slack) } else { 1.0 };
    let problem = RotProblem { cost, proportions, alpha, epsilon };
    let solution = solve_newton(&problem, &NewtonConfig::DOUBLE)?;
    let n = n_instances as f64;
    let transport: f64 = cost.iter().zip(&solution.coupling).map(|(c, u)| c * u).sum();
    let shares: Vec<f64> =
        solution.coupling.chunks_exact(n_instances).map(|row| row.iter().sum::<f64>() / n).collect();
    let marginal =
        if alpha < 1.0 { (1.0 - alpha) * generalized_kl(&shares, proportions.as_slice()) } else { 0.0 };
    let upper = alpha / n * transport + marginal;
    let lower = solution.objective - solution.duality_gap + alpha * epsilon;
    Ok(RelaxedSolution { coupling: solution.coupling, upper, lower: lower.min(upper) })
}
