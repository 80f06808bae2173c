//! Times the ROT loss with its gradient, and measures the error of the gradient: one JSON line per shape and
//! setting.
//!
//! Run with `cargo run --release -p llp-ot --all-features --example bench_rot`. The inputs are those of
//! `xtask/peers/rot_peers.py`, drawn by the same generator.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

mod input;

use std::time::Instant;

use input::Input;
use llp_ot::{NewtonConfig, OtError, Real, RotBatch, RotConfig, RotSolver, rot_loss_and_gradient};

/// Bags, instances per bag, classes.
const SHAPES: [(usize, usize, usize); 5] =
    [(16, 64, 10), (64, 16, 10), (1, 1024, 10), (16, 64, 100), (1, 1024, 100)];
/// `alpha`, `epsilon`, standard deviation of the logits.
const SETTINGS: [(f64, f64, f64); 2] = [(0.5, 1.0, 1.0), (0.1, 0.1, 8.0)];
const RUNS: usize = 101;

fn main() -> Result<(), OtError> {
    for (alpha, epsilon, scale) in SETTINGS {
        for (bags, n, classes) in SHAPES {
            let single = Input::draw(1, (bags, n, classes), scale);
            let double = single.widen();
            let exact = NewtonConfig { threshold: 1e-15, max_iterations: 500 };
            let exact = RotConfig { alpha, epsilon, solver: RotSolver::Newton(exact) };
            let (_, reference, _) = measure(&double, (bags, n, classes), &exact, 1)?;
            for (what, solver) in [
                ("llp-ot f32 newton", RotSolver::Newton(NewtonConfig::SINGLE)),
                ("llp-ot f32 75 sweeps", RotSolver::PAPER),
            ] {
                let config = RotConfig { alpha, epsilon, solver };
                let (ms, gradient, n_iters) = measure(&single, (bags, n, classes), &config, RUNS)?;
                let error = gradient
                    .iter()
                    .zip(&reference)
                    .map(|(a, b)| (f64::from(*a) - b).abs())
                    .fold(0.0, f64::max);
                println!(
                    r#"{{"what":"{what}","bags":{bags},"n":{n},"classes":{classes},"alpha":{alpha},"epsilon":{epsilon},"scale":{scale},"ms_median":{ms:.5},"gradient_error_max":{error:.3e},"n_iters_max":{n_iters}}}"#
                );
            }
        }
    }
    Ok(())
}

fn measure<T: Real>(
    input: &Input<T>,
    (bags, n, n_classes): (usize, usize, usize),
    config: &RotConfig,
    runs: usize,
) -> Result<(f64, Vec<T>, usize), OtError> {
    let bag_sizes = vec![n; bags];
    let batch =
        RotBatch { logits: &input.logits, bag_sizes: &bag_sizes, proportions: &input.proportions, n_classes };
    let (mut loss, mut gradient) = (vec![T::ZERO; bags], vec![T::ZERO; bags * n * n_classes]);
    let mut report = rot_loss_and_gradient(&batch, config, &mut loss, &mut gradient)?;
    let mut times: Vec<f64> = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        report = rot_loss_and_gradient(&batch, config, &mut loss, &mut gradient)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[runs / 2], gradient, report.n_iters_max))
}
