//! Whether the accuracy of a training depends on the algorithm of its convolutions.
//!
//! `convolution_algorithms DATA N_SEEDS [KEY=VALUE]...` trains by the preset `cifar10-cpu` with each seed, once with
//! Winograd's algorithm and once with direct sums, and prints the test accuracies as a table.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;
use std::time::Instant;

use candle_core::Device;
use llp_kernels::passes::allow_winograd;
use llp_sweep::config::{Layers, RunConfig};
use llp_sweep::record::EpochRecord;
use llp_train::{Hooks, TrainError, Trainer, TrainerOutcome, TrainingData, build_loss, load_dataset};

/// Keeps the last epoch's record.
struct LastRecord {
    started: Instant,
    record: Option<EpochRecord>,
}

impl Hooks for LastRecord {
    fn should_stop(&self) -> bool {
        false
    }

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn epoch_ended(&mut self, _: &Trainer<'_>, record: &EpochRecord) -> Result<(), TrainError> {
        self.record = Some(record.clone());
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, n_seeds, settings @ ..] = arguments.as_slice() else {
        return Err("usage: convolution_algorithms DATA N_SEEDS [KEY=VALUE]...".into());
    };
    println!("| seed | Winograd | direct sums |\n|---:|---:|---:|");
    for seed in 0..n_seeds.parse()? {
        let config = config(data, seed, settings)?;
        let accuracies = [true, false].map(|winograd| {
            allow_winograd(winograd);
            train(&config)
        });
        let [winograd, direct] = accuracies;
        println!("| {seed} | {:.2} % | {:.2} % |", 100.0 * winograd?, 100.0 * direct?);
    }
    Ok(())
}

fn config(data: &str, seed: u32, settings: &[String]) -> Result<RunConfig, Box<dyn std::error::Error>> {
    let data = format!("data.path={}", Path::new(data).display());
    let mut layers = Layers::new();
    for setting in [data, format!("seed={seed}")].iter().chain(settings) {
        layers.assignment("KEY=VALUE", setting)?;
    }
    Ok(layers.resolve("cifar10-cpu")?)
}

/// Trains to the end and returns the test accuracy.
fn train(config: &RunConfig) -> Result<f64, Box<dyn std::error::Error>> {
    let data = TrainingData::new(load_dataset(&config.data, &|_| Ok(None))?, config)?;
    let mut hooks = LastRecord { started: Instant::now(), record: None };
    let outcome = Trainer::new(config, &data, build_loss(config), &Device::Cpu)?.train(&mut hooks)?;
    if outcome != TrainerOutcome::Complete {
        return Err(format!("the training ended otherwise than complete: {outcome:?}").into());
    }
    Ok(hooks.record.and_then(|record| record.test_accuracy).ok_or("the data has no test labels")?)
}
