//! Times training steps with SGD on images of 32x32 pixels: `train_step NETWORK WIDTH BATCH STEPS [DEVICE [PRECISION]]`. The
//! network is `cifar` or `imagenet`, ResNet-18 with that stem, or `airbench`, whose WIDTH is like `64-128-128`; the device is
//! `cpu` or `cuda`, the precision `f32`, `tf32` or `bf16`. One JSON line with the median step.

use std::time::Instant;

use candle_core::{D, DType, Device, Result, Tensor};
use llp_kernels::{BagKernel, DeviceName, Sgd, SgdConfig, backward_of_mean, bag_loss, set_tf32};
use llp_nn::{Airbench, AirbenchConfig, Mode, Network, ResNet18, ResNetConfig, Role, Stem};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The allocator of the command `llp`: the system's gives the gradients of the weights back to the kernel after
/// every step and gets them again page by page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZE: usize = 32;
const CHANNELS: usize = 3;
const N_CLASSES: usize = 10;
/// Steps between two looks at the clock on a GPU: to look waits for all work.
const STEPS_AT_ONCE: usize = 10;

/// Cross-entropies with the labels 0, 1, 2, ..., `[image]`: in one kernel on a GPU, where they are KL losses of bags of one.
fn cross_entropies(logits: &Tensor) -> Result<Tensor> {
    let n = logits.dim(0)?;
    let one_hot: Vec<f64> =
        (0..n * N_CLASSES).map(|i| f64::from(i % N_CLASSES == i / N_CLASSES % N_CLASSES)).collect();
    if let Some(losses) = bag_loss(BagKernel::Kl, logits, &vec![1; n], &one_hot)? {
        return Ok(losses);
    }
    let targets =
        Tensor::from_vec((0..n).map(|i| (i % N_CLASSES) as u32).collect(), (n, 1), logits.device())?;
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    let log_probs = shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)?;
    log_probs.gather(&targets, 1)?.neg()
}

/// The median of `steps` steps, in seconds, after two that warm up.
fn median_step(steps: usize, device: &Device, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    let at_once = if device.is_cuda() { STEPS_AT_ONCE } else { 1 };
    let mut times = Vec::new();
    for _ in 0..steps.div_ceil(at_once) + 2 {
        let start = Instant::now();
        for _ in 0..at_once {
            step()?;
        }
        device.synchronize()?;
        times.push(start.elapsed().as_secs_f64() / at_once as f64);
    }
    let mut times = times.split_off(2);
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn network(
    kind: &str,
    width: &str,
    device: &Device,
) -> std::result::Result<Network, Box<dyn std::error::Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let stem = match kind {
        "airbench" => {
            let widths: Vec<usize> =
                width.split('-').map(str::parse).collect::<std::result::Result<_, _>>()?;
            let widths = widths.try_into().map_err(|_| "three widths, such as 64-128-128")?;
            let config = AirbenchConfig { channels: CHANNELS, widths, n_classes: N_CLASSES };
            return Ok(Airbench::new(config, &mut rng, device)?.into());
        }
        "cifar" => Stem::Cifar,
        "imagenet" => Stem::ImageNet,
        other => return Err(format!("the network is cifar, imagenet or airbench, not {other}").into()),
    };
    let config = ResNetConfig { stem, channels: CHANNELS, width: width.parse()?, n_classes: N_CLASSES };
    Ok(ResNet18::new(config, &mut rng, device)?.into())
}

#[expect(clippy::print_stdout, reason = "the measurement is the output")]
fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, width, batch, steps, more @ ..] = arguments.as_slice() else {
        return Err("usage: train_step NETWORK WIDTH BATCH STEPS [DEVICE [PRECISION]]".into());
    };
    let (batch, steps): (usize, usize) = (batch.parse()?, steps.parse()?);
    let device = more.first().map_or("cpu", String::as_str).parse::<DeviceName>()?.open()?;
    let precision = more.get(1).map_or("f32", String::as_str);
    set_tf32(precision == "tf32");
    let dtype = if precision == "bf16" { DType::BF16 } else { DType::F32 };

    let network = network(kind, width, &device)?;
    let state = network.state_dict();
    let trained = [Role::Weight, Role::BatchNorm];
    let weights = state.entries().iter().filter(|e| trained.contains(&e.role)).map(|e| e.var.clone());
    let mut sgd = Sgd::new(weights, [], SgdConfig { momentum: 0.9, weight_decay: 0.005, nesterov: false })?;
    let pixels: Vec<f32> = (0..batch * SIZE * SIZE * CHANNELS).map(|i| (i as f32 * 0.37).sin()).collect();
    let images = Tensor::from_vec(pixels, (batch, SIZE, SIZE, CHANNELS), &device)?.to_dtype(dtype)?;
    let median = median_step(steps, &device, || {
        let logits = network.forward(&images, Mode::Train).map_err(candle_core::Error::wrap)?;
        sgd.step(&backward_of_mean(&cross_entropies(&logits)?)?, 0.01)
    })?;
    println!(
        "{{\"what\":\"llp\",\"step_s_median\":{median:.5},\"images_per_s\":{:.2}}}",
        batch as f64 / median
    );
    Ok(())
}
