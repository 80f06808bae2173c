//! A run with its newest network and its data, wherever that is now.

use std::path::Path;

use clap::Args;
use llp_bags::LabelOracle;
use llp_sweep::config::RunConfig;
use llp_sweep::run_dir::RunDir;
use llp_train::privacy::load_with_labels;
use llp_train::{Checkpoint, Predictor, TrainingData};

use crate::Global;
use crate::args::device::DeviceArg;
use crate::args::epoch::EpochArg;
use crate::data::{hub, place};
use crate::failure::Failure;

/// Where a run's data is now.
#[derive(Args, Clone)]
pub(crate) struct PlaceArgs {
    /// Where the run's data is now.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<String>,
    /// Where the run's table of proportions is now.
    #[arg(long, value_name = "FILE")]
    pub(crate) proportions: Option<String>,
    /// Where the run's file of bags is now.
    #[arg(long, value_name = "FILE")]
    pub(crate) bags: Option<String>,
}

/// A run that has a checkpoint.
pub(crate) struct TrainedRun {
    pub(crate) config: RunConfig,
    /// The name of the checkpoint.
    pub(crate) checkpoint: String,
    /// Epochs that the network was trained for.
    pub(crate) epochs: usize,
    pub(crate) predictor: Predictor,
    pub(crate) data: TrainingData,
    /// Labels of the training split, where they exist: to score with.
    pub(crate) train_labels: Option<LabelOracle>,
}

impl TrainedRun {
    /// Reads the weights of `epoch` in the newest checkpoint of the run in `path`, and the run's data, which must be what it was trained on.
    pub(crate) fn open(
        global: Global,
        path: &Path,
        places: &PlaceArgs,
        epoch: EpochArg,
        device: DeviceArg,
    ) -> Result<Self, Failure> {
        let (_, mut config) = RunDir::open(path)?;
        if places.data.is_some() {
            config.data.path.clone_from(&places.data);
        }
        if places.proportions.is_some() {
            config.data.proportions.clone_from(&places.proportions);
        }
        if places.bags.is_some() {
            config.bags.manifest.clone_from(&places.bags);
        }
        place::check(&config.data)?;
        let newest = Checkpoint::locate(path)?;
        let checkpoint = Checkpoint::read(&newest)?;
        let (data, train_labels) = load_with_labels(&config, &|name| hub::locate(global, name))?;
        checkpoint.check(&newest, &config, &data)?;
        let (epochs, checkpoint) = epoch.choose(&newest, checkpoint)?;
        Ok(Self {
            config,
            epochs,
            checkpoint: newest.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            predictor: Predictor::new(&newest, checkpoint, &device.open()?)?,
            data,
            train_labels,
        })
    }
}
