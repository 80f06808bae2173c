//! Exact counts: equation (5) with integer counts, and the rounding of soft labels.

use crate::flow::min_cost_labels;
use crate::problem::check_cost;
use crate::{OtError, Real};

/// One class per instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// `[instance]`.
    pub labels: Vec<usize>,
    /// The objective of the function that returned it.
    pub objective: f64,
}

/// Minimizes equation (5) for integer counts: the cheapest labels with exactly `counts[i]` instances of class
/// `i`.
///
/// `objective = (1 / n) sum_j cost[label_j, j]`. `cost` is row-major `[class, instance]`. With integer counts
/// the linear program (5) has an integral solution, so this is its value too. For proportions whose counts
/// are not integers, take
/// [`Proportions::largest_remainder_counts`](crate::Proportions::largest_remainder_counts).
///
/// Source: \[dulac-arnold:19\] eq. (5), by successive shortest paths (Dijkstra over the classes with
/// potentials); `O(n K^2)` and a few heap operations.
///
/// # Errors
/// A cost that does not fit or is not finite; counts that do not add up to the number of instances.
///
/// ```
/// // Both instances prefer the first class; the second has less to lose.
/// let best = llp_ot::assign(&[0.1, 0.4, 2.4, 1.1], &[1, 1])?;
/// assert_eq!(best.labels, [0, 1]);
/// assert!((best.objective - (0.1 + 1.1) / 2.0).abs() < 1e-15);
/// # Ok::<(), llp_ot::OtError>(())
/// ```
pub fn assign(cost: &[f64], counts: &[u32]) -> Result<Assignment, OtError> {
    if counts.is_empty() {
        return Err(OtError::no_classes());
    }
    let n_instances = check_cost(cost, counts.len())?;
    let got: u64 = counts.iter().copied().map(u64::from).sum();
    if got != n_instances as u64 {
        let expected =
            format!("expected the {n_instances} instances: see Proportions::largest_remainder_counts");
        return Err(OtError::new(format!("counts add up to {got}, {expected}")));
    }
    let labels =
        min_cost_labels(
            cost,
            counts.len(),
            |class, count| {
                if count < counts[class] as usize { 0.0 } else { f64::INFINITY }
            },
        );
    let objective = total_cost(cost, &labels) / n_instances as f64;
    Ok(Assignment { labels, objective })
}

/// Rounds soft labels to exact counts: the labels of largest total probability with `counts[i]` instances of
/// class `i`.
///
/// `coupling` is row-major `[class, instance]`, such as
/// [`RotSolution::coupling`](crate::RotSolution::coupling); `objective = (1 / n) sum_j coupling[label_j, j]`,
/// the expected share of right labels if the coupling is right.
///
/// Maximizing the product of the probabilities instead would not need the coupling: with the counts given,
/// the potentials drop out of `log U`, and the answer is [`assign`] on the cost.
///
/// # Errors
/// Those of [`assign`].
///
/// ```
/// let soft = [0.9, 0.8, 0.1, 0.2]; // [class, instance]
/// assert_eq!(llp_ot::round_coupling(&soft, &[1, 1])?.labels, [0, 1]);
/// # Ok::<(), llp_ot::OtError>(())
/// ```
pub fn round_coupling<T: Real>(coupling: &[T], counts: &[u32]) -> Result<Assignment, OtError> {
    let cost: Vec<f64> = coupling.iter().map(|u| -u.to_f64()).collect();
    let best = assign(&cost, counts)?;
    Ok(Assignment { labels: best.labels, objective: -best.objective })
}

/// `sum_j cost[label_j, j]`.
pub(crate) fn total_cost(cost: &[f64], labels: &[usize]) -> f64 {
    labels.iter().enumerate().map(|(instance, class)| cost[class * labels.len() + instance]).sum()
}
