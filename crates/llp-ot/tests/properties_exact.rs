//! Theorems of the exact relatives: equations (2) to (5) and the rounding of soft labels.

mod problems;

use llp_ot::{
    CountDivergence, Proportions, RotProblem, assign, round_coupling, solve_combinatorial, solve_newton,
    solve_relaxed,
};
use problems::{cases, cases_up_to, kl};
use proptest::prelude::*;

/// All labelings of `n` instances with `k` classes.
fn labelings(n: usize, k: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..k.pow(n as u32)).map(move |mut code| {
        (0..n)
            .map(|_| {
                let label = code % k;
                code /= k;
                label
            })
            .collect()
    })
}

fn counts_of(labels: &[usize], k: usize) -> Vec<u32> {
    let mut counts = vec![0; k];
    for &label in labels {
        counts[label] += 1;
    }
    counts
}

fn transport(cost: &[f64], labels: &[usize]) -> f64 {
    labels.iter().enumerate().map(|(j, label)| cost[label * labels.len() + j]).sum()
}

/// Equation (2).
fn combinatorial(cost: &[f64], labels: &[usize], z: &[f64], alpha: f64, divergence: CountDivergence) -> f64 {
    let n = labels.len() as f64;
    let shares: Vec<f64> = counts_of(labels, z.len()).iter().map(|&count| f64::from(count) / n).collect();
    let pairs = shares.iter().zip(z);
    let penalty = match divergence {
        CountDivergence::Kl => kl(&shares, z),
        CountDivergence::L1 => pairs.map(|(s, z)| (s - z).abs()).sum(),
        CountDivergence::SquaredL2 => pairs.map(|(s, z)| (s - z) * (s - z)).sum(),
    };
    let marginal = if alpha < 1.0 { (1.0 - alpha) * penalty } else { 0.0 };
    alpha / n * transport(cost, labels) + marginal
}

/// Cost `[class, instance]` and proportions, small enough to try all labelings. Costs repeat, so that ties
/// occur.
fn small() -> impl Strategy<Value = (usize, Vec<f64>, Proportions)> {
    (1..=6_usize, 1..=4_usize).prop_flat_map(|(n, k)| {
        let cost = prop_oneof![
            prop::collection::vec(0.0..8.0_f64, n * k),
            prop::collection::vec((0..4_u8).prop_map(f64::from), n * k)
        ];
        (Just(n), cost, problems::proportions(n, k))
    })
}

proptest! {
    /// Theorem: for a divergence that is a sum of convex functions, the convex-cost flow (K = 2: the scan
    /// after sorting) finds the minimum of (2) over all `K^n` labelings.
    #[test]
    fn the_combinatorial_loss_equals_brute_force((n, cost, z) in small(), alpha in 0.0..=1.0_f64) {
        for divergence in [CountDivergence::Kl, CountDivergence::L1, CountDivergence::SquaredL2] {
            let best = solve_combinatorial(&cost, &z, alpha, divergence).unwrap();
            let value = |labels: &[usize]| combinatorial(&cost, labels, z.as_slice(), alpha, divergence);
            let minimum = labelings(n, z.n_classes()).map(|labels| value(&labels)).fold(f64::INFINITY, f64::min);
            prop_assert!((best.objective - minimum).abs() <= 1e-13, "{divergence:?}: {} and {minimum}", best.objective);
            prop_assert!((value(&best.labels) - best.objective).abs() <= 1e-14);
        }
    }

    /// Theorem: the assignment has the given counts and the minimum of (5) over all labelings that have them.
    #[test]
    fn the_assignment_equals_brute_force((n, cost, z) in small()) {
        let counts = z.largest_remainder_counts(n as u32);
        let best = assign(&cost, &counts).unwrap();
        prop_assert_eq!(&counts_of(&best.labels, counts.len()), &counts);
        let minimum = labelings(n, counts.len())
            .filter(|labels| counts_of(labels, counts.len()) == counts)
            .map(|labels| transport(&cost, &labels))
            .fold(f64::INFINITY, f64::min);
        prop_assert!((best.objective * n as f64 - minimum).abs() <= 1e-13);
    }

    /// Theorem: no exchange along a cycle of classes lowers the cost of an assignment (optimality, for sizes
    /// out of reach of brute force): the graph whose edge `a -> b` costs the cheapest move has no negative
    /// cycle.
    #[test]
    fn a_large_assignment_has_no_negative_cycle(
        (n, k) in (20..80_usize, 2..8_usize),
        values in prop::collection::vec(0.0..9.0_f64, 640),
        labels in prop::collection::vec(0..8_usize, 80),
    ) {
        let cost = &values[..n * k];
        let counts = counts_of(&labels[..n].iter().map(|label| label % k).collect::<Vec<_>>(), k);
        let best = assign(cost, &counts).unwrap();
        let mut distance = vec![vec![f64::INFINITY; k]; k];
        for (j, &from) in best.labels.iter().enumerate() {
            for to in 0..k {
                distance[from][to] = distance[from][to].min(cost[to * n + j] - cost[from * n + j]);
            }
        }
        for middle in 0..k {
            for from in 0..k {
                for to in 0..k {
                    let detour = distance[from][middle] + distance[middle][to];
                    distance[from][to] = distance[from][to].min(detour);
                }
            }
        }
        for (class, row) in distance.iter().enumerate() {
            prop_assert!(row[class] >= -1e-12);
        }
    }

    /// Theorem: rounding a coupling to counts maximizes the total probability over all labelings with these
    /// counts, and rounding by the product of probabilities is the assignment on the cost.
    #[test]
    fn rounding_keeps_the_counts(case in cases_up_to(6, 4)) {
        let case = problems::Case { epsilon: case.epsilon.max(0.2), ..case };
        let cost = case.cost();
        let coupling = solve_newton(&case.problem(&cost), &llp_ot::NewtonConfig::DOUBLE).unwrap().coupling;
        let counts = case.z.largest_remainder_counts(case.n as u32);
        let rounded = round_coupling(&coupling, &counts).unwrap();
        prop_assert_eq!(&counts_of(&rounded.labels, case.k), &counts);
        let most = labelings(case.n, case.k)
            .filter(|labels| counts_of(labels, case.k) == counts)
            .map(|labels| transport(&coupling, &labels))
            .fold(0.0, f64::max);
        prop_assert!((rounded.objective * case.n as f64 - most).abs() <= 1e-13);
        let by_product: Vec<f64> = coupling.iter().map(|u| -u.max(1e-300).ln()).collect();
        let most_likely = assign(&by_product, &counts).unwrap();
        let expected = assign(&cost, &counts).unwrap().objective;
        prop_assert!((transport(&cost, &most_likely.labels) / case.n as f64 - expected).abs() <= 1e-9);
    }

    /// Theorem: the bounds of the relaxed loss (4) are within the tolerance of each other, contain the smooth
    /// couplings' values from above, and the minimum of (4) is at most that of the combinatorial loss (3).
    #[test]
    fn the_relaxed_loss_lies_between_its_bounds(case in cases()) {
        let cost = case.cost();
        let tolerance = 0.02;
        let relaxed = solve_relaxed(&cost, &case.z, case.alpha, tolerance).unwrap();
        prop_assert!(relaxed.lower <= relaxed.upper && relaxed.upper <= relaxed.lower + tolerance);
        let hard = solve_combinatorial(&cost, &case.z, case.alpha, CountDivergence::Kl).unwrap();
        prop_assert!(relaxed.lower <= hard.objective + 1e-12);
        let problem = RotProblem { cost: &cost, proportions: &case.z, alpha: case.alpha, epsilon: 1.0 };
        let smooth = solve_newton(&problem, &llp_ot::NewtonConfig::DOUBLE).unwrap().coupling;
        // Equation (4) is equation (6) without its entropy: epsilon = 0.
        let value = problems::objective(&smooth, &cost, case.z.as_slice(), case.alpha, 0.0);
        prop_assert!(relaxed.lower <= value + 1e-12);
        let own = problems::objective(&relaxed.coupling, &cost, case.z.as_slice(), case.alpha, 0.0);
        prop_assert!((relaxed.upper - own).abs() <= 1e-12);
    }
}
