//! Writes `docs/rot-solver.md`: how many iterations Newton's method takes, and what it reaches.
//!
//! `cargo run --release -p llp-ot --example iterations_table > docs/rot-solver.md`
#![expect(clippy::print_stdout, reason = "prints a document")]

mod input;

use input::Input;
use llp_ot::{
    NewtonConfig, OtError, Proportions, RotProblem, RotSolution, SolverOutcome, solve_newton, solve_sinkhorn,
};

const SEEDS: u64 = 20;
const ALPHAS: [f64; 3] = [0.1, 0.5, 0.9];
const EPSILONS: [f64; 5] = [10.0, 1.0, 0.1, 0.01, 0.001];
/// Classes, instances.
const SHAPES: [(usize, usize); 4] = [(10, 64), (10, 1024), (100, 64), (100, 1024)];

fn main() -> Result<(), OtError> {
    println!("{INTRODUCTION}");
    for scale in [1.0, 8.0] {
        println!("\n## Logits of scale {scale}\n");
        println!(
            "| K | n | alpha | epsilon | iterations | largest gap | largest residual | 75 sweeps: largest gap |"
        );
        println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
        for (k, n) in SHAPES {
            for alpha in ALPHAS {
                for epsilon in EPSILONS {
                    println!("{}", row(k, n, (alpha, epsilon), scale, SEEDS)?);
                }
            }
        }
    }
    println!("\n## One hundred hard problems\n");
    println!("100 seeds, K = 10, n = 64, alpha = 0.1, epsilon = 0.01, once for each scale of the logits.\n");
    println!("| scale | iterations | largest gap | largest residual | 75 sweeps: largest gap |");
    println!("|--:|--:|--:|--:|--:|");
    for scale in [1.0, 8.0] {
        let row = row(10, 64, (0.1, 0.01), scale, 100)?;
        let cells: Vec<&str> = row.split('|').skip(5).collect();
        println!("| {scale} |{}", cells.join("|"));
    }
    Ok(())
}

const INTRODUCTION: &str = "# How fast the ROT solver converges

Written by `cargo run --release -p llp-ot --example iterations_table`. Each row solves 20 seeded problems in double
precision: normal logits times the scale, uniform labels, `NewtonConfig::DOUBLE` (residual at most 1e-12 n). *Iterations*
are the median and the largest number of steps of Newton's method, the two sweeps before it included. The *gap* is the
duality gap of the rescaled problem (`n / alpha` times that of the loss), the *residual* is
`max |n z exp(-f / kappa) - U 1| / n`. The last column is the gap that the 75 sweeps of Algorithm 1 leave.

The gap is quadratic in the residual: far below 1e-16, it says that the value is as good as rounding lets it be. A mark
\\* says that some problem stopped at the largest number of iterations.";

/// One line of a table.
fn row(k: usize, n: usize, (alpha, epsilon): (f64, f64), scale: f64, seeds: u64) -> Result<String, OtError> {
    let mut iterations = Vec::new();
    let (mut gap, mut residual, mut sweeps_gap) = (0.0_f64, 0.0_f64, 0.0_f64);
    let mut converged = true;
    for seed in 0..seeds {
        let input = Input::draw(1000 * seed + 1, (1, n, k), scale).widen();
        let cost: Vec<f64> = cost(&input.logits, k);
        let proportions = Proportions::new(input.proportions)?;
        let problem = RotProblem { cost: &cost, proportions: &proportions, alpha, epsilon };
        let rescaled = |solution: &RotSolution<f64>| solution.duality_gap * n as f64 / alpha;
        let solution = solve_newton(&problem, &NewtonConfig::DOUBLE)?;
        converged &= solution.outcome == SolverOutcome::Converged;
        iterations.push(solution.n_iters);
        gap = gap.max(rescaled(&solution));
        residual = residual.max(solution.residual);
        sweeps_gap = sweeps_gap.max(rescaled(&solve_sinkhorn(&problem, 75)?));
    }
    iterations.sort_unstable();
    let (median, most) = (iterations[iterations.len() / 2], iterations[iterations.len() - 1]);
    let mark = if converged { "" } else { " \\*" };
    Ok(format!(
        "| {k} | {n} | {alpha} | {epsilon} | {median}, {most}{mark} | {gap:.0e} | {residual:.0e} | {sweeps_gap:.0e} |"
    ))
}

/// `-log softmax`, `[class, instance]`.
fn cost(logits: &[f64], k: usize) -> Vec<f64> {
    let n = logits.len() / k;
    let mut cost = vec![0.0; n * k];
    for (j, row) in logits.chunks_exact(k).enumerate() {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let norm = max + row.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
        for (i, logit) in row.iter().enumerate() {
            cost[i * n + j] = norm - logit;
        }
    }
    cost
}
