//! Multilayer perceptrons against PyTorch and against finite differences.
//!
//! The files come from `fixtures/mlp/generate.py`, computed in double precision. Tolerances are relative to the largest
//! value of a tensor; sums of a few dozen products in single precision are good to a few 1e-7.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use candle_core::{D, DType, Device, Tensor, safetensors};
use llp_kernels::{Sgd, SgdConfig, backward};
use llp_nn::{Mlp, MlpConfig, Mode, Network, Role};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn mlp(depth: usize) -> Mlp {
    let config = MlpConfig { n_inputs: 7, hidden: 16, depth, n_classes: 3 };
    Mlp::new(config, &mut ChaCha8Rng::seed_from_u64(5), &Device::Cpu).unwrap()
}

fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Tensor {
    let normalizer = logits.exp().unwrap().sum_keepdim(D::Minus1).unwrap().log().unwrap();
    let log_probs = logits.broadcast_sub(&normalizer).unwrap();
    log_probs.gather(&targets.unsqueeze(1).unwrap(), 1).unwrap().mean_all().unwrap().neg().unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

fn assert_close(name: &str, got: &Tensor, expected: &Tensor, tolerance: f64) {
    let (got, expected) = (numbers(got), numbers(expected));
    assert_eq!(got.len(), expected.len(), "{name}");
    let scale = expected.iter().fold(0.0_f64, |max, value| max.max(value.abs()));
    let error = expected.iter().zip(&got).fold(0.0_f64, |max, (a, b)| max.max((a - b).abs()));
    assert!(error <= tolerance * scale, "{name}: off by {error:e}, largest value {scale:e}");
}

/// PyTorch's weights give its logits, loss and gradients, and three steps of SGD its trained weights.
#[test]
fn agrees_with_pytorch() {
    for depth in [0, 2] {
        let path = format!("{}/../../fixtures/mlp/depth{depth}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let (golden, state): (HashMap<_, _>, HashMap<_, _>) = safetensors::load(path, &Device::Cpu)
            .unwrap()
            .into_iter()
            .partition(|(name, _)| name.starts_with("golden."));
        let golden = |name: &str| &golden[&format!("golden.{name}")];
        let network = Network::from(mlp(depth));
        network.state_dict().load(&state).unwrap();
        let entries = network.state_dict();
        let loss = || {
            let logits = network.forward(golden("input"), Mode::Train).unwrap();
            (cross_entropy(&logits, golden("targets")), logits)
        };

        let (first, logits) = loss();
        assert_close("logits", &logits, golden("logits"), 1e-6);
        assert_close("loss", &first, golden("loss"), 1e-6);
        let gradients = backward(&first).unwrap();
        for entry in entries.entries() {
            let name = format!("grad.{}", entry.name);
            assert_close(&name, gradients.get(&entry.var).unwrap(), golden(&name), 5e-6);
        }
        let weights = entries.with_role(Role::Weight).map(|entry| entry.var.clone());
        let mut sgd =
            Sgd::new(weights, [], SgdConfig { momentum: 0.9, weight_decay: 0.005, nesterov: false }).unwrap();
        for _ in 0..3 {
            sgd.step(&backward(&loss().0).unwrap(), 0.1).unwrap();
        }
        for entry in entries.entries() {
            let name = format!("trained.{}", entry.name);
            assert_close(&name, &entry.var, golden(&name), 1e-5);
        }
    }
}

/// The gradient of every parameter is the slope of the loss over steps of 1e-3, to one side at least: the loss is linear in
/// each weight until a unit changes sides, which within such a step happens to one side of a weight or not at all. The
/// rounding of the loss, 1e-6, over the step leaves an error of 1e-3.
#[test]
fn gradients_are_slopes() {
    let network = mlp(2);
    let inputs: Vec<f32> = (0..5 * 7).map(|i| (i as f32 * 0.7).sin()).collect();
    let inputs = Tensor::from_vec(inputs, (5, 7), &Device::Cpu).unwrap();
    let weights =
        Tensor::from_vec((0..15).map(|i| (i as f32).cos()).collect(), (5, 3), &Device::Cpu).unwrap();
    let loss = |mode| (network.forward(&inputs, mode).unwrap() * &weights).unwrap().sum_all().unwrap();
    let gradients = backward(&loss(Mode::Train)).unwrap();
    for entry in network.state_dict().entries() {
        let start: Vec<f32> = entry.var.flatten_all().unwrap().to_vec1().unwrap();
        let expected = numbers(gradients.get(&entry.var).unwrap());
        for place in (0..start.len()).step_by(5) {
            let moved = |by: f32| {
                let mut values = start.clone();
                values[place] += by;
                entry.var.set(&Tensor::from_vec(values, entry.var.shape(), &Device::Cpu).unwrap()).unwrap();
                f64::from(loss(Mode::Evaluate).to_scalar::<f32>().unwrap())
            };
            let [left, middle, right] = [-1e-3, 0.0, 1e-3].map(moved);
            moved(0.0);
            let errors = [middle - left, right - middle].map(|rise| (rise / 1e-3 - expected[place]).abs());
            assert!(errors[0].min(errors[1]) < 5e-3, "{}[{place}]: {errors:?}", entry.name);
        }
    }
}

/// Weights and biases start uniform on `[-1/sqrt(fan_in), 1/sqrt(fan_in)]`; every mode gives the same logits.
#[test]
fn starts_as_in_pytorch() {
    let config = MlpConfig { n_inputs: 200, hidden: 300, depth: 2, n_classes: 3 };
    let network = Mlp::new(config, &mut ChaCha8Rng::seed_from_u64(0), &Device::Cpu).unwrap();
    for (name, fan_in) in [("layers.0", 200.0), ("layers.1", 300.0)] {
        let state = network.state_dict();
        let values = |kind: &str| {
            let name = format!("{name}.{kind}");
            numbers(&state.entries().iter().find(|entry| entry.name == name).unwrap().var)
        };
        let (weights, bound) = (values("weight"), 1.0 / f64::sqrt(fan_in));
        let variance = weights.iter().map(|w| w * w).sum::<f64>() / weights.len() as f64;
        // 60,000 draws know their variance to half a percent.
        assert!((variance * fan_in * 3.0 - 1.0).abs() < 0.03, "{variance}");
        assert!(weights.iter().chain(&values("bias")).all(|value| value.abs() <= bound * (1.0 + 1e-6)));
    }
    let inputs = Tensor::ones((4, 200), DType::F32, &Device::Cpu).unwrap();
    let logits = |mode| numbers(&network.forward(&inputs, mode).unwrap());
    assert_eq!(logits(Mode::Train), logits(Mode::Evaluate));
    assert_eq!(logits(Mode::Preview), logits(Mode::Evaluate));
}

/// Images are rows of their pixels; instances of another length are refused.
#[test]
fn images_are_flattened() {
    let config = MlpConfig::linear(12, 2);
    let network = Mlp::new(config, &mut ChaCha8Rng::seed_from_u64(0), &Device::Cpu).unwrap();
    let images = Tensor::arange(0.0_f32, 24.0, &Device::Cpu).unwrap().reshape((2, 2, 2, 3)).unwrap();
    let rows = images.reshape((2, 12)).unwrap();
    let logits = |x| numbers(&network.forward(x, Mode::Evaluate).unwrap());
    assert_eq!(logits(&images), logits(&rows));
    let refused = network.forward(&images.reshape((4, 6)).unwrap(), Mode::Evaluate).unwrap_err();
    assert!(refused.to_string().starts_with("an instance has 6 numbers, the network expects 12"));
}
