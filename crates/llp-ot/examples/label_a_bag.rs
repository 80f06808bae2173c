//! Labels the instances of a bag from a model's probabilities and the known class counts.
#![expect(clippy::print_stdout, reason = "prints its result")]

use llp_ot::{NewtonConfig, OtError, Proportions, RotProblem, assign, round_coupling, solve_newton};

fn main() -> Result<(), OtError> {
    // A model that likes the first class too much: probabilities of 6 instances, [class, instance].
    let probs = [
        [0.80, 0.75, 0.70, 0.60, 0.55, 0.50],
        [0.15, 0.05, 0.20, 0.30, 0.15, 0.45],
        [0.05, 0.20, 0.10, 0.10, 0.30, 0.05],
    ];
    let counts = [2, 2, 2];
    let cost: Vec<f64> = probs.as_flattened().iter().map(|p: &f64| -p.ln()).collect();
    let proportions = Proportions::from_counts(&counts)?;
    let problem = RotProblem { cost: &cost, proportions: &proportions, alpha: 0.1, epsilon: 1.0 };
    let soft = solve_newton(&problem, &NewtonConfig::DOUBLE)?;
    for (class, row) in soft.coupling.chunks_exact(6).enumerate() {
        println!("class {class}: {row:.2?}");
    }
    println!("gap {:.0e} after {} steps", soft.duality_gap, soft.n_iters);
    println!("most likely labels with these counts: {:?}", assign(&cost, &counts)?.labels);
    let rounded = round_coupling(&soft.coupling, &counts)?;
    println!("most right labels expected: {:?}, {:.0} %", rounded.labels, 100.0 * rounded.objective);
    Ok(())
}
