//! Times training steps of ResNet-18 with SGD: one JSON line.
//!
//! `train_step WIDTH BATCH [SIZE] [CHANNELS] [STEPS] [cifar|imagenet]`

use std::time::Instant;

use candle_core::{D, Device, Tensor};
use llp_kernels::{Sgd, SgdConfig, backward};
use llp_nn::{Mode, ResNet18, ResNetConfig, Role, Stem};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The allocator of the command `llp`: the system's gives the gradients of the weights back to the kernel after
/// every step and gets them again page by page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn cross_entropy(logits: &Tensor, targets: &Tensor) -> candle_core::Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    let log_probs = shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)?;
    log_probs.gather(targets, 1)?.mean_all()?.neg()
}

#[expect(clippy::print_stdout, reason = "the measurement is the output")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let stem = match arguments.get(5).map(String::as_str) {
        Some("imagenet") => Stem::ImageNet,
        _ => Stem::Cifar,
    };
    arguments.truncate(5);
    let numbers: Vec<usize> = arguments.iter().map(|arg| arg.parse()).collect::<Result<_, _>>()?;
    let number = |index: usize, default: usize| numbers.get(index).copied().unwrap_or(default);
    let (width, batch, size, channels, steps) =
        (number(0, 16), number(1, 128), number(2, 32), number(3, 3), number(4, 8));
    let config = ResNetConfig { stem, channels, width, n_classes: 10 };
    let network = ResNet18::new(config, &mut ChaCha8Rng::seed_from_u64(0), &Device::Cpu)?;
    let state = network.state_dict();
    let weights = state.entries().iter().filter(|e| e.role != Role::RunningStatistic).map(|e| e.var.clone());
    let mut sgd = Sgd::new(weights, [], SgdConfig { momentum: 0.9, weight_decay: 0.005 })?;
    let pixels: Vec<f32> = (0..batch * size * size * channels).map(|i| (i as f32 * 0.37).sin()).collect();
    let images = Tensor::from_vec(pixels, (batch, size, size, channels), &Device::Cpu)?;
    let targets = Tensor::from_vec((0..batch).map(|i| (i % 10) as u32).collect(), (batch, 1), &Device::Cpu)?;
    let mut times = Vec::new();
    for _ in 0..steps + 2 {
        let start = Instant::now();
        let loss = cross_entropy(&network.forward(&images, Mode::Train)?, &targets)?;
        sgd.step(&backward(&loss)?, 0.01)?;
        times.push(start.elapsed().as_secs_f64());
    }
    let mut times = times.split_off(2);
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!(
        "{{\"width\":{width},\"batch\":{batch},\"size\":{size},\"stem\":\"{stem:?}\",\"step_s_median\":{median:.5},\"images_per_s\":{:.1}}}",
        batch as f64 / median
    );
    Ok(())
}
