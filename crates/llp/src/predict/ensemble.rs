//! The networks of `llp predict`: one, or several runs whose probabilities are averaged.

use std::path::{Path, PathBuf};

use llp_sweep::run_dir::RunDir;
use llp_train::{Checkpoint, Ensemble, Predictor, TrainingData};

use super::{PredictArgs, SplitName};
use crate::Global;
use crate::failure::{Failure, usage};
use crate::predict::trained_run::{PlaceArgs, TrainedRun};

/// What the arguments name.
pub(crate) struct Opened<'a> {
    pub(crate) ensemble: Ensemble,
    /// The first run's data, if that is asked for.
    pub(crate) data: Option<TrainingData>,
    /// What is to be predicted.
    pub(crate) paths: &'a [PathBuf],
}

/// Opens the networks: the first argument, and the runs that follow it.
pub(crate) fn open(global: Global, args: &PredictArgs) -> Result<Opened<'_>, Failure> {
    let n_others = args.paths.iter().take_while(|path| is_trained(path)).count();
    let (others, paths) = args.paths.split_at(n_others);
    check(args, others, paths)?;
    let (first, data) = first(global, args)?;
    let mut members = vec![(args.network.clone(), first)];
    for path in others {
        members.push((path.clone(), network(args, path)?));
    }
    Ok(Opened { ensemble: Ensemble::new(members)?, data, paths })
}

/// Whether a path is a run's directory or the folder of a checkpoint.
fn is_trained(path: &Path) -> bool {
    path.join("state.json").is_file() || RunDir::open(path).is_ok()
}

fn check(args: &PredictArgs, others: &[PathBuf], paths: &[PathBuf]) -> Result<(), Failure> {
    if args.split.is_some() && !paths.is_empty() {
        let path = paths[0].display();
        return Err(usage(format!(
            "--split takes instances of the run's own data, so {path} is one too many"
        )));
    }
    if args.split.is_none() && paths.is_empty() {
        return Err(usage("there are runs alone: add what to predict, or --split test".to_owned()));
    }
    let needs_its_bags =
        args.calibrate || args.by_bag || args.split.is_some_and(|split| split != SplitName::Test);
    if !others.is_empty() && needs_its_bags {
        return Err(usage(format!(
            "--calibrate, --by-bag and --split train or held-out use the bags of one run: name one run, not {}",
            others.len() + 1
        )));
    }
    Ok(())
}

/// The first network, and its run's data if that is asked for.
fn first(global: Global, args: &PredictArgs) -> Result<(Predictor, Option<TrainingData>), Failure> {
    if args.split.is_none() && !args.calibrate && !args.by_bag {
        return Ok((network(args, &args.network)?, None));
    }
    if args.network.join("state.json").is_file() {
        let checkpoint = args.network.display();
        return Err(usage(format!(
            "{checkpoint} is a checkpoint: --split, --calibrate and --by-bag need its run"
        )));
    }
    let places = PlaceArgs { data: args.data.clone(), proportions: None, bags: args.bags.clone() };
    let run = TrainedRun::open(global, &args.network, &places, args.epoch, args.device)?;
    Ok((run.predictor, Some(run.data)))
}

fn network(args: &PredictArgs, path: &Path) -> Result<Predictor, Failure> {
    let path = Checkpoint::locate(path)?;
    let (_, checkpoint) = args.epoch.choose(&path, Checkpoint::read(&path)?)?;
    Ok(Predictor::new(&path, checkpoint, &args.device.open()?)?)
}
