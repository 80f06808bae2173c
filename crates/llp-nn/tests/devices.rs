//! Ten optimizer steps on every device: the losses agree with those of the CPU.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{DType, Device, Tensor};
use llp_kernels::{Sgd, SgdConfig, backward, devices};
use llp_nn::{Mode, ResNet18, ResNetConfig, Role, Stem};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const N_IMAGES: usize = 16;

/// The losses of ten steps towards fixed logits.
///
/// Images without structure and a small rate, so that the comparison is well posed: on the CPU alone, images that are 1e-6
/// larger change none of the losses by more than 1e-4 of it. With waves in place of noise, or ten times the rate, it is up
/// to 1e-1.
fn losses(device: &Device, dtype: DType) -> Vec<f32> {
    let config = ResNetConfig { stem: Stem::Cifar, channels: 3, width: 8, n_classes: 10 };
    let network = ResNet18::new(config, &mut ChaCha8Rng::seed_from_u64(4), device).unwrap();
    let state = network.state_dict();
    let weights = state.entries().iter().filter(|entry| entry.role != Role::RunningStatistic);
    let config = SgdConfig { momentum: 0.9, weight_decay: 0.005, nesterov: false };
    let mut sgd = Sgd::new(weights.map(|entry| entry.var.clone()), [], config).unwrap();
    let waves = |len: usize| (0..len).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>();
    let noise = (0..N_IMAGES * 16 * 16 * 3).map(|i| ((i as f64).powi(2) * 0.37).sin() as f32);
    let images = Tensor::from_vec(noise.collect(), (N_IMAGES, 16, 16, 3), device).unwrap();
    let images = images.to_dtype(dtype).unwrap();
    let goal = Tensor::from_vec(waves(N_IMAGES * 10), (N_IMAGES, 10), device).unwrap();
    let step = |_| {
        let logits = network.forward(&images, Mode::Train).unwrap();
        let loss = (logits - &goal).unwrap().sqr().unwrap().mean_all().unwrap();
        sgd.step(&backward(&loss).unwrap(), 0.001).unwrap();
        loss.to_scalar().unwrap()
    };
    (0..10).map(step).collect()
}

/// Theorem: devices and precisions differ by rounding, which ten steps do not blow up.
#[test]
fn ten_steps_agree_on_all_devices() {
    let expected = losses(&Device::Cpu, DType::F32);
    assert!(expected[9] < expected[0]);
    for device in devices().into_iter().filter(Device::is_cuda) {
        for (dtype, tolerance) in [(DType::F32, 1e-3), (DType::BF16, 0.05)] {
            for (got, expected) in losses(&device, dtype).iter().zip(&expected) {
                assert!(
                    (got - expected).abs() <= tolerance * expected,
                    "{dtype:?}: {got}, expected {expected}"
                );
            }
        }
    }
}
