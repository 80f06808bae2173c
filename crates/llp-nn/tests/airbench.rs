//! Airbench against PyTorch: the same weights give the same logits, gradients, running statistics and training.
//!
//! The files come from `fixtures/airbench/generate.py`, computed in double precision. PyTorch's own single precision differs
//! from them by at most 3.5e-6 in logits, 1.2e-5 in gradients and 1.6e-5 after ten steps, relative to the largest value of a
//! tensor.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, safetensors};
use llp_kernels::{Sgd, SgdConfig, backward};
use llp_nn::{Airbench, AirbenchConfig, Mode, Role};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const LOGITS: f64 = 2e-5;
const GRADIENTS: f64 = 1e-4;

/// Winograd's sums round a few bits more than direct ones.
const TRAINED: f64 = 2e-4;

struct Golden {
    network: Airbench,
    values: HashMap<String, Tensor>,
}

impl Golden {
    fn load(file: &str) -> Self {
        let path = format!("{}/../../fixtures/airbench/{file}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let (values, state): (HashMap<_, _>, HashMap<_, _>) = safetensors::load(path, &Device::Cpu)
            .unwrap()
            .into_iter()
            .partition(|(name, _)| name.starts_with("golden."));
        let values: HashMap<String, Tensor> =
            values.into_iter().map(|(name, value)| (name["golden.".len()..].to_owned(), value)).collect();
        let width = |block: usize| state[&format!("block{block}.conv1.weight")].dim(0).unwrap();
        let config = AirbenchConfig {
            channels: values["input"].dim(1).unwrap(),
            widths: [1, 2, 3].map(width),
            n_classes: state["head.weight"].dim(0).unwrap(),
        };
        let network = Airbench::new(config, &mut ChaCha8Rng::seed_from_u64(1), &Device::Cpu).unwrap();
        network.state_dict().load(&state).unwrap();
        Self { network, values }
    }

    fn images(&self) -> Tensor {
        self.values["input"].permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
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

    /// Cross-entropy of the proportions of two bags, the halves of the batch, and their mean predictions.
    fn loss(&self, logits: &Tensor) -> Tensor {
        let (n, classes) = logits.dims2().unwrap();
        let shifted = logits.broadcast_sub(&logits.max_keepdim(1).unwrap().detach()).unwrap().exp().unwrap();
        let probs = shifted.broadcast_div(&shifted.sum_keepdim(1).unwrap()).unwrap();
        let mean = probs.reshape((2, n / 2, classes)).unwrap().mean(1).unwrap();
        let terms =
            (mean.log().unwrap() * &self.values["proportions"].to_dtype(DType::F32).unwrap()).unwrap();
        (terms.sum_all().unwrap() / -2.0).unwrap()
    }
}

const FILES: [&str; 4] = ["rgb16", "gray10", "rgb24", "gray8"];

/// Evaluation mode gives PyTorch's logits, and leaves the running statistics alone.
#[test]
fn evaluation_agrees_with_pytorch() {
    for golden in FILES.map(Golden::load) {
        for _ in 0..2 {
            let logits = golden.network.forward(&golden.images(), Mode::Evaluate).unwrap();
            golden.assert_close("logits_eval", &logits, LOGITS);
        }
    }
}

/// Training mode gives PyTorch's logits, gradients of all trained parameters, and running statistics; the whitening gets no
/// gradient.
#[test]
fn training_agrees_with_pytorch() {
    for golden in FILES.map(Golden::load) {
        let logits = golden.network.forward(&golden.images(), Mode::Train).unwrap();
        golden.assert_close("logits_train", &logits, LOGITS);
        let weights = golden.values["weights"].to_dtype(DType::F32).unwrap();
        let gradients = backward(&(logits * weights).unwrap().sum_all().unwrap()).unwrap();
        for entry in golden.network.state_dict().entries() {
            match entry.role {
                Role::RunningStatistic => {
                    golden.assert_close(&format!("after.{}", entry.name), &entry.var, GRADIENTS);
                }
                Role::Frozen => assert!(gradients.get(&entry.var).is_none(), "{}", entry.name),
                _ => {
                    let gradient = gradients.get(&entry.var).unwrap_or_else(|| panic!("no {}", entry.name));
                    golden.assert_close(&format!("grad.{}", entry.name), gradient, GRADIENTS);
                }
            }
        }
    }
}

/// Ten steps of Nesterov's momentum on the loss of two bags follow PyTorch's.
#[test]
fn ten_steps_agree_with_pytorch() {
    for file in FILES {
        let golden = Golden::load(file);
        let state = golden.network.state_dict();
        let trained = state.entries().iter().filter(|e| matches!(e.role, Role::Weight | Role::BatchNorm));
        let config = SgdConfig { momentum: 0.85, weight_decay: 0.0, nesterov: true };
        let mut sgd = Sgd::new(trained.map(|entry| entry.var.clone()), [], config).unwrap();
        let images = golden.images();
        let mut losses = Vec::new();
        for _ in 0..10 {
            let loss = golden.loss(&golden.network.forward(&images, Mode::Train).unwrap());
            losses.push(loss.to_scalar::<f32>().unwrap());
            sgd.step(&backward(&loss).unwrap(), 1.0).unwrap();
        }
        golden.assert_close("sgd.losses", &Tensor::new(losses, &Device::Cpu).unwrap(), TRAINED);
        for entry in state.entries() {
            let name = format!("sgd.{}", entry.name);
            if golden.values.contains_key(&name) {
                golden.assert_close(&name, &entry.var, TRAINED);
            }
        }
    }
}

/// Images that are too small or not square, and a whitening of other patches, are refused.
#[test]
fn what_does_not_fit_is_refused() {
    let config = AirbenchConfig { channels: 1, widths: [2, 2, 2], n_classes: 2 };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let network = Airbench::new(config, &mut rng, &Device::Cpu).unwrap();
    for (height, width) in [(7, 7), (9, 8)] {
        let images = Tensor::zeros((2, height, width, 1), DType::F32, &Device::Cpu).unwrap();
        let refused = network.forward(&images, Mode::Evaluate).unwrap_err().to_string();
        assert!(refused.contains("needs square ones of at least"), "{refused}");
    }
    let refused = network.set_whitening(&[0.0; 12]).unwrap_err().to_string();
    assert!(refused.starts_with("an instance has 12 numbers, the network expects 16"), "{refused}");
    let zero = AirbenchConfig { widths: [2, 0, 2], ..config };
    let refused = Airbench::new(zero, &mut rng, &Device::Cpu).unwrap_err().to_string();
    assert_eq!(refused, "widths must be at least 1");
}
