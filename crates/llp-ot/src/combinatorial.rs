//! The combinatorial loss (2)-(3): hard labels that weigh predictions against proportions.

use crate::assignment::{Assignment, total_cost};
use crate::check::check_parameters;
use crate::divergence::generalized_kl_term;
use crate::flow::min_cost_labels;
use crate::problem::check_cost;
use crate::{OtError, Proportions};

/// How far the class shares of hard labels are from the known proportions: `d_K(U 1 / n, z)` of equation (2).
///
/// All three are sums over the classes of convex functions, which is what makes (2) tractable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountDivergence {
    /// `KL(U 1 / n | z)`, as in equation (6): forbids classes of zero proportion.
    Kl,
    /// `sum |U 1 / n - z|`.
    L1,
    /// `sum (U 1 / n - z)^2`.
    SquaredL2,
}

impl CountDivergence {
    fn term(self, share: f64, z: f64) -> f64 {
        match self {
            Self::Kl => generalized_kl_term(share, z),
            Self::L1 => (share - z).abs(),
            Self::SquaredL2 => (share - z) * (share - z),
        }
    }
}

/// Minimizes the combinatorial loss (2) exactly, over all `K^n` labelings, in polynomial time.
///
/// `objective = (alpha / n) sum_j cost[label_j, j] + (1 - alpha) d_K(counts / n, z)`; `cost` is row-major
/// `[class, instance]`. At `alpha = 1` the proportions play no part; at 0 only they do.
///
/// Section 3.2 of the paper sorts for two classes, in `O(n log n)`, and calls more classes intractable. For a
/// divergence that is a sum of convex functions of the counts they are not: (2) is a minimum-cost flow with
/// convex costs at the sink, solved here by successive shortest paths with the marginal costs `phi_i(c + 1) -
/// phi_i(c)`, in about `O(n K^2)`.
///
/// # Errors
/// A cost that does not fit or is not finite; `alpha` outside `[0, 1]`.
///
/// ```
/// use llp_ot::{CountDivergence, Proportions, solve_combinatorial};
///
/// let (cost, half) = ([0.1, 0.4, 2.4, 1.1], Proportions::new(vec![0.5, 0.5])?);
/// // Proportions that weigh much flip the cheaper instance; predictions that weigh much do not.
/// assert_eq!(solve_combinatorial(&cost, &half, 0.1, CountDivergence::L1)?.labels, [0, 1]);
/// assert_eq!(solve_combinatorial(&cost, &half, 0.9, CountDivergence::L1)?.labels, [0, 0]);
/// # Ok::<(), llp_ot::OtError>(())
/// ```
pub fn solve_combinatorial(
    cost: &[f64],
    proportions: &Proportions,
    alpha: f64,
    divergence: CountDivergence,
) -> Result<Assignment, OtError> {
    check_parameters(alpha, 1.0)?;
    let n_instances = check_cost(cost, proportions.n_classes())?;
    let loss = Loss { cost, n_instances, z: proportions.as_slice(), alpha, divergence };
    let labels = if loss.z.len() == 2 { loss.labels_by_sorting() } else { loss.labels_by_flow() };
    let objective = loss.objective(&labels);
    Ok(Assignment { labels, objective })
}

struct Loss<'a> {
    cost: &'a [f64],
    n_instances: usize,
    z: &'a [f64],
    alpha: f64,
    divergence: CountDivergence,
}

impl Loss<'_> {
    fn objective(&self, labels: &[usize]) -> f64 {
        let mut counts = vec![0; self.z.len()];
        for &class in labels {
            counts[class] += 1;
        }
        let penalty: f64 = counts.iter().enumerate().map(|(class, &count)| self.penalty(class, count)).sum();
        self.alpha / self.n_instances as f64 * total_cost(self.cost, labels) + penalty
    }

    /// `phi_i(count)`.
    fn penalty(&self, class: usize, count: usize) -> f64 {
        if self.alpha >= 1.0 {
            return 0.0;
        }
        let share = count as f64 / self.n_instances as f64;
        (1.0 - self.alpha) * self.divergence.term(share, self.z[class])
    }

    fn labels_by_flow(&self) -> Vec<usize> {
        let weight = self.alpha / self.n_instances as f64;
        let weighted: Vec<f64> = self.cost.iter().map(|cost| weight * cost).collect();
        min_cost_labels(&weighted, self.z.len(), |class, count| {
            let (grown, here) = (self.penalty(class, count + 1), self.penalty(class, count));
            if grown.is_finite() { grown - here } else { f64::INFINITY }
        })
    }

    /// Two classes: those that lose least by it go to the second, and one scan finds how many.
    fn labels_by_sorting(&self) -> Vec<usize> {
        let n = self.n_instances;
        let (first, second) = self.cost.split_at(n);
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| (second[a] - first[a]).total_cmp(&(second[b] - first[b])));
        let mut extra = 0.0;
        let mut best = (f64::INFINITY, 0);
        for count in 0..=n {
            if count > 0 {
                let moved = order[count - 1];
                extra += second[moved] - first[moved];
            }
            let value = self.alpha / n as f64 * extra + self.penalty(0, n - count) + self.penalty(1, count);
            if value < best.0 {
                best = (value, count);
            }
        }
        let mut labels = vec![0; n];
        for &instance in &order[..best.1] {
            labels[instance] = 1;
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Theorem: for two classes, sorting and the flow reach the same minimum (section 3.2 of the paper).
        #[test]
        fn sorting_equals_the_flow_for_two_classes(
            cost in prop::collection::vec(0.0..8.0_f64, 1..40),
            share in 0.0..=1.0_f64,
            alpha in 0.0..=1.0_f64,
        ) {
            let cost = [cost.clone(), cost.iter().map(|c| 8.0 - c * c / 8.0).collect()].concat();
            for divergence in [CountDivergence::Kl, CountDivergence::L1, CountDivergence::SquaredL2] {
                let z = [share, 1.0 - share];
                let loss = Loss { cost: &cost, n_instances: cost.len() / 2, z: &z, alpha, divergence };
                let sorted = loss.objective(&loss.labels_by_sorting());
                let flow = loss.objective(&loss.labels_by_flow());
                // Both are sums of at most 41 terms below 8.
                prop_assert!((sorted - flow).abs() <= 1e-13, "{divergence:?}: {sorted} and {flow}");
            }
        }
    }
}
