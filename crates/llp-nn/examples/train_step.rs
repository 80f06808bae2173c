//! Times training steps of ResNet-18 with SGD on images of 32x32 pixels: `train_step STEM WIDTH BATCH STEPS`, where the
//! stem is `cifar` or `imagenet`. One JSON line with the median step.

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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stem, width, batch, steps] = arguments.as_slice() else {
        return Err("usage: train_step STEM WIDTH BATCH STEPS".into());
    };
    let stem = match stem.as_str() {
        "cifar" => Stem::Cifar,
        "imagenet" => Stem::ImageNet,
        other => return Err(format!("the stem is cifar or imagenet, not {other}").into()),
    };
    let (width, batch, steps): (_, usize, usize) = (width.parse()?, batch.parse()?, steps.parse()?);
    let (size, channels) = (32, 3);
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
        "{{\"what\":\"llp\",\"step_s_median\":{median:.5},\"images_per_s\":{:.2}}}",
        batch as f64 / median
    );
    Ok(())
}
