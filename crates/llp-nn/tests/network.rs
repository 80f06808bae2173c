//! Theorems about networks and their states.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use llp_nn::{Mode, Part, ResNet18, ResNetConfig, Role, Stem};
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
    assert!(error(missing).to_string().starts_with("the tensor \"layer3.0.conv2.weight\" is missing"));
    assert!(error(unknown).to_string().starts_with("the tensor \"fc2.weight\" is not part"));
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

/// Whatever is frozen, up to and with a part, is left alone by a training pass: no statistic moves, no gradient arrives,
/// and the optimizer is offered nothing of it; everything after it is trained as before.
#[test]
fn frozen_parts_stay_as_they_are() {
    let parts = [Part::Stem, Part::Layer1, Part::Layer2, Part::Layer3, Part::Layer4];
    let names = ["conv1", "layer1", "layer2", "layer3", "layer4", "fc"];
    let images =
        Tensor::from_vec((0..4 * 64).map(|i| (i as f32).sin()).collect(), (4, 8, 8, 1), &Device::Cpu);
    let images = images.unwrap();
    for (part, first_trained) in parts.into_iter().zip(&names[1..]) {
        let mut network = network(5);
        network.freeze(part);
        let before = state(&network);
        let logits = network.forward(&images, Mode::Train).unwrap();
        let gradients = llp_kernels::backward(&logits.sqr().unwrap().sum_all().unwrap()).unwrap();
        let state = network.state_dict();
        let mut is_frozen = true;
        for entry in state.entries() {
            is_frozen &= !entry.name.starts_with(first_trained);
            assert_eq!(entry.role == Role::Frozen, is_frozen, "{part:?}: {}", entry.name);
            let is_trained = matches!(entry.role, Role::Weight | Role::BatchNorm);
            assert_eq!(gradients.get(&entry.var).is_some(), is_trained, "{part:?}: {}", entry.name);
            let moved = (&before[&entry.name] - entry.var.as_tensor()).unwrap().abs().unwrap();
            let moved = moved.sum_all().unwrap().to_scalar::<f32>().unwrap() > 0.0;
            assert_eq!(moved, entry.role == Role::RunningStatistic, "{part:?}: {}", entry.name);
        }
    }
}

/// The body is everything but the last layer.
#[test]
fn the_body_has_no_last_layer() {
    let network = network(0);
    let names = |state: &llp_nn::StateDict| -> Vec<String> {
        state.entries().iter().map(|entry| entry.name.clone()).collect()
    };
    let mut body = names(&network.body());
    body.extend(["fc.weight".to_owned(), "fc.bias".to_owned()]);
    assert_eq!(body, names(&network.state_dict()));
}
