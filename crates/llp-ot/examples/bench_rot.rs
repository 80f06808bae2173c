//! Times the ROT loss with its gradient, and measures the error of the gradient: one JSON line per shape and setting.
//!
//! Run with `cargo run --release -p llp-ot --all-features --example bench_rot`. The inputs are those of
//! `xtask/peers/rot_peers.py`, drawn by the same generator.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::time::Instant;

use llp_ot::{NewtonConfig, OtError, Real, RotBatch, RotConfig, RotSolver, rot_loss_and_gradient};

/// Bags, instances per bag, classes.
const SHAPES: [(usize, usize, usize); 5] =
    [(16, 64, 10), (64, 16, 10), (1, 1024, 10), (16, 64, 100), (1, 1024, 100)];
/// `alpha`, `epsilon`, standard deviation of the logits.
const SETTINGS: [(f64, f64, f64); 2] = [(0.5, 1.0, 1.0), (0.1, 0.1, 8.0)];
const RUNS: usize = 101;

struct Input<T> {
    logits: Vec<T>,
    proportions: Vec<T>,
}

fn main() -> Result<(), OtError> {
    for (alpha, epsilon, scale) in SETTINGS {
        for (bags, n, classes) in SHAPES {
            let single = input(bags, n, classes, scale);
            let double = Input { logits: widen(&single.logits), proportions: widen(&single.proportions) };
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

/// Normal logits times `scale`, then one uniform label per instance, from which the proportions are counted.
fn input(bags: usize, n: usize, classes: usize, scale: f64) -> Input<f32> {
    let mut random = SplitMix(1);
    let logits = (0..bags * n * classes).map(|_| (scale * random.normal()) as f32).collect();
    let mut proportions = vec![0.0; bags * classes];
    for bag in 0..bags {
        for _ in 0..n {
            proportions[bag * classes + random.below(classes)] += 1.0 / n as f32;
        }
    }
    Input { logits, proportions }
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// `SplitMix64`.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In `(0, 1]`.
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller's transform, its cosine half.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
