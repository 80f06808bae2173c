//! Every loss against PyTorch's autograd in double precision, on batches of bags of different sizes.
//!
//! The file comes from `fixtures/loss/generate.py`. For ROT it differentiates through 75 unrolled sweeps of
//! Algorithm 1, which is another way to the same gradient. Where the sweeps have not quite converged the ways
//! part: by 1e-7 at `epsilon = 1`, by 1e-5 at `epsilon = 0.5` with `alpha = 0.1`; the values agree better, since
//! an error of the coupling enters them squared.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Var};
use llp_loss::{AvgKl, BagLoss, BagTargets, Gaussian, Kl, L1, L2, Moments, Multinomial, Rot, Saddlepoint};
use llp_ot::{NewtonConfig, Proportions, RotConfig, RotSolver};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// Absolute tolerances.
#[derive(Clone, Copy)]
struct Tolerance {
    value: f64,
    gradient: f64,
}

/// The losses that a name in the file means.
fn losses(name: &str) -> Vec<(Box<dyn BagLoss>, Tolerance)> {
    let exact = Tolerance { value: 1e-12, gradient: 1e-12 };
    // Linear systems and divisions on the way.
    let close = Tolerance { value: 1e-9, gradient: 1e-8 };
    match name {
        "kl" => vec![(Box::new(Kl), exact)],
        "avg_kl" => vec![(Box::new(AvgKl), exact)],
        "l1" => vec![(Box::new(L1), exact)],
        "l2" => vec![(Box::new(L2), exact)],
        "multinomial" => vec![(Box::new(Multinomial), close)],
        "gaussian" => vec![(Box::new(Gaussian), close)],
        "saddlepoint" => vec![(Box::new(Saddlepoint), close)],
        "moments 2" => vec![(Box::new(Moments { order: 2 }), close)],
        "moments 3" => vec![(Box::new(Moments { order: 3 }), close)],
        rot => {
            let parameter = |key: &str| -> f64 {
                let (_, rest) = rot.split_once(&format!("{key}=")).unwrap();
                rest.split_whitespace().next().unwrap().parse().unwrap()
            };
            let (alpha, epsilon) = (parameter("alpha"), parameter("epsilon"));
            let gradient = if epsilon < 1.0 { 1e-5 } else { 1e-7 };
            let rot = |solver, value| -> (Box<dyn BagLoss>, Tolerance) {
                (
                    Box::new(Rot { config: RotConfig { alpha, epsilon, solver } }),
                    Tolerance { value, gradient },
                )
            };
            let sweeps = RotSolver::Sinkhorn { n_iters: 75 };
            vec![rot(sweeps, 1e-10), rot(RotSolver::Newton(NewtonConfig::DOUBLE), 1e-7)]
        }
    }
}

#[test]
fn losses_and_gradients_agree_with_pytorch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/loss/losses.json");
    let file: Value = serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap();
    let mut compared = std::collections::BTreeMap::<String, usize>::new();
    for (index, problem) in file["problems"].as_array().unwrap().iter().enumerate() {
        let sizes = numbers(&problem["bag_sizes"]).iter().map(|size| *size as usize).collect();
        let proportions: Vec<Proportions> =
            rows(&problem["proportions"]).into_iter().map(|z| Proportions::new(z).unwrap()).collect();
        let targets = BagTargets::new(sizes, &proportions).unwrap();
        let logits: Vec<f64> = rows(&problem["logits"]).concat();
        let shape = (targets.n_instances(), targets.n_classes());
        for (name, expected) in problem["losses"].as_object().unwrap() {
            for (loss, tolerance) in losses(name) {
                let logits = Var::from_vec(logits.clone(), shape, &Device::Cpu).unwrap();
                let values = loss.forward(&logits, &targets).unwrap();
                let gradients = values.sum_all().unwrap().backward().unwrap();
                let gradient =
                    gradients.get(&logits).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let what = format!("problem {index}, {name}, {loss:?}");
                assert_close(
                    &what,
                    &values.to_vec1().unwrap(),
                    &numbers(&expected["values"]),
                    tolerance.value,
                );
                assert_close(&what, &gradient, &rows(&expected["gradient"]).concat(), tolerance.gradient);
                *compared.entry(name.clone()).or_default() += 1;
            }
        }
    }
    assert_eq!(compared.len(), 15, "kl, avg_kl, l1, l2, five of counts and six ROT settings: {compared:?}");
}

fn assert_close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance, "{what}: got {got}, expected {expected}");
    }
}
