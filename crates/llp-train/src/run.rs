//! One run inside its directory: claimed, resumed, recorded, saved.

mod recorder;

use std::cell::Cell;
use std::path::Path;

use candle_core::Device;
use llp_data::DataError;
use llp_sweep::SweepError;
use llp_sweep::claim::{BEAT, Claim, Owner};
use llp_sweep::config::{NetworkConfig, RunConfig};
use llp_sweep::record::{Activity, EpochRecord, Outcome, RESULT_SCHEMA, RunResult, Status, is_still_falling};
use llp_sweep::run_dir::RunDir;

use crate::fault::{check_precision, explain};
use crate::{
    Checkpoint, Locate, Position, Pretrained, TrainError, Trainer, TrainerOutcome, TrainingData,
    TrainingPlan, build_loss,
};

use recorder::Recorder;

/// Checkpoints that are kept while a run goes on: the newest, and one to fall back on if that is damaged.
const KEPT_CHECKPOINTS: usize = 2;

/// What a run takes from the world outside.
pub struct RunContext<'a> {
    /// The process that does it.
    pub owner: &'a Owner,
    /// The location of data sets and pretrained networks that the configuration names without a path.
    pub locate: Locate<'a>,
    /// Where tensors live.
    pub device: &'a Device,
    /// Version of the program.
    pub version: &'a str,
    /// Seconds since any fixed moment.
    pub seconds: &'a dyn Fn() -> f64,
    /// Whether to save and stop before the next step.
    pub should_stop: &'a dyn Fn() -> bool,
    /// Whether a run that has done this many epochs may go on, or is held back behind better ones.
    pub may_go_on: &'a dyn Fn(usize) -> bool,
    /// Called with the plan of the training, before its first step.
    pub begun: &'a mut dyn FnMut(&RunConfig, &TrainingPlan),
    /// Called after every step.
    pub step_ended: &'a mut dyn FnMut(&Position),
    /// Called after every epoch.
    pub epoch_ended: &'a mut dyn FnMut(&RunConfig, &EpochRecord),
    /// Whether to train on bags that cannot teach the classes.
    pub trains_anyway: bool,
    /// Called with each warning.
    pub warn: &'a mut dyn FnMut(&str),
}

/// How [`run`] ended.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEnd {
    /// It had its result before.
    AlreadyEnded(RunResult),
    /// It has its result now.
    Ended(RunResult),
    /// It stopped with a checkpoint.
    Stopped(Position),
    /// It is held back, with a checkpoint.
    Paused(Position),
}

/// Brings a run to its end, from the state that its directory holds.
///
/// # Errors
/// What is wrong with the configuration, the data or the directory; then the directory's status says so too.
pub fn run(path: &Path, config: &RunConfig, context: &mut RunContext<'_>) -> Result<RunEnd, TrainError> {
    let dir = RunDir::open_or_create(path, config)?;
    let claim = dir.claim(context.owner, BEAT)?;
    if let Some(dead) = claim.taken_over() {
        (context.warn)(&format!("taking over from {dead}, which is gone"));
    }
    if let Some(result) = dir.result()? {
        return Ok(RunEnd::AlreadyEnded(result));
    }
    let attempt = dir.next_attempt()?;
    let deaths = dir.status()?.map_or(0, |status| status.deaths);
    let run = Run { dir: &dir, claim: &claim, config, attempt, deaths };
    let end = run.train(context).map_err(|error| explain(error, config, path, context.device));
    match &end {
        // The directory is another process's.
        Ok(_) | Err(TrainError::Sweep(SweepError::ClaimLost(_))) => {}
        // If even this cannot be written, the error itself says more than that would.
        Err(error) => drop(run.write_failure(error)),
    }
    end
}

struct Run<'a> {
    dir: &'a RunDir,
    claim: &'a Claim,
    config: &'a RunConfig,
    attempt: u32,
    deaths: u32,
}

impl Run<'_> {
    fn train(&self, context: &mut RunContext<'_>) -> Result<RunEnd, TrainError> {
        check_precision(self.config, !context.device.is_cpu())?;
        let data = TrainingData::load(self.config, context.locate)?;
        data.check_verdict(context.trains_anyway)?;
        for warning in &data.warnings {
            (context.warn)(warning);
        }
        let mut trainer = Trainer::new(self.config, &data, build_loss(self.config), context.device)?;
        self.restore(&mut trainer, &data, context)?;
        if trainer.position().step == 0 && !(context.may_go_on)(trainer.position().epoch) {
            return self.pause(&trainer);
        }
        self.write_status(&trainer, Activity::Running, None)?;
        (context.begun)(self.config, &trainer.plan());
        let mut recorder = Recorder {
            run: self,
            data: &data,
            context,
            is_held_back: false,
            looked_at: Cell::new(None),
            reported_at: None,
        };
        let outcome = trainer.train(&mut recorder)?;
        let is_held_back = recorder.is_held_back;
        match outcome {
            TrainerOutcome::Stopped if is_held_back => {
                self.save(&trainer, &data, context.version, true)?;
                self.pause(&trainer)
            }
            TrainerOutcome::Stopped => {
                if trainer.has_half_way() {
                    self.save(&trainer, &data, context.version, true)?;
                }
                let reason = match (self.dir.is_cancelled(), trainer.has_half_way()) {
                    (true, _) => "cancelled",
                    (false, true) => "stopped with a checkpoint",
                    (false, false) => "stopped before there was anything to save",
                };
                self.write_status(&trainer, Activity::Interrupted, Some(reason))?;
                Ok(RunEnd::Stopped(trainer.position().clone()))
            }
            TrainerOutcome::Complete => {
                self.save(&trainer, &data, context.version, false)?;
                Checkpoint::prune(&self.dir.checkpoints_dir(), 1)?;
                self.finish(&data, &trainer, Outcome::Complete, None, context)
            }
            TrainerOutcome::Diverged(divergence) => {
                self.claim.check()?;
                Checkpoint::prune(&self.dir.checkpoints_dir(), 1)?;
                self.finish(&data, &trainer, Outcome::Diverged, Some(divergence), context)
            }
        }
    }

    /// Records that the run is held back; its state is saved.
    fn pause(&self, trainer: &Trainer<'_>) -> Result<RunEnd, TrainError> {
        let (epoch, epochs) = (trainer.position().epoch, trainer.n_epochs());
        let reason = format!("behind others after {epoch} of {epochs} epochs");
        self.write_status(trainer, Activity::Paused, Some(&reason))?;
        Ok(RunEnd::Paused(trainer.position().clone()))
    }

    /// Takes up the newest checkpoint that is whole, or the weights to start from, and cuts the metrics back to it.
    fn restore(
        &self,
        trainer: &mut Trainer<'_>,
        data: &TrainingData,
        context: &mut RunContext<'_>,
    ) -> Result<(), TrainError> {
        let mut is_begun = false;
        for path in Checkpoint::list(&self.dir.checkpoints_dir())? {
            let checkpoint = match Checkpoint::read(&path) {
                Ok(checkpoint) => checkpoint,
                Err(error @ TrainError::Checkpoint(_)) => {
                    (context.warn)(&format!("{error}; taking the checkpoint before"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            checkpoint.check(&path, self.config, data)?;
            let Checkpoint { state, weights, optimizer, chosen } = checkpoint;
            let is_at_end = state.position.epoch >= trainer.n_epochs();
            let optimizer = match optimizer {
                Some(optimizer) => optimizer,
                None if is_at_end => trainer.optimizer_state().into_iter().collect(),
                None => {
                    let problem = "the state of the optimizer was dropped when the run ended, so it cannot be continued";
                    return Err(TrainError::checkpoint(&path, problem));
                }
            };
            let restored = trainer.restore(&weights, &optimizer, state.position, chosen);
            restored.map_err(|error| TrainError::checkpoint(&path, error))?;
            trainer.recall(state.solution);
            is_begun = true;
            break;
        }
        if !is_begun && let Some(note) = start(self.config, trainer, context.locate)? {
            (context.warn)(&note);
        }
        self.claim.check()?;
        Ok(self.dir.truncate_metrics(trainer.position().epoch)?)
    }

    fn save(
        &self,
        trainer: &Trainer<'_>,
        data: &TrainingData,
        version: &str,
        keeps_optimizer: bool,
    ) -> Result<(), TrainError> {
        self.claim.check()?;
        self.dir.sync_metrics()?;
        let folder = self.dir.checkpoints_dir();
        Checkpoint::write(&folder, trainer, data, self.config, version, keeps_optimizer)?;
        Checkpoint::prune(&folder, KEPT_CHECKPOINTS)
    }

    fn write_status(
        &self,
        trainer: &Trainer<'_>,
        state: Activity,
        reason: Option<&str>,
    ) -> Result<(), TrainError> {
        self.claim.check()?;
        Ok(self.dir.write_status(&Status {
            state,
            epoch: trainer.position().epoch,
            epochs: trainer.n_epochs(),
            attempt: self.attempt,
            deaths: self.deaths,
            reason: reason.map(str::to_owned),
            fails_again: false,
        })?)
    }

    fn write_failure(&self, error: &TrainError) -> Result<(), TrainError> {
        self.claim.check()?;
        let (epoch, epochs) =
            self.dir.status()?.map_or((0, self.config.optim.epochs), |status| (status.epoch, status.epochs));
        Ok(self.dir.write_status(&Status {
            state: Activity::Failed,
            epoch,
            epochs,
            attempt: self.attempt,
            deaths: self.deaths,
            reason: Some(error.to_string()),
            fails_again: error.fails_again(),
        })?)
    }

    fn finish(
        &self,
        data: &TrainingData,
        trainer: &Trainer<'_>,
        outcome: Outcome,
        diverged_at: Option<llp_sweep::record::Diverged>,
        context: &RunContext<'_>,
    ) -> Result<RunEnd, TrainError> {
        let mut metrics = self.dir.read_metrics()?;
        let still_falling = (outcome == Outcome::Complete).then(|| is_still_falling(&metrics)).flatten();
        let (mut chosen, mut test_confusion) = (None, None);
        if outcome == Outcome::Complete {
            chosen = self.config.checkpoint.chosen_by().best_epoch(&metrics).cloned();
            test_confusion = trainer.evaluator().confusion(data)?;
        }
        let result = RunResult {
            schema: RESULT_SCHEMA,
            run: self.config.run_name(),
            config_hash: self.config.hash8(),
            outcome,
            diverged_at,
            epochs: trainer.position().epoch,
            still_falling,
            last: metrics.pop(),
            chosen,
            test_confusion,
            solution: trainer.solution().cloned(),
            n_classes: data.class_names.len(),
            n_bags: data.bags.len(),
            bag_size: self.config.bags.size,
            smallest_bag: (0..data.bags.len()).map(|bag| data.bags.instances(bag).len()).min(),
            remainder: data.bags.remainder(),
            n_train: data.bags.n_instances(),
            n_held_out: data.n_held_out,
            n_held_out_bags: data.held_out.as_ref().map_or(0, llp_bags::BagSet::len),
            train_s: trainer.position().elapsed_s,
            version: context.version.to_owned(),
        };
        self.claim.check()?;
        self.dir.finish(&result)?;
        Ok(RunEnd::Ended(result))
    }
}

/// Starts from the weights that the configuration names, if it names some; returns what people should know of them.
pub(crate) fn start(
    config: &RunConfig,
    trainer: &mut Trainer<'_>,
    locate: Locate<'_>,
) -> Result<Option<String>, TrainError> {
    let NetworkConfig { init, init_hash: Some(expected), .. } = &config.network else {
        return Ok(None);
    };
    let init = init.as_ref().ok_or_else(|| {
        DataError::new(format!("the weights that this run starts from (hash {expected}) are in a file"))
            .remedy("start it again with llp train --init FILE")
    })?;
    let path = Pretrained::locate(init, locate)?;
    let pretrained = Pretrained::read(&path)?;
    let started = pretrained.check_hash(expected).and_then(|()| trainer.start_from(&pretrained));
    started.map_err(|error| error.in_file(&path))?;
    Ok(pretrained.note(trainer.network()))
}
