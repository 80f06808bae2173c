//! Theorems of gradients, batches and precisions.
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod problems;

use llp_ot::{
    Divergence, NewtonConfig, Proportions, RotBatch, RotConfig, RotSolver, rot_loss_and_gradient,
    solve_newton,
};
use problems::{Case, cases, cases_up_to, largest_difference};
use proptest::prelude::*;

const NEWTON: RotSolver = RotSolver::Newton(NewtonConfig::DOUBLE);

/// Loss and gradient of one bag.
fn loss_and_gradient(case: &Case, logits: &[f64], solver: RotSolver) -> (f64, Vec<f64>) {
    let batch = RotBatch { logits, bag_sizes: &[case.n], proportions: case.z.as_slice(), n_classes: case.k };
    let config = RotConfig { alpha: case.alpha, epsilon: case.epsilon, solver };
    let (mut loss, mut gradient) = ([0.0], vec![0.0; logits.len()]);
    rot_loss_and_gradient(&batch, &config, &mut loss, &mut gradient).unwrap();
    (loss[0], gradient)
}

/// Bags of one number of classes, as one batch.
#[derive(Debug, Clone)]
struct Bags {
    logits: Vec<f64>,
    bag_sizes: Vec<usize>,
    proportions: Vec<f64>,
    n_classes: usize,
}

fn bags() -> impl Strategy<Value = Bags> {
    (1..=5_usize, prop::collection::vec(1..=20_usize, 1..=6)).prop_flat_map(|(k, bag_sizes)| {
        let n: usize = bag_sizes.iter().sum();
        let proportions: Vec<_> = bag_sizes.iter().map(|&size| problems::proportions(size, k)).collect();
        (prop::collection::vec(-6.0..6.0_f64, n * k), proportions).prop_map(move |(logits, z)| Bags {
            logits,
            bag_sizes: bag_sizes.clone(),
            proportions: z.iter().flat_map(|z| z.as_slice().to_vec()).collect(),
            n_classes: k,
        })
    })
}

fn solve_bags(bags: &Bags, config: &RotConfig) -> (Vec<f64>, Vec<f64>) {
    let batch = RotBatch {
        logits: &bags.logits,
        bag_sizes: &bags.bag_sizes,
        proportions: &bags.proportions,
        n_classes: bags.n_classes,
    };
    let (mut loss, mut gradient) = (vec![0.0; bags.bag_sizes.len()], vec![0.0; bags.logits.len()]);
    rot_loss_and_gradient(&batch, config, &mut loss, &mut gradient).unwrap();
    (loss, gradient)
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    /// Theorem: the gradient of the logits agrees with central differences of the loss.
    ///
    /// Step 1e-5: truncation 1e-10 times third derivatives, which grow with `1 / epsilon^2`, so `epsilon >=
    /// 0.3`.
    #[test]
    fn the_gradient_agrees_with_central_differences(case in cases(), at in 0..72_usize) {
        let case = Case { epsilon: case.epsilon.max(0.3), ..case };
        let (_, gradient) = loss_and_gradient(&case, &case.logits, NEWTON);
        let at = at % case.logits.len();
        let step = 1e-5;
        let value = |offset: f64| {
            let mut logits = case.logits.clone();
            logits[at] += offset;
            loss_and_gradient(&case, &logits, NEWTON).0
        };
        let numeric = (value(step) - value(-step)) / (2.0 * step);
        prop_assert!((gradient[at] - numeric).abs() <= 1e-8, "{} and {}", gradient[at], numeric);
    }

    /// Theorem: the gradient of each instance's logits adds up to 0 over the classes, for both solvers.
    #[test]
    fn the_gradient_of_an_instance_sums_to_zero(case in cases()) {
        for solver in [NEWTON, RotSolver::PAPER] {
            let (_, gradient) = loss_and_gradient(&case, &case.logits, solver);
            for row in gradient.chunks_exact(case.k) {
                prop_assert!(row.iter().sum::<f64>().abs() <= 1e-14);
            }
        }
    }

    /// Theorem: from logits, loss and gradient are those of the problem with `C = -log softmax`:
    /// `(alpha / n) (softmax - U)`.
    #[test]
    fn logits_and_costs_tell_the_same(case in cases()) {
        let cost = case.cost();
        let solution = solve_newton(&case.problem(&cost), &NewtonConfig::DOUBLE).unwrap();
        let (loss, gradient) = loss_and_gradient(&case, &case.logits, NEWTON);
        prop_assert!((loss - solution.objective).abs() <= 1e-12);
        let expected: Vec<f64> = (0..case.n * case.k)
            .map(|at| {
                let entry = at % case.k * case.n + at / case.k;
                case.alpha / case.n as f64 * ((-cost[entry]).exp() - solution.coupling[entry])
            })
            .collect();
        prop_assert!(largest_difference(&gradient, &expected) <= 1e-9);
    }

    /// Theorem: at `alpha = 0` loss and gradient are 0; at `alpha = 1` and `epsilon = 1` the gradient is 0
    /// and the loss -1, because `U` is the prediction.
    #[test]
    fn the_ends_of_alpha_are_trivial(case in cases()) {
        let (loss, gradient) = loss_and_gradient(&Case { alpha: 0.0, ..case.clone() }, &case.logits, NEWTON);
        prop_assert!(loss == 0.0 && gradient.iter().all(|&g| g == 0.0));
        let case = Case { alpha: 1.0, epsilon: 1.0, ..case };
        let (loss, gradient) = loss_and_gradient(&case, &case.logits, NEWTON);
        prop_assert!((loss + 1.0).abs() <= 1e-13 && gradient.iter().all(|&g| g.abs() <= 1e-14));
    }

    /// Theorem: a bag alone, in a batch, or in the reversed batch has the same bits.
    #[test]
    fn a_bag_has_the_same_bits_in_every_batch(bags in bags(), alpha in 0.05..0.95_f64, newton in any::<bool>()) {
        let solver = if newton { NEWTON } else { RotSolver::Sinkhorn { n_iters: 7 } };
        let config = RotConfig { alpha, epsilon: 0.3, solver };
        let (loss, gradient) = solve_bags(&bags, &config);
        let mut reversed = Bags { logits: vec![], bag_sizes: vec![], proportions: vec![], ..bags };
        let k = bags.n_classes;
        let starts: Vec<usize> =
            bags.bag_sizes.iter().scan(0, |sum, size| { *sum += size; Some(*sum - size) }).collect();
        for bag in (0..loss.len()).rev() {
            let rows = starts[bag] * k..(starts[bag] + bags.bag_sizes[bag]) * k;
            reversed.logits.extend(&bags.logits[rows.clone()]);
            reversed.bag_sizes.push(bags.bag_sizes[bag]);
            reversed.proportions.extend(&bags.proportions[bag * k..(bag + 1) * k]);
            let alone = Bags {
                logits: bags.logits[rows.clone()].to_vec(),
                bag_sizes: vec![bags.bag_sizes[bag]],
                proportions: bags.proportions[bag * k..(bag + 1) * k].to_vec(),
                n_classes: k,
            };
            let (loss_alone, gradient_alone) = solve_bags(&alone, &config);
            prop_assert_eq!(loss[bag].to_bits(), loss_alone[0].to_bits());
            prop_assert_eq!(bits(&gradient[rows]), bits(&gradient_alone));
        }
        let (loss_reversed, gradient_reversed) = solve_bags(&reversed, &config);
        let back: Vec<f64> = loss_reversed.into_iter().rev().collect();
        prop_assert_eq!(bits(&loss), bits(&back));
        let mut row = 0;
        for bag in (0..loss.len()).rev() {
            let len = bags.bag_sizes[bag] * k;
            let expected = &gradient[starts[bag] * k..][..len];
            prop_assert_eq!(bits(&gradient_reversed[row..row + len]), bits(expected));
            row += len;
        }
    }

    /// Theorem: single precision agrees with double precision to its rounding, for hard problems too.
    #[test]
    fn single_precision_agrees_with_double(case in cases()) {
        let logits: Vec<f32> = case.logits.iter().map(|&x| x as f32).collect();
        let z: Vec<f32> = case.z.as_slice().iter().map(|&x| x as f32).collect();
        let widened = Case {
            logits: logits.iter().map(|&x| f64::from(x)).collect(),
            z: Proportions::new(z.iter().map(|&x| f64::from(x)).collect()).unwrap(),
            ..case.clone()
        };
        let (loss, gradient) = loss_and_gradient(&widened, &widened.logits, NEWTON);
        let batch = RotBatch { logits: &logits, bag_sizes: &[case.n], proportions: &z, n_classes: case.k };
        let config = RotConfig {
            alpha: case.alpha,
            epsilon: case.epsilon,
            solver: RotSolver::Newton(NewtonConfig::SINGLE),
        };
        let (mut loss_single, mut gradient_single) = ([0.0_f32], vec![0.0_f32; logits.len()]);
        rot_loss_and_gradient(&batch, &config, &mut loss_single, &mut gradient_single).unwrap();
        // Values up to 16 in units of 2^-24, and a gap that is quadratic in the residual of 1e-6.
        prop_assert!((f64::from(loss_single[0]) - loss).abs() <= 1e-5);
        // Rounding of U is 1e-6; a residual of 1e-6 moves it by up to that times the worst condition of the
        // Hessian.
        let scale = case.alpha / case.n as f64;
        for (single, double) in gradient_single.iter().zip(&gradient) {
            prop_assert!((f64::from(*single) - double).abs() <= 1e-3 * scale);
        }
    }

    /// Theorem: a bag repeated many times has the loss of the bag, and each copy the gradient divided by
    /// their number: sums over more instances than fit a chunk are right.
    #[test]
    fn a_repeated_bag_keeps_its_loss(case in cases_up_to(9, 30), n_copies in 60..150_usize) {
        let case = Case { epsilon: case.epsilon.max(0.2), ..case };
        let repeated = Case { n: case.n * n_copies, logits: case.logits.repeat(n_copies), ..case.clone() };
        let (loss, gradient) = loss_and_gradient(&case, &case.logits, NEWTON);
        let (loss_repeated, gradient_repeated) = loss_and_gradient(&repeated, &repeated.logits, NEWTON);
        prop_assert!((loss - loss_repeated).abs() <= 1e-12);
        let scaled: Vec<f64> = gradient.repeat(n_copies).iter().map(|g| g / n_copies as f64).collect();
        prop_assert!(largest_difference(&scaled, &gradient_repeated) <= 1e-9 / n_copies as f64);
    }

    /// Theorem: the gradients of KL, L1 and squared L2 agree with central differences.
    #[test]
    fn divergence_gradients_agree_with_central_differences(
        pairs in prop::collection::vec((0.01..1.0_f64, 0.01..1.0_f64), 1..6),
        at in 0..6_usize,
    ) {
        let (z, q): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let (at, step) = (at % z.len(), 1e-6);
        prop_assume!((z[at] - q[at]).abs() > 2.0 * step); // the kink of L1
        for divergence in [Divergence::Kl, Divergence::L1, Divergence::SquaredL2] {
            let mut gradient = vec![0.0; z.len()];
            divergence.gradient(&z, &q, &mut gradient);
            let value = |offset: f64| {
                let mut q = q.clone();
                q[at] += offset;
                divergence.value(&z, &q)
            };
            let numeric = (value(step) - value(-step)) / (2.0 * step);
            // Third derivatives of the logarithm reach 2e6 at q = 0.01: 2e-12 * 2e6 / 6, and rounding 1e-15 /
            // 1e-6.
            prop_assert!((gradient[at] - numeric).abs() <= 1e-5);
        }
    }
}

/// Theorem: the number of threads does not change a bit, whether bags are many or one is large.
#[cfg(feature = "rayon")]
#[test]
fn the_number_of_threads_changes_no_bit() {
    for (bag_sizes, k) in [(vec![700; 12], 7), (vec![3000], 120), (vec![1, 5000, 3, 900], 40)] {
        let n: usize = bag_sizes.iter().sum();
        let bags = Bags {
            logits: (0..n * k).map(|i| 4.0 * (i as f64 * 0.618_033_988_749_895).fract()).collect(),
            proportions: vec![1.0 / k as f64; bag_sizes.len() * k],
            bag_sizes,
            n_classes: k,
        };
        let config = RotConfig { alpha: 0.4, epsilon: 0.2, solver: NEWTON };
        let run = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| solve_bags(&bags, &config))
        };
        let ((loss, gradient), (loss_many, gradient_many)) = (run(1), run(5));
        assert_eq!(bits(&loss), bits(&loss_many));
        assert_eq!(bits(&gradient), bits(&gradient_many));
    }
}
