//! Theorems about networks and their states.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use llp_nn::{Mode, NnError, ResNet18, ResNetConfig, Role, Stem};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const CONFIG: ResNetConfig = ResNetConfig { stem: Stem::Cifar, channels: 1, width: 4, n_classes: 3 };

fn network(seed: u64) -> ResNet18 {
    ResNet18::new(CONFIG, &mut ChaCha8Rng::seed_from_u64(seed), &Device::Cpu).unwrap()
}

fn state(network: &ResNet18) -> HashMap<String, Tensor> {
    network
        .state_dict()
        .to_tensors(7)
        .unwrap()
        .into_iter()
        .map(|(name, t)| (name, t.copy().unwrap()))
        .collect()
}

fn bits(network: &ResNet18) -> Vec<u32> {
    let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let entries = network.state_dict();
    entries.entries().iter().flat_map(|e| values(&e.var)).map(f32::to_bits).collect()
}

/// Equal seeds give equal weights, different seeds different ones.
#[test]
fn weights_depend_on_the_seed_alone() {
    assert_eq!(bits(&network(3)), bits(&network(3)));
    assert_ne!(bits(&network(3)), bits(&network(4)));
}

/// Only the last layer has a bias; everything else that is trained is a weight of a convolution or a batch norm.
#[test]
fn only_the_last_layer_has_a_bias() {
    let state = network(0).state_dict();
    let biases: Vec<_> = state.with_role(Role::Weight).filter(|e| e.name.ends_with("bias")).collect();
    assert_eq!(biases.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["fc.bias"]);
    assert_eq!(
        state.with_role(Role::Weight).count(),
        20 + 2,
        "20 convolutions and the last layer's two tensors"
    );
    assert_eq!(state.with_role(Role::BatchNorm).count(), 2 * 20);
}

/// Kaiming's "fan out" rule: the weights of a convolution have mean 0 and variance `2 / (c_out k k)`.
#[test]
fn convolutions_start_with_kaiming_variance() {
    let config = ResNetConfig { width: 32, ..CONFIG };
    let network = ResNet18::new(config, &mut ChaCha8Rng::seed_from_u64(0), &Device::Cpu).unwrap();
    for entry in network.state_dict().with_role(Role::Weight).filter(|e| e.var.rank() == 4) {
        let values: Vec<f32> = entry.var.flatten_all().unwrap().to_vec1().unwrap();
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
        let (c_out, _, k, _) = entry.var.dims4().unwrap();
        let expected = 2.0 / (c_out * k * k) as f64;
        // Five standard errors of a mean and of a variance of normals.
        assert!(mean.abs() < 5.0 * (expected / n).sqrt(), "{}", entry.name);
        assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{}", entry.name);
    }
}

/// A state dictionary carries everything: loaded into another network, it gives the same logits.
#[test]
fn a_state_dictionary_is_complete() {
    let (a, b) = (network(1), network(2));
    let images =
        Tensor::from_vec((0..2 * 64).map(|i| (i as f32 * 0.7).sin()).collect(), (2, 8, 8, 1), &Device::Cpu)
            .unwrap();
    a.forward(&images, Mode::Train).unwrap();
    b.state_dict().load(&state(&a)).unwrap();
    let logits = |n: &ResNet18| n.forward(&images, Mode::Evaluate).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(logits(&a), logits(&b));
}

/// A state that does not fit is refused with the reason, and changes nothing.
#[test]
fn a_foreign_state_is_refused_whole() {
    let b = network(2);
    let before = bits(&b);
    let mut missing = state(&network(1));
    missing.remove("layer3.0.conv2.weight");
    let mut unknown = state(&network(1));
    unknown.insert("fc2.weight".into(), Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap());
    let mut reshaped = state(&network(1));
    reshaped.insert("fc.bias".into(), Tensor::zeros(4, DType::F32, &Device::Cpu).unwrap());
    let error = |state| b.state_dict().load(&state).unwrap_err();
    assert!(matches!(error(missing), NnError::MissingTensor { name } if name == "layer3.0.conv2.weight"));
    assert!(matches!(error(unknown), NnError::UnexpectedTensor { name } if name == "fc2.weight"));
    assert_eq!(error(reshaped).to_string(), "the tensor \"fc.bias\" has shape [4], the network expects [3]");
    assert_eq!(bits(&b), before);
}

/// Every extent must be at least 1.
#[test]
fn empty_networks_are_refused() {
    let config = ResNetConfig { width: 0, ..CONFIG };
    let error = ResNet18::new(config, &mut ChaCha8Rng::seed_from_u64(0), &Device::Cpu).unwrap_err();
    assert_eq!(error.to_string(), "width must be at least 1");
}

/// Evaluation keeps no graph: its logits do not depend on any variable.
#[test]
fn evaluation_tracks_nothing() {
    let images = Tensor::zeros((1, 8, 8, 1), DType::F32, &Device::Cpu).unwrap();
    assert!(!network(0).forward(&images, Mode::Evaluate).unwrap().track_op());
}
