//! `llp evaluate`.

use std::path::PathBuf;
use std::process::ExitCode;

use candle_core::Device;
use clap::Args;
use llp_sweep::run_dir::RunDir;
use llp_train::evaluate::{accuracy, bag_losses};
use llp_train::{Checkpoint, TrainError, TrainingData, build_loss, build_network, load_dataset};
use serde::Serialize;

use crate::epoch_arg::EpochArg;
use crate::failure::{Failure, usage};
use crate::hub;
use crate::world::{print, print_json};
use crate::{Global, Output};

/// `llp evaluate`.
#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// The run's directory.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Where the data lies now.
    #[arg(long, value_name = "PATH")]
    data: Option<String>,
    /// Where the file of bags lies now.
    #[arg(long, value_name = "FILE")]
    bags: Option<String>,
    /// Which weights: those after the last epoch, or after the one that held-out bags prefer.
    #[arg(long, value_enum, default_value_t = EpochArg::Last)]
    epoch: EpochArg,
}

#[derive(Serialize)]
struct Evaluation {
    checkpoint: String,
    epochs: usize,
    test_accuracy: Option<f64>,
    held_out_loss: Option<f64>,
    held_out_kl: Option<f64>,
    held_out_l1: Option<f64>,
    n_held_out_bags: usize,
}

pub(crate) fn evaluate(global: Global, args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let evaluation = measure(global, args)?;
    if global.output == Output::Json {
        print_json(&evaluation)?;
    } else {
        let show = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value:.4}"));
        print(&format!("checkpoint        {} ({} epochs)", evaluation.checkpoint, evaluation.epochs))?;
        print(&format!("test accuracy     {}", show(evaluation.test_accuracy)))?;
        print(&format!("held-out bags     {}", evaluation.n_held_out_bags))?;
        print(&format!("  training loss   {}", show(evaluation.held_out_loss)))?;
        print(&format!("  KL (nats)       {}", show(evaluation.held_out_kl)))?;
        print(&format!("  L1              {}", show(evaluation.held_out_l1)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(global: Global, args: &EvaluateArgs) -> Result<Evaluation, Failure> {
    let (dir, mut config) = RunDir::open(&args.run)?;
    if args.data.is_some() {
        config.data.path.clone_from(&args.data);
    }
    if args.bags.is_some() {
        config.bags.manifest.clone_from(&args.bags);
    }
    let Some(newest) = Checkpoint::list(&dir.checkpoints_dir())?.into_iter().next() else {
        return Err(usage(format!("{} has no checkpoint yet", args.run.display())));
    };
    let checkpoint = Checkpoint::read(&newest)?;
    let data = TrainingData::new(load_dataset(&config.data, &|name| hub::locate(global, name))?, &config)?;
    checkpoint.check(&newest, &config, &data)?;
    let device = Device::Cpu;
    let state = &checkpoint.state;
    let [.., channels] = data.test_images.shape();
    let network = build_network(&config.network, channels, data.class_names.len(), config.seed, &device)?;
    let (epochs, weights) = args.epoch.weights(&newest, &checkpoint)?;
    let loaded = network.state_dict().load(&weights);
    loaded.map_err(|error| TrainError::Checkpoint { path: newest.clone(), reason: error.into() })?;
    let losses = data
        .held_out
        .as_ref()
        .map(|bags| bag_losses(&network, bags, &*build_loss(&config), &state.normalization, &device))
        .transpose()?;
    let test_accuracy = data
        .test_labels
        .as_ref()
        .map(|labels| accuracy(&network, &data.test_images, labels, &state.normalization, &device))
        .transpose()?;
    Ok(Evaluation {
        checkpoint: newest.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        epochs,
        test_accuracy,
        held_out_loss: losses.map(|losses| losses.own),
        held_out_kl: losses.map(|losses| losses.kl),
        held_out_l1: losses.map(|losses| losses.l1),
        n_held_out_bags: data.held_out.as_ref().map_or(0, llp_bags::BagSet::len),
    })
}
