//! Arbitrary input: every call returns numbers or an error, and never a NaN or a panic.

mod problems;

use llp_ot::{
    CountDivergence, NewtonConfig, Proportions, Real, RotBatch, RotConfig, RotSolver, rot_loss_and_gradient,
    solve_combinatorial, solve_relaxed,
};
use proptest::prelude::*;

/// Any finite number, or one of a moderate size.
fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
        -1e3..1e3_f64,
        -1e30..1e30_f64,
    ]
}

fn check<T: Real>(logits: &[f64], z: &Proportions, config: &RotConfig) -> Result<(), TestCaseError> {
    let k = z.n_classes();
    let logits: Vec<T> = logits[..logits.len() / k * k].iter().map(|&x| T::from_f64(x)).collect();
    let proportions: Vec<T> = z.as_slice().iter().map(|&x| T::from_f64(x)).collect();
    let bag_sizes = [logits.len() / k];
    let batch = RotBatch { logits: &logits, bag_sizes: &bag_sizes, proportions: &proportions, n_classes: k };
    let (mut loss, mut gradient) = ([T::ZERO], vec![T::ZERO; logits.len()]);
    if let Ok(report) = rot_loss_and_gradient(&batch, config, &mut loss, &mut gradient) {
        prop_assert!(!loss[0].to_f64().is_nan(), "{report:?}");
        prop_assert!(gradient.iter().all(|g| g.to_f64().is_finite()), "{report:?}");
        prop_assert!(!report.duality_gap_max.is_nan() && !report.residual_max.is_nan(), "{report:?}");
    }
    Ok(())
}

proptest! {
    /// Theorem: no finite input makes a NaN, in either precision, with either solver, at any parameter.
    #[test]
    fn no_finite_input_makes_a_nan(
        logits in prop::collection::vec(numbers(), 6..40),
        z in (1..=6_usize).prop_flat_map(|k| problems::proportions(7, k)),
        alpha in prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0_f64, Just(5e-324), Just(1e-300), Just(1e-99), Just(1.0 - 1e-16)],
        epsilon in prop_oneof![Just(1e-6), Just(1e6), 1e-3..10.0_f64],
        newton in any::<bool>(),
    ) {
        let config = NewtonConfig { max_iterations: 50, ..NewtonConfig::DOUBLE };
        let solver = if newton { RotSolver::Newton(config) } else { RotSolver::Sinkhorn { n_iters: 5 } };
        let config = RotConfig { alpha, epsilon, solver };
        check::<f64>(&logits, &z, &config)?;
        check::<f32>(&logits, &z, &config)?;
    }

    /// Theorem: neither do the exact relatives.
    #[test]
    fn no_finite_cost_makes_a_nan_in_the_exact_losses(
        cost in prop::collection::vec(numbers(), 6..40),
        z in (1..=6_usize).prop_flat_map(|k| problems::proportions(7, k)),
        alpha in prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0_f64],
    ) {
        let cost = &cost[..cost.len() / z.n_classes() * z.n_classes()];
        for divergence in [CountDivergence::Kl, CountDivergence::L1, CountDivergence::SquaredL2] {
            if let Ok(best) = solve_combinatorial(cost, &z, alpha, divergence) {
                prop_assert!(best.objective.is_finite());
            }
        }
        if let Ok(relaxed) = solve_relaxed(cost, &z, alpha, 0.1) {
            prop_assert!(!relaxed.lower.is_nan() && !relaxed.upper.is_nan());
        }
    }
}
