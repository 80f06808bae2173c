//! `llp evaluate`.

use std::path::PathBuf;

use clap::Args;
use llp_bags::BagSet;
use llp_train::build_loss;
use llp_train::scores::Scores;
use serde::Serialize;

use crate::args::device::DeviceArg;
use crate::args::epoch::EpochArg;
use crate::environment::print_json;
use crate::failure::{Failure, code};
use crate::predict::calibration::{Calibration, calibrate};
use crate::predict::evaluate_show;
use crate::predict::trained_run::{PlaceArgs, TrainedRun};
use crate::{Global, Output};

/// `llp evaluate`.
#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// The run's directory.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    places: PlaceArgs,
    /// Fit a temperature to the counts of the held-out bags, or of the training bags if there are none.
    #[arg(long)]
    calibrate: bool,
    /// Which weights: those after the last epoch, or after the one that held-out bags prefer.
    #[arg(long, value_enum, default_value_t = EpochArg::Last)]
    epoch: EpochArg,
    #[command(flatten)]
    device: DeviceArg,
}

/// What is printed.
#[derive(Serialize)]
pub(crate) struct Evaluation {
    pub(crate) checkpoint: String,
    pub(crate) epochs: usize,
    pub(crate) test_accuracy: Option<f64>,
    pub(crate) held_out_loss: Option<f64>,
    pub(crate) held_out_kl: Option<f64>,
    pub(crate) held_out_l1: Option<f64>,
    pub(crate) n_held_out_bags: usize,
    /// Where the test instances have labels.
    pub(crate) test: Option<Scores>,
    /// With `--calibrate`.
    pub(crate) calibration: Option<Calibrated>,
}

/// A temperature, and the scores of the probabilities after division by it.
#[derive(Serialize)]
pub(crate) struct Calibrated {
    #[serde(flatten)]
    pub(crate) calibration: Calibration,
    pub(crate) test: Option<Scores>,
}

pub(crate) fn evaluate(global: Global, args: &EvaluateArgs) -> Result<u8, Failure> {
    let evaluation = measure(global, args)?;
    if global.output == Output::Json {
        print_json(&evaluation)?;
    } else {
        evaluate_show::show(&evaluation)?;
    }
    Ok(code::SUCCESS)
}

fn measure(global: Global, args: &EvaluateArgs) -> Result<Evaluation, Failure> {
    let TrainedRun { config, checkpoint, epochs, predictor, data, .. } =
        TrainedRun::open(global, &args.run, &args.places, args.epoch, args.device)?;
    let losses = |bags: &BagSet| predictor.evaluator().bag_losses(bags, &*build_loss(&config));
    let losses = data.held_out.as_ref().map(losses).transpose()?;
    let logits = match &data.test_labels {
        Some(labels) => Some((labels, predictor.logits(&data.test, &data.test.ids())?)),
        None => None,
    };
    let scores = |temperature: f64| {
        let scores = logits
            .as_ref()
            .map(|(labels, logits)| Scores::new(labels, &data.class_names, logits, temperature));
        scores.transpose()
    };
    let test = scores(1.0)?;
    let calibration = if args.calibrate {
        let calibration = calibrate(&predictor, &data)?;
        Some(Calibrated { test: scores(calibration.fit.temperature)?, calibration })
    } else {
        None
    };
    Ok(Evaluation {
        checkpoint,
        epochs,
        test_accuracy: test.as_ref().map(|test| test.accuracy),
        held_out_loss: losses.map(|losses| losses.own),
        held_out_kl: losses.map(|losses| losses.kl),
        held_out_l1: losses.map(|losses| losses.l1),
        n_held_out_bags: data.held_out.as_ref().map_or(0, BagSet::len),
        test,
        calibration,
    })
}
