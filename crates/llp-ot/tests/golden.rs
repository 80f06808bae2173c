//! Golden problems from POT, an independent Newton method and PyTorch: see `fixtures/rot/generate.py`.
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod problems;
#[path = "../examples/input/split_mix.rs"]
mod split_mix;

use llp_ot::{
    NewtonConfig, Proportions, RotBatch, RotConfig, RotProblem, RotSolver, SolverOutcome,
    rot_loss_and_gradient, solve_newton,
};
use problems::{cost_of, coupling_of, largest_difference};
use serde_json::Value;
use split_mix::SplitMix;

/// Absolute, on values of order 1 and couplings in [0, 1].
const TOLERANCE: f64 = 1e-9;

struct Golden {
    record: Value,
    logits: Vec<f64>,
    proportions: Proportions,
}

impl Golden {
    fn number(&self, key: &str) -> f64 {
        self.record[key].as_f64().unwrap()
    }

    fn size(&self, key: &str) -> usize {
        usize::try_from(self.record[key].as_u64().unwrap()).unwrap()
    }

    fn numbers(&self, key: &str) -> Option<Vec<f64>> {
        let values = self.record[key].as_array()?;
        Some(values.iter().map(|value| value.as_f64().unwrap_or(f64::NEG_INFINITY)).collect())
    }
}

fn golden() -> Vec<Golden> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/rot/problems.json");
    #[expect(clippy::disallowed_methods, reason = "the path is part of the message")]
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file: Value = serde_json::from_str(&text).unwrap();
    file["problems"].as_array().unwrap().iter().map(load).collect()
}

fn load(record: &Value) -> Golden {
    let counts: Vec<u32> = record["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| u32::try_from(count.as_u64().unwrap()).unwrap())
        .collect();
    let mut golden = Golden {
        record: record.clone(),
        logits: Vec::new(),
        proportions: Proportions::from_counts(&counts).unwrap(),
    };
    let (k, n) = (golden.size("n_classes"), golden.size("n_instances"));
    let mut random = SplitMix(record["seed"].as_u64().unwrap());
    let scale = golden.number("scale");
    golden.logits = (0..n * k)
        .map(|_| {
            let u: [f64; 4] = std::array::from_fn(|_| random.uniform());
            scale * ((u[0] + u[1]) + (u[2] + u[3]) - 2.0)
        })
        .collect();
    let present = golden.size("n_present") as u64;
    let mut drawn = vec![0; k];
    for _ in 0..n {
        drawn[usize::try_from(random.next() % present).unwrap()] += 1;
    }
    assert_eq!(drawn, counts, "the two generators disagree");
    golden
}

impl SplitMix {
    /// In `[0, 1)`.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Theorem: value and coupling are those of POT (epsilon >= 0.1) and of an independent Newton method (below).
#[test]
fn value_and_coupling_agree_with_independent_solvers() {
    let problems = golden();
    assert!(problems.len() >= 100);
    for golden in &problems {
        let (k, epsilon) = (golden.size("n_classes"), golden.number("epsilon"));
        let cost = cost_of(&golden.logits, k);
        let problem = RotProblem {
            cost: &cost,
            proportions: &golden.proportions,
            alpha: golden.number("alpha"),
            epsilon,
        };
        let solution = solve_newton(&problem, &NewtonConfig::DOUBLE).unwrap();
        let context = golden.record["seed"].to_string();
        assert_eq!(solution.outcome, SolverOutcome::Converged, "problem {context}");
        assert!((solution.objective - golden.number("loss")).abs() <= TOLERANCE, "problem {context}");
        let from_potentials = coupling_of(&golden.numbers("potentials").unwrap(), &cost, epsilon);
        let error = largest_difference(&solution.coupling, &from_potentials);
        assert!(error <= TOLERANCE, "problem {context}: {error}");
        if let Some(coupling) = golden.numbers("coupling") {
            assert!(largest_difference(&solution.coupling, &coupling) <= TOLERANCE, "problem {context}");
        }
    }
}

/// Theorem: the gradient of the logits is that of PyTorch through 2,000 sweeps of Algorithm 1, where they
/// converge.
#[test]
fn gradient_agrees_with_unrolled_sweeps() {
    let mut n_checked = 0;
    for golden in golden() {
        let Some(expected) = golden.numbers("unrolled_gradient") else { continue };
        let batch = RotBatch {
            logits: &golden.logits,
            bag_sizes: &[golden.size("n_instances")],
            proportions: golden.proportions.as_slice(),
            n_classes: golden.size("n_classes"),
        };
        let config = RotConfig {
            alpha: golden.number("alpha"),
            epsilon: golden.number("epsilon"),
            solver: RotSolver::Newton(NewtonConfig::DOUBLE),
        };
        let (mut loss, mut gradient) = ([0.0], vec![0.0; expected.len()]);
        rot_loss_and_gradient(&batch, &config, &mut loss, &mut gradient).unwrap();
        assert!((loss[0] - golden.number("loss")).abs() <= TOLERANCE);
        assert!(largest_difference(&gradient, &expected) <= TOLERANCE, "problem {}", golden.record["seed"]);
        n_checked += 1;
    }
    assert!(n_checked >= 10);
}
