//! A training in memory: bags in, a network out, no file in between.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::path::Path;

use candle_core::Device;
use llp_bags::own::OwnData;
use llp_sweep::config::RunConfig;
use llp_sweep::record::EpochRecord;

use crate::fault::{check_precision, explain};
use crate::run::start;
use crate::{
    Checkpoint, Hooks, Predictor, TrainError, Trainer, TrainerOutcome, TrainingData, TrainingPlan, build_loss,
};

/// What a training in memory asks of its caller and reports to it.
pub struct FitHooks<'a> {
    /// Seconds since any fixed moment.
    pub seconds: &'a dyn Fn() -> f64,
    /// Whether to stop before the next step.
    pub should_stop: &'a dyn Fn() -> bool,
    /// Called with the plan of the training, before its first step.
    pub begun: &'a mut dyn FnMut(&TrainingPlan),
    /// Called after every epoch.
    pub epoch_ended: &'a mut dyn FnMut(&EpochRecord),
    /// Whether to train on bags that cannot teach the classes.
    pub trains_anyway: bool,
    /// Called with each warning.
    pub warn: &'a mut dyn FnMut(&str),
    /// Version of the program, for the files.
    pub version: &'a str,
}

/// The end of a training in memory.
#[derive(Debug)]
pub struct Fitted {
    /// How it ended.
    pub outcome: TrainerOutcome,
    /// The network as it is then.
    pub model: ModelFiles,
    /// One for each epoch.
    pub records: Vec<EpochRecord>,
}

/// The files of a checkpoint, by their names, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles(pub BTreeMap<String, Vec<u8>>);

impl ModelFiles {
    /// Reads those of a checkpoint or, from its newest one, of a run.
    ///
    /// # Errors
    /// When there is none at `path`, or it is damaged.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let path = Checkpoint::locate(path)?;
        let names = Checkpoint::read(&path)?.state.files.into_keys().chain(["state.json".to_owned()]);
        let file = |name: String| {
            let bytes = fs_err::read(path.join(&name))?;
            Ok((name, bytes))
        };
        Ok(Self(names.map(file).collect::<Result<_, Error>>()?))
    }

    /// Writes them into the folder `path`, as a checkpoint that every command of `llp` reads.
    ///
    /// # Errors
    /// When the disk refuses, or `path` is something else than a checkpoint.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let files: Vec<(&str, Vec<u8>)> =
            self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
        Checkpoint::write_files(path, &files)
    }

    /// The network that they describe.
    ///
    /// # Errors
    /// When they are not those of a checkpoint.
    pub fn predictor(&self) -> Result<Predictor, TrainError> {
        let path = Path::new("the model");
        let read = |name: &str| self.0.get(name).cloned().ok_or_else(|| Error::from(ErrorKind::NotFound));
        Predictor::new(path, Checkpoint::from_files(path, read)?, &Device::Cpu)
    }
}

/// Trains a network on own bags, as `llp train` does with the same configuration on a table with these bags: the
/// weights are the same, bit for bit.
///
/// # Errors
/// What is wrong with the configuration or the data.
pub fn fit(own: OwnData, config: &RunConfig, hooks: FitHooks<'_>) -> Result<Fitted, TrainError> {
    let device = Device::Cpu;
    check_precision(config, false)?;
    let data = TrainingData::from_own(own, config)?;
    data.check_verdict(hooks.trains_anyway)?;
    for warning in &data.warnings {
        (hooks.warn)(warning);
    }
    let mut trainer = Trainer::new(config, &data, build_loss(config), &device)?;
    if let Some(note) = start(config, &mut trainer, &|_| Ok(None))? {
        (hooks.warn)(&note);
    }
    (hooks.begun)(&trainer.plan());
    let version = hooks.version;
    let mut recorder = Recorder { hooks, records: vec![] };
    let outcome =
        trainer.train(&mut recorder).map_err(|error| explain(error, config, Path::new(""), &device))?;
    let files = Checkpoint::files(&trainer, &data, config, version, false)?;
    let files = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    Ok(Fitted { outcome, model: ModelFiles(files), records: recorder.records })
}

struct Recorder<'a> {
    hooks: FitHooks<'a>,
    records: Vec<EpochRecord>,
}

impl Hooks for Recorder<'_> {
    fn should_stop(&self) -> bool {
        (self.hooks.should_stop)()
    }

    fn seconds(&self) -> f64 {
        (self.hooks.seconds)()
    }

    fn epoch_ended(&mut self, _: &Trainer<'_>, record: &EpochRecord) -> Result<(), TrainError> {
        self.records.push(record.clone());
        (self.hooks.epoch_ended)(record);
        Ok(())
    }

    fn warn(&mut self, message: &str) {
        (self.hooks.warn)(message);
    }
}
