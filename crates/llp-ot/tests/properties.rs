//! Theorems of the problem (6) and its dual. Each test is named after its theorem and states it.
//!
//! Tolerances: costs are at most 16 and values of order 1, so sums of up to 72 terms in double precision are
//! exact to about 1e-14; what is compared after division by `epsilon >= 0.02` or through a solver that stops
//! at a residual of 1e-12 gets the tolerance stated at its place.
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod problems;

use llp_ot::{
    Divergence, NewtonConfig, Proportions, RotProblem, RotSolution, SolverOutcome, assign, entropy,
    generalized_kl, solve_newton, solve_newton_from, solve_sinkhorn,
};
use problems::{
    Case, cases, counts, coupling_of, dual, full_cases, largest_difference, log_sum_exp, masses, proportions,
};
use proptest::prelude::*;

const NEWTON: NewtonConfig = NewtonConfig::DOUBLE;

fn solve(case: &Case, cost: &[f64]) -> RotSolution<f64> {
    solve_newton(&case.problem(cost), &NEWTON).unwrap()
}

/// `(alpha / n) D` at a solution, from its certificate.
fn dual_value(solution: &RotSolution<f64>) -> f64 {
    solution.objective - solution.duality_gap
}

proptest! {
    /// Theorem: `U >= 0`, columns add up to 1, rows of classes of zero proportion are exactly zero.
    #[test]
    fn couplings_are_feasible(case in cases()) {
        let solution = solve(&case, &case.cost());
        for j in 0..case.n {
            let column: f64 = (0..case.k).map(|i| solution.coupling[i * case.n + j]).sum();
            prop_assert!((column - 1.0).abs() <= 1e-14);
        }
        for (i, row) in solution.coupling.chunks_exact(case.n).enumerate() {
            prop_assert!(row.iter().all(|&u| (0.0..=1.0 + 1e-15).contains(&u)));
            prop_assert!(case.z.as_slice()[i] > 0.0 || row.iter().all(|&u| u == 0.0));
        }
    }

    /// Theorem: for every `f` the duality gap is `kappa KL(U 1 | n z exp(-f / kappa))`, at least 0; on return
    /// the residual is at most the threshold, or what rounding permits.
    #[test]
    fn the_gap_is_exact_for_every_potential(
        case in full_cases(),
        unit in prop::collection::vec(-1.0..1.0_f64, 6),
    ) {
        let cost = case.cost();
        let start: Vec<f64> = unit[..case.k].iter().map(|f| 2.0 * f).collect();
        let still = NewtonConfig { max_iterations: 0, ..NEWTON };
        let at_start = solve_newton_from(&case.problem(&cost), &start, &still).unwrap();
        let primal = case.objective(&at_start.coupling, &cost);
        let lower = dual(&at_start.potentials, &cost, case.z.as_slice(), case.alpha, case.epsilon);
        // exp(-f / kappa) with f up to 2 and kappa down to 0.05 may reach exp(40) before the shift: relative
        // closeness.
        let scale = 1.0 + primal.abs() + lower.abs();
        prop_assert!((at_start.objective - primal).abs() <= 1e-12 * scale);
        prop_assert!((at_start.duality_gap - (primal - lower)).abs() <= 1e-12 * scale);
        prop_assert!(at_start.duality_gap >= 0.0);
        let solution = solve(&case, &cost);
        prop_assert_eq!(solution.outcome, SolverOutcome::Converged);
        prop_assert!(solution.residual <= 1e-12);
        prop_assert!(solution.objective <= at_start.objective + 1e-13 * scale);
    }

    /// Theorem: the loss is a minimum of affine functions of the cost, hence concave in it.
    #[test]
    fn the_loss_is_concave_in_the_cost(
        case in cases(),
        other in prop::collection::vec(0.0..16.0_f64, 72),
    ) {
        let cost = case.cost();
        let other = &other[..cost.len()];
        let middle: Vec<f64> = cost.iter().zip(other).map(|(a, b)| (a + b) / 2.0).collect();
        let [left, right, middle] = [&cost, other, &middle].map(|cost| solve(&case, cost));
        prop_assert!(middle.objective >= f64::midpoint(left.objective, right.objective) - 1e-12);
    }

    /// Theorem: permuting instances permutes the columns of `U` and leaves the loss.
    #[test]
    fn instances_may_be_permuted(case in cases(), turn in 0..12_usize) {
        let cost = case.cost();
        let from = |j: usize| (j * 13 + turn) % case.n; // a permutation: 13 has no factor in common with n <= 12
        let permuted: Vec<f64> =
            (0..case.k * case.n).map(|at| cost[at / case.n * case.n + from(at % case.n)]).collect();
        let (solution, moved) = (solve(&case, &cost), solve(&case, &permuted));
        prop_assert!((solution.objective - moved.objective).abs() <= 1e-12);
        let expected: Vec<f64> = (0..case.k * case.n)
            .map(|at| solution.coupling[at / case.n * case.n + from(at % case.n)])
            .collect();
        prop_assert!(largest_difference(&moved.coupling, &expected) <= 1e-8);
    }

    /// Theorem: permuting the classes of cost and proportions together permutes the rows of `U` and leaves
    /// the loss.
    #[test]
    fn classes_may_be_permuted(case in cases()) {
        let cost = case.cost();
        let reversed: Vec<f64> = cost.chunks_exact(case.n).rev().flatten().copied().collect();
        let z = Proportions::new(case.z.as_slice().iter().rev().copied().collect()).unwrap();
        let moved = solve_newton(&RotProblem { proportions: &z, ..case.problem(&reversed) }, &NEWTON).unwrap();
        let solution = solve(&case, &cost);
        prop_assert!((solution.objective - moved.objective).abs() <= 1e-12);
        let expected: Vec<f64> = solution.coupling.chunks_exact(case.n).rev().flatten().copied().collect();
        prop_assert!(largest_difference(&moved.coupling, &expected) <= 1e-8);
    }

    /// Theorem: a constant added to one column of the cost adds `alpha / n` times it to the loss and leaves
    /// `U`.
    #[test]
    fn a_column_constant_adds_to_the_loss_alone(case in cases(), column in 0..12_usize, constant in -9.0..9.0_f64) {
        let cost = case.cost();
        let mut raised = cost.clone();
        for i in 0..case.k {
            raised[i * case.n + column % case.n] += constant;
        }
        let (solution, moved) = (solve(&case, &cost), solve(&case, &raised));
        let expected = solution.objective + case.alpha / case.n as f64 * constant;
        prop_assert!((moved.objective - expected).abs() <= 1e-12);
        prop_assert!(largest_difference(&moved.coupling, &solution.coupling) <= 1e-8);
    }

    /// Theorem (Proposition 2): for one instance with one-hot `z`, the loss is `alpha` times the
    /// cross-entropy, less the constant `alpha epsilon` that the printed entropy of a one-hot column brings,
    /// for every solver.
    #[test]
    fn a_bag_of_one_is_cross_entropy(case in cases(), class in 0..6_usize) {
        let class = class % case.k;
        let cost: Vec<f64> = case.cost().chunks_exact(case.n).map(|row| row[0]).collect();
        let mut one_hot = vec![0.0; case.k];
        one_hot[class] = 1.0;
        let z = Proportions::new(one_hot.clone()).unwrap();
        let problem = RotProblem { proportions: &z, ..case.problem(&cost) };
        let expected = case.alpha * cost[class] - case.alpha * case.epsilon;
        for solution in [solve_newton(&problem, &NEWTON).unwrap(), solve_sinkhorn(&problem, 75).unwrap()] {
            prop_assert!((solution.objective - expected).abs() <= 1e-13);
            prop_assert!(largest_difference(&solution.coupling, &one_hot) <= f64::EPSILON);
        }
    }

    /// Theorem: at `epsilon = 1` the loss is `(alpha / n) sum_j KL(U_j | p_j) + (1 - alpha) KL(U 1 / n | z) -
    /// alpha`.
    #[test]
    fn at_epsilon_one_the_loss_is_a_sum_of_divergences(case in cases()) {
        let case = Case { epsilon: 1.0, ..case };
        let cost = case.cost();
        let solution = solve(&case, &cost);
        let probs: Vec<f64> = cost.iter().map(|c| (-c).exp()).collect();
        let shares: Vec<f64> = masses(&solution.coupling, case.k).iter().map(|m| m / case.n as f64).collect();
        // The columns of U and of the predictions both add up to 1, so the generalized KL is the plain one.
        let expected = case.alpha / case.n as f64 * generalized_kl(&solution.coupling, &probs)
            + (1.0 - case.alpha) * generalized_kl(&shares, case.z.as_slice())
            - case.alpha;
        prop_assert!((solution.objective - expected).abs() <= 1e-12);
    }

    /// Theorem: as `alpha -> 1` the columns decouple, `U_j -> softmax(-C_j / epsilon)` over the classes of
    /// positive proportion; at `alpha = 1` exactly the softmax is over all classes and the proportions play
    /// no part.
    #[test]
    fn near_alpha_one_the_columns_decouple(case in cases()) {
        let cost = case.cost();
        let masked: Vec<f64> =
            case.z.as_slice().iter().map(|&z| if z > 0.0 { 0.0 } else { f64::NEG_INFINITY }).collect();
        let near = solve(&Case { alpha: 1.0 - 1e-9, ..case.clone() }, &cost);
        // kappa = 1e-9 moves the potentials by up to kappa log(1 / tiny mass), and U by that over epsilon >=
        // 0.02.
        let limit = coupling_of(&masked, &cost, case.epsilon);
        prop_assert!(largest_difference(&near.coupling, &limit) <= 1e-5);
        let at_one = solve(&Case { alpha: 1.0, ..case.clone() }, &cost);
        let softmax = coupling_of(&vec![0.0; case.k], &cost, case.epsilon);
        prop_assert!(largest_difference(&at_one.coupling, &softmax) <= 1e-13);
        prop_assert!((at_one.objective - problems::objective(&softmax, &cost, case.z.as_slice(), 1.0, case.epsilon)).abs() <= 1e-12);
        prop_assert_eq!(at_one.duality_gap, 0.0);
    }

    /// Theorem: at `alpha = 0` the loss is 0 and the coupling that of balanced transport, whose masses are `n
    /// z`; its transport cost exceeds that of the linear program (5) by at most `epsilon n log K`.
    #[test]
    fn at_alpha_zero_transport_is_balanced(case in cases(), labels in prop::collection::vec(0..6_usize, 12)) {
        let mut label_counts = vec![0; case.k];
        for label in &labels[..case.n] {
            label_counts[label % case.k] += 1;
        }
        let z = Proportions::from_counts(&label_counts).unwrap();
        let case = Case { z, alpha: 0.0, ..case };
        let cost = case.cost();
        let solution = solve(&case, &cost);
        prop_assert_eq!(solution.outcome, SolverOutcome::Converged);
        prop_assert_eq!(solution.objective, solution.duality_gap);
        prop_assert!(solution.objective <= 1e-20);
        let mass = masses(&solution.coupling, case.k);
        prop_assert!(mass.iter().zip(&label_counts).all(|(m, &c)| (m - f64::from(c)).abs() <= 1e-10));
        let transport: f64 = cost.iter().zip(&solution.coupling).map(|(c, u)| c * u).sum();
        let exact = assign(&cost, &label_counts).unwrap().objective * case.n as f64;
        prop_assert!(transport >= exact - 1e-9);
        prop_assert!(transport <= exact + case.epsilon * case.n as f64 * (case.k as f64).ln() + 1e-9);
    }

    /// Theorem: the value at any feasible coupling is at least the minimum.
    #[test]
    fn no_feasible_coupling_is_better(case in cases(), weights in prop::collection::vec(0.0..1.0_f64, 72)) {
        let cost = case.cost();
        let minimum = solve(&case, &cost).objective;
        let mut feasible = vec![0.0; case.n * case.k];
        for j in 0..case.n {
            let weight = |i: usize| if case.z.as_slice()[i] > 0.0 { 1e-3 + weights[i * case.n + j] } else { 0.0 };
            let sum: f64 = (0..case.k).map(weight).sum();
            for i in 0..case.k {
                feasible[i * case.n + j] = weight(i) / sum;
            }
        }
        prop_assert!(case.objective(&feasible, &cost) >= minimum - 1e-12);
        let predictions: Vec<f64> = cost.iter().map(|c| (-c).exp()).collect();
        prop_assert!(case.objective(&predictions, &cost) >= minimum - 1e-12);
    }

    /// Theorem (Proposition 1): at the optimum `a = (n z / K b)^tau` and `b = 1 / K^T a`.
    #[test]
    fn the_optimum_is_a_fixed_point_of_the_sweep(case in full_cases()) {
        let cost = case.cost();
        let solution = solve(&case, &cost);
        let tau = 1.0 / (1.0 + case.alpha * case.epsilon / (1.0 - case.alpha));
        let log_a: Vec<f64> = solution.potentials.iter().map(|f| f / case.epsilon).collect();
        let log_k = |i: usize, j: usize| -cost[i * case.n + j] / case.epsilon;
        let log_b: Vec<f64> = (0..case.n)
            .map(|j| -log_sum_exp(&(0..case.k).map(|i| log_a[i] + log_k(i, j)).collect::<Vec<_>>()))
            .collect();
        for i in 0..case.k {
            let log_kb = log_sum_exp(&(0..case.n).map(|j| log_k(i, j) + log_b[j]).collect::<Vec<_>>());
            let target = case.n as f64 * case.z.as_slice()[i];
            // The logarithm of a mass m has the error residual / m; weigh it with the mass.
            let mass = (log_a[i] + log_kb).exp();
            prop_assert!(mass * (log_a[i] - tau * (target.ln() - log_kb)).abs() <= 1e-10 * case.n as f64);
        }
    }

    /// Theorem: `D` never falls from one sweep of Algorithm 1 to the next.
    #[test]
    fn the_dual_never_falls_between_sweeps(case in cases()) {
        let cost = case.cost();
        let mut last = f64::NEG_INFINITY;
        for n_iters in 1..12 {
            let value = dual_value(&solve_sinkhorn(&case.problem(&cost), n_iters).unwrap());
            prop_assert!(value >= last - 1e-12 * (1.0 + last.abs()), "{value} after {last}");
            last = value;
        }
    }

    /// Theorem: Algorithm 1 as printed, in the scaling domain, gives the value that its log domain gives.
    #[test]
    fn sweeps_are_those_of_algorithm_1(case in full_cases(), n_iters in 1..6_usize) {
        // The printed form needs exp(-C / epsilon) in range.
        let case = Case { epsilon: case.epsilon.max(0.1), ..case };
        let cost = case.cost();
        let kernel: Vec<f64> = cost.iter().map(|c| (-c / case.epsilon).exp()).collect();
        let tau = 1.0 / (1.0 + case.alpha * case.epsilon / (1.0 - case.alpha));
        let (mut a, mut b) = (vec![0.0; case.k], vec![1.0; case.n]);
        for _ in 0..n_iters {
            for i in 0..case.k {
                let kb: f64 = (0..case.n).map(|j| kernel[i * case.n + j] * b[j]).sum();
                a[i] = (case.n as f64 * case.z.as_slice()[i] / kb).powf(tau);
            }
            for j in 0..case.n {
                b[j] = 1.0 / (0..case.k).map(|i| kernel[i * case.n + j] * a[i]).sum::<f64>();
            }
        }
        let coupling: Vec<f64> =
            (0..case.n * case.k).map(|at| a[at / case.n] * kernel[at] * b[at % case.n]).collect();
        let sweeps = solve_sinkhorn(&case.problem(&cost), n_iters).unwrap();
        prop_assert!(largest_difference(&sweeps.coupling, &coupling) <= 1e-11);
        prop_assert!((sweeps.objective - case.objective(&coupling, &cost)).abs() <= 1e-11);
        let log_a: Vec<f64> = a.iter().map(|a| case.epsilon * a.ln()).collect();
        prop_assert!(largest_difference(&sweeps.potentials, &log_a) <= 1e-11 * (1.0 + case.epsilon));
    }

    /// Theorem: many sweeps of Algorithm 1 and Newton's method reach the same optimum.
    #[test]
    fn sweeps_and_newton_agree(case in cases()) {
        let case = Case { epsilon: case.epsilon.max(0.3), alpha: case.alpha.max(0.3), ..case };
        let cost = case.cost();
        let sweeps = solve_sinkhorn(&case.problem(&cost), 2000).unwrap();
        let newton = solve(&case, &cost);
        prop_assert!((sweeps.objective - newton.objective).abs() <= 1e-12);
        prop_assert!(largest_difference(&sweeps.coupling, &newton.coupling) <= 1e-8);
    }

    /// Theorem: started at its own solution, Newton's method has nothing to do.
    #[test]
    fn a_warm_start_at_the_solution_takes_no_step(case in cases()) {
        let cost = case.cost();
        let cold = solve(&case, &cost);
        let loose = NewtonConfig { threshold: 1e-11, ..NEWTON };
        let warm = solve_newton_from(&case.problem(&cost), &cold.potentials, &loose).unwrap();
        prop_assert_eq!(warm.n_iters, 0);
        prop_assert!(largest_difference(&cold.coupling, &warm.coupling) <= 1e-9);
    }

    /// Theorem: the KL loss of section 3.1 is `KL(z | q) + H(z)`, least at `q = z`.
    #[test]
    fn the_kl_loss_is_divergence_plus_entropy(z in proportions(5, 4), weights in prop::collection::vec(0.01..1.0_f64, 4)) {
        let sum: f64 = weights.iter().sum();
        let q: Vec<f64> = weights.iter().map(|w| w / sum).collect();
        let value = Divergence::Kl.value(z.as_slice(), &q);
        let expected = generalized_kl(z.as_slice(), &q) + entropy(z.as_slice());
        prop_assert!((value - expected).abs() <= 1e-13);
        prop_assert!(value >= entropy(z.as_slice()) - 1e-14);
    }

    /// Theorem: largest-remainder counts add up to `n`, differ from `n z` by less than 1, spare empty
    /// classes, and give back the counts that the proportions were made from.
    #[test]
    fn largest_remainder_counts_are_the_closest(z in proportions(9, 5), n in 0..5000_u32, original in counts(30, 5)) {
        let rounded = z.largest_remainder_counts(n);
        prop_assert_eq!(rounded.iter().sum::<u32>(), n);
        for (&count, &share) in rounded.iter().zip(z.as_slice()) {
            prop_assert!((f64::from(count) - share * f64::from(n)).abs() < 1.0 + 1e-9);
            prop_assert!(share > 0.0 || count == 0);
        }
        prop_assert_eq!(Proportions::from_counts(&original).unwrap().largest_remainder_counts(30), original);
    }
}
