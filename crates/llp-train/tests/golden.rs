//! A checkpoint that was written once, and what PyTorch made of it.
//!
//! `fixtures/checkpoint` holds a checkpoint, images, and this project's logits for them; its script loaded the weights
//! into torchvision's ResNet-18 with `strict=True` and left its findings in `last_result.json`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor, safetensors};
use llp_nn::Mode;
use llp_train::export::onnx::onnx;
use llp_train::{Checkpoint, Predictor, build_network};
use sha2::{Digest as _, Sha256};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoint")
}

fn tensor(name: &str) -> Tensor {
    safetensors::load(folder().join(format!("{name}.safetensors")), &Device::Cpu)
        .unwrap()
        .remove(name)
        .unwrap()
}

/// Checkpoints of this format stay readable, and give the logits that PyTorch gives for the same weights: ours are
/// compared with the file to rounding, PyTorch's were to 1e-4.
#[test]
fn a_checkpoint_gives_the_logits_of_pytorch() {
    let Checkpoint { state, weights, optimizer, .. } = Checkpoint::read(&folder().join("e0020")).unwrap();
    assert!(optimizer.is_none(), "a complete run keeps no optimizer");
    let network =
        build_network(&state.network, state.shape, state.class_names.len(), 0, &Device::Cpu).unwrap();
    network.state_dict().load(&weights).unwrap();
    let images = tensor("input").permute((0, 2, 3, 1)).unwrap().contiguous().unwrap();
    let logits = network.forward(&images, Mode::Evaluate).unwrap();
    let difference = (&logits - tensor("logits")).unwrap().abs().unwrap().max_all().unwrap();
    // Logits are of order 10; other processors round sums of products differently.
    assert!(difference.to_scalar::<f32>().unwrap() < 1e-4);

    let result = fs_err::read_to_string(folder().join("last_result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!((result["strict"].as_bool(), result["agrees"].as_bool()), (Some(true), Some(true)));
    assert_eq!(result["n_tensors"].as_u64(), Some(weights.len() as u64));
    assert!(result["max_abs_difference"].as_f64().unwrap() <= 1e-4);
}

/// The ONNX files of small checkpoints, of both stems and of a perceptron, are those that onnxruntime gave this project's
/// logits for: `fixtures/onnx/check.py` wrote down their checksums.
#[test]
fn onnx_files_are_those_that_onnxruntime_agreed_on() {
    let result = fs_err::read_to_string(folder().join("../onnx/last_result.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&result).unwrap();
    for (name, place) in [("cifar", folder().join("e0020")), ("imagenet", folder().join("../onnx/imagenet"))]
    {
        let file = onnx(&Predictor::open(&place, &Device::Cpu).unwrap()).unwrap();
        let sha256 = Sha256::digest(&file).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let result = &results[name];
        assert_eq!(
            (result["agrees"].as_bool(), result["sha256"].as_str()),
            (Some(true), Some(&*sha256)),
            "{name}"
        );
    }
}
