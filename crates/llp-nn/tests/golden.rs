//! ResNet-18 against PyTorch: the same weights give the same logits, gradients, running statistics and training.
//!
//! The files come from `fixtures/resnet/generate.py`, computed in double precision. Tolerances are relative to
//! the largest value of a tensor: PyTorch's own single precision differs from the files by at most 4e-6.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use candle_core::{D, DType, Device, Tensor, safetensors};
use llp_kernels::{Sgd, SgdConfig};
use llp_nn::{Mode, ResNet18, ResNetConfig, Role, Stem};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const TOLERANCE: f64 = 2e-5;

struct Golden {
    network: ResNet18,
    values: HashMap<String, Tensor>,
}

impl Golden {
    fn load(file: &str, stem: Stem) -> Self {
        let path = format!("{}/../../fixtures/resnet/{file}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let (values, state): (HashMap<_, _>, HashMap<_, _>) = safetensors::load(path, &Device::Cpu)
            .unwrap()
            .into_iter()
            .partition(|(name, _)| name.starts_with("golden."));
        let config = ResNetConfig { stem, channels: 3, width: 8, n_classes: 10 };
        let network = ResNet18::new(config, &mut ChaCha8Rng::seed_from_u64(1), &Device::Cpu).unwrap();
        network.state_dict().load(&state).unwrap();
        let values =
            values.into_iter().map(|(name, value)| (name["golden.".len()..].to_owned(), value)).collect();
        Self { network, values }
    }

    fn images(&self) -> Tensor {
        self.values["input"].permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
    }

    fn cross_entropy(&self, logits: &Tensor) -> Tensor {
        let max = logits.max_keepdim(D::Minus1).unwrap().detach();
        let shifted = logits.broadcast_sub(&max).unwrap();
        let normalizer = shifted.exp().unwrap().sum_keepdim(D::Minus1).unwrap().log().unwrap();
        let log_probs = shifted.broadcast_sub(&normalizer).unwrap();
        let targets = self.values["targets"].unsqueeze(1).unwrap();
        log_probs.gather(&targets, 1).unwrap().mean_all().unwrap().neg().unwrap()
    }

    fn assert_close(&self, name: &str, got: &Tensor, tolerance: f64) {
        let numbers = |tensor: &Tensor| -> Vec<f64> {
            tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
        };
        let (expected, got) = (numbers(&self.values[name]), numbers(got));
        assert_eq!(expected.len(), got.len(), "{name}");
        let scale = expected.iter().fold(0.0_f64, |max, value| max.max(value.abs()));
        let error = expected.iter().zip(&got).fold(0.0_f64, |max, (a, b)| max.max((a - b).abs()));
        assert!(error <= tolerance * scale, "{name}: off by {error:e}, largest value {scale:e}");
    }
}

/// Evaluation mode gives PyTorch's logits, and leaves the running statistics alone.
fn evaluation_agrees(file: &str, stem: Stem) {
    let golden = Golden::load(file, stem);
    for _ in 0..2 {
        let logits = golden.network.forward(&golden.images(), Mode::Evaluate).unwrap();
        golden.assert_close("logits_eval", &logits, TOLERANCE);
    }
}

/// Training mode gives PyTorch's logits, loss, gradients and running statistics.
fn training_agrees(file: &str, stem: Stem) {
    let golden = Golden::load(file, stem);
    let state = golden.network.state_dict();
    let logits = golden.network.forward(&golden.images(), Mode::Train).unwrap();
    golden.assert_close("logits_train", &logits, TOLERANCE);
    let loss = golden.cross_entropy(&logits);
    golden.assert_close("loss_train", &loss, TOLERANCE);
    let gradients = loss.backward().unwrap();
    let mut checked = 0;
    for entry in state.entries() {
        for (name, value) in [
            (format!("grad.{}", entry.name), gradients.get(&entry.var)),
            (format!("after.{}", entry.name), Some(entry.var.as_tensor())),
        ] {
            if golden.values.contains_key(&name) {
                golden.assert_close(&name, value.unwrap_or_else(|| panic!("no {name}")), TOLERANCE);
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "only {checked} tensors were compared");
}

/// Ten steps of SGD follow PyTorch's: the same losses before each step, the same weights after the last.
fn ten_steps_agree(file: &str, stem: Stem) {
    let golden = Golden::load(file, stem);
    let state = golden.network.state_dict();
    let trained = |role| state.with_role(role).map(|entry| entry.var.clone()).collect::<Vec<_>>();
    let decayed = [trained(Role::Weight), trained(Role::BatchNorm)].concat();
    let mut sgd =
        Sgd::new(decayed, [], SgdConfig { momentum: 0.9, weight_decay: 0.005, nesterov: false }).unwrap();
    let images = golden.images();
    let mut losses = Vec::new();
    for _ in 0..10 {
        let loss = golden.cross_entropy(&golden.network.forward(&images, Mode::Train).unwrap());
        losses.push(loss.to_scalar::<f32>().unwrap());
        sgd.step(&loss.backward().unwrap(), 0.05).unwrap();
    }
    // Rounding grows from step to step, so this is wider than for a single pass.
    golden.assert_close("losses", &Tensor::new(losses, &Device::Cpu).unwrap(), 10.0 * TOLERANCE);
    for name in ["conv1.weight", "bn1.weight", "fc.weight"] {
        let entry = state.entries().iter().find(|entry| entry.name == name).unwrap();
        golden.assert_close(&format!("trained.{name}"), &entry.var, 10.0 * TOLERANCE);
    }
}

#[test]
fn evaluation_agrees_with_pytorch() {
    evaluation_agrees("cifar_w8", Stem::Cifar);
    evaluation_agrees("imagenet_w8", Stem::ImageNet);
}

#[test]
fn training_agrees_with_pytorch() {
    training_agrees("cifar_w8", Stem::Cifar);
    training_agrees("imagenet_w8", Stem::ImageNet);
}

#[test]
fn ten_optimizer_steps_agree_with_pytorch() {
    ten_steps_agree("cifar_w8", Stem::Cifar);
    ten_steps_agree("imagenet_w8", Stem::ImageNet);
}
