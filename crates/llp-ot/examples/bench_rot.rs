//! Times the ROT loss with its gradient, and measures the error of the gradient.
//!
//! Reads rows `BAGS INSTANCES CLASSES ALPHA EPSILON SCALE` from standard input, such as `16 64 10 0.5 1 1`; the last is
//! the standard deviation of the logits. For each it prints one JSON line per solver, with the median of the
//! milliseconds, then an empty line. `cargo xtask bench rot` asks it and its peers in turn; `xtask/peers/rot_peers.py`
//! draws the same inputs by the same generator.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

mod input;

use std::error::Error;
use std::time::Instant;

use input::Input;
use llp_ot::{NewtonConfig, OtError, Real, RotBatch, RotConfig, RotSolver, rot_loss_and_gradient};

const RUNS: usize = 101;

fn main() -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lines() {
        let line = line?;
        // From inside of the pool, as a training calls it: to hand work over from outside costs tens of microseconds.
        rayon::scope(|_| answer(&line).map_err(|error| error.to_string()))?;
        println!();
    }
    Ok(())
}

fn answer(row: &str) -> Result<(), Box<dyn Error>> {
    let words: Vec<&str> = row.split_whitespace().collect();
    let [bags, n, classes, alpha, epsilon, scale] = words[..] else {
        return Err(format!("expected BAGS INSTANCES CLASSES ALPHA EPSILON SCALE, got {row:?}").into());
    };
    let shape = (bags.parse()?, n.parse()?, classes.parse()?);
    let (alpha, epsilon) = (alpha.parse()?, epsilon.parse()?);
    let single = Input::draw(1, shape, scale.parse()?);
    let exact = NewtonConfig { threshold: 1e-15, max_iterations: 500 };
    let exact = RotConfig { alpha, epsilon, solver: RotSolver::Newton(exact) };
    let (_, reference, _) = measure(&single.widen(), shape, &exact, 1)?;
    for (what, solver) in [
        ("llp-ot f32 newton", RotSolver::Newton(NewtonConfig::SINGLE)),
        ("llp-ot f32 75 sweeps", RotSolver::PAPER),
    ] {
        let (ms, gradient, n_iters) = measure(&single, shape, &RotConfig { alpha, epsilon, solver }, RUNS)?;
        let errors = gradient.iter().zip(&reference).map(|(a, b)| (f64::from(*a) - b).abs());
        let error = errors.fold(0.0, f64::max);
        println!(
            r#"{{"what":"{what}","ms_median":{ms:.5},"gradient_error_max":{error:.3e},"n_iters_max":{n_iters}}}"#
        );
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
