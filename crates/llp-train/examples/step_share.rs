//! What the input and the loss take of a training step.
//!
//! `step_share [STEPS]` prints, for some networks, bag sizes and losses, the median milliseconds of a step on
//! augmented 32x32 images, of preparing these images, and of the loss with its gradient.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::time::Instant;

use candle_core::{Device, Tensor, Var};
use llp_bags::rng::{Purpose, stream};
use llp_bags::{
    Augmentation, Edge, EpochAugmentation, Images, Instances, Mirror, Normalization, Proportions, prepare,
};
use llp_kernels::{Sgd, SgdConfig, backward};
use llp_loss::{BagLoss, BagTargets, Kl, Rot};
use llp_nn::{Mode, ResNet18, ResNetConfig, Role, Stem};
use llp_ot::{NewtonConfig, RotConfig, RotSolver};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_CLASSES: usize = 10;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let steps = std::env::args().nth(1).map_or(Ok(15), |n| n.parse())?;
    let rot = RotConfig { alpha: 0.5, epsilon: 1.0, solver: RotSolver::Newton(NewtonConfig::SINGLE) };
    println!("| width | bags x images | loss | step, ms | input, ms | loss, ms | share of both |");
    println!("|---:|---|---|---:|---:|---:|---:|");
    for width in [16, 64] {
        for (n_bags, size) in [(8, 16), (2, 64)] {
            for loss in [&Kl as &dyn BagLoss, &Rot { config: rot }] {
                let case = Case::new(width, n_bags, size)?;
                // As in the trainer, everything happens inside of the pool.
                let times = rayon::scope(|_| case.times(loss, steps).map_err(|error| error.to_string()))?;
                let [step, input, loss_time] = times;
                let share = 100.0 * (input + loss_time) / step;
                let name = loss.name();
                println!(
                    "| {width} | {n_bags} x {size} | {name} | {step:.2} | {input:.3} | {loss_time:.3} | {share:.2} % |"
                );
            }
        }
    }
    Ok(())
}

/// A network and what it is trained on.
struct Case {
    network: ResNet18,
    images: Instances,
    instances: Vec<u32>,
    normalization: Normalization,
    augmentation: EpochAugmentation,
    targets: BagTargets,
}

impl Case {
    fn new(width: usize, n_bags: usize, size: usize) -> Result<Self, AnyError> {
        let n = n_bags * size;
        let config = ResNetConfig { stem: Stem::Cifar, channels: 3, width, n_classes: N_CLASSES };
        let pixels: Vec<u8> = (0..n * 3072).map(|i| (i * 7919 % 251) as u8).collect();
        let images = Instances::from(Images::new(32, 32, 3, pixels)?);
        let instances: Vec<u32> = (0..n as u32).collect();
        let counts: Vec<u32> =
            (0..N_CLASSES).map(|k| (size / N_CLASSES + usize::from(k < size % N_CLASSES)) as u32).collect();
        let proportions = vec![Proportions::from_counts(&counts)?; n_bags];
        Ok(Self {
            network: ResNet18::new(config, &mut stream(0, Purpose::Init, 0), &Device::Cpu)?,
            normalization: Normalization::from_instances(&images, &instances)?,
            images,
            instances,
            augmentation: Augmentation { shift: 1, edge: Edge::Repeat, mirror: Mirror::Random }.epoch(0, 1),
            targets: BagTargets::new(vec![size; n_bags], &proportions)?,
        })
    }

    /// Median milliseconds of a step, of its input, and of its loss with the gradient.
    fn times(&self, loss: &dyn BagLoss, steps: usize) -> Result<[f64; 3], AnyError> {
        let state = self.network.state_dict();
        let weights: Vec<Var> = state.with_role(Role::Weight).map(|entry| entry.var.clone()).collect();
        let mut sgd =
            Sgd::new(weights, [], SgdConfig { momentum: 0.9, weight_decay: 0.005, nesterov: false })?;
        let n = self.instances.len();
        let logits: Vec<f32> = (0..n * N_CLASSES).map(|i| 2.0 * (i as f32).powi(2).sin()).collect();
        let logits = Var::from_vec(logits, (n, N_CLASSES), &Device::Cpu)?;
        let step = median(steps, || {
            let logits = self.network.forward(&self.input()?, Mode::Train)?;
            sgd.step(&backward(&loss.forward(&logits, &self.targets)?.mean_all()?)?, 0.01)?;
            Ok(())
        })?;
        let input = median(20 * steps, || self.input().map(drop))?;
        let loss = median(20 * steps, || {
            backward(&loss.forward(&logits, &self.targets)?.mean_all()?)?;
            Ok(())
        })?;
        Ok([step, input, loss])
    }

    fn input(&self) -> Result<Tensor, AnyError> {
        let n = self.instances.len();
        let mut values = vec![0.0; n * self.images.shape().n_values()];
        prepare(&self.images, &self.instances, Some(&self.augmentation), &self.normalization, &mut values)?;
        Ok(Tensor::from_vec(values, (n, 32, 32, 3), &Device::Cpu)?)
    }
}

/// Median milliseconds of `n` calls, after two that do not count.
fn median(n: usize, mut f: impl FnMut() -> Result<(), AnyError>) -> Result<f64, AnyError> {
    let mut times = Vec::new();
    for _ in 0..n + 2 {
        let start = Instant::now();
        f()?;
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    times.drain(..2);
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
