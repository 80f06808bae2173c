//! What the parts of a run take on this machine: a few steps instead of all.

use std::path::Path;

use candle_core::Device;
use llp_sweep::config::RunConfig;
use llp_sweep::forecast::Timing;
use llp_sweep::record::{Activity, Status};
use llp_sweep::run_dir::RunDir;

use crate::fault::check_precision;
use crate::{Checkpoint, Locate, TrainError, Trainer, TrainingData, build_loss};

/// Steps before the first that is timed take this many seconds: they allocate, and the processor finds its speed.
const WARM_UP_S: f64 = 1.0;

/// Steps are timed for at least this many seconds, and other things that may be short for some of it.
const STEPS_S: f64 = 3.0;
const OTHERS_S: f64 = 0.3;

/// What [`probe`] takes from the world outside.
pub struct ProbeContext<'a> {
    /// The location of data sets that the configuration names without a path.
    pub locate: Locate<'a>,
    /// Where tensors live.
    pub device: &'a Device,
    /// Version of the program.
    pub version: &'a str,
    /// Seconds since the start of the process.
    pub seconds: &'a dyn Fn() -> f64,
    /// Called before the first step; returns when the steps are to begin.
    pub ready: &'a mut dyn FnMut(),
    /// Called with the timing; the training then goes on until `is_over`, so that others are timed beside it.
    pub timed: &'a mut dyn FnMut(&Timing),
    /// Whether to end.
    pub is_over: &'a dyn Fn() -> bool,
}

/// Times the parts of a run in the directory `scratch`, which gets a checkpoint and records but no result: at least
/// `n_steps` steps, and three seconds' worth.
///
/// # Errors
/// What is wrong with the configuration, the data or the directory.
pub fn probe(
    scratch: &Path,
    config: &RunConfig,
    n_steps: usize,
    context: &mut ProbeContext<'_>,
) -> Result<(), TrainError> {
    let dir = RunDir::open_or_create(scratch, config)?;
    check_precision(config, !context.device.is_cpu())?;
    let data = TrainingData::load(config, context.locate)?;
    let mut trainer = Trainer::new(config, &data, build_loss(config), context.device)?;
    let start_s = (context.seconds)();
    (context.ready)();

    let mut step = 0;
    let mut next_step = || {
        step += 1;
        trainer.trial_step(step)?;
        // A GPU works asynchronously: wait for it.
        Ok(context.device.synchronize()?)
    };
    mean_s(context.seconds, 1, WARM_UP_S, &mut next_step)?;
    let step_s = mean_s(context.seconds, n_steps, STEPS_S, &mut next_step)?;
    // A GPU finds its algorithms the first time.
    if context.device.is_cuda() {
        trainer.trial_evaluation()?;
    }
    let mut record = None;
    let evaluation_s = mean_s(context.seconds, 1, OTHERS_S, || {
        record = trainer.trial_evaluation()?;
        Ok(())
    })?;
    let record_s = mean_s(context.seconds, 1, OTHERS_S, || {
        if let Some(record) = &record {
            dir.append_metrics(record)?;
        }
        Ok(dir.write_status(&running(trainer.n_epochs()))?)
    })?;
    let mut sizes = (0, 0);
    let checkpoint_s = mean_s(context.seconds, 1, OTHERS_S, || {
        let folder = dir.checkpoints_dir();
        let path = Checkpoint::write(&folder, &trainer, &data, config, context.version, true)?;
        sizes = Checkpoint::bytes(&path)?;
        Checkpoint::prune(&folder, 1)
    })?;
    let (kept_bytes, checkpoint_bytes) = sizes;
    let steps = trainer.n_steps();
    (context.timed)(&Timing {
        start_s,
        steps,
        epochs: trainer.n_epochs(),
        step_s,
        evaluation_s,
        record_s,
        checkpoint_s,
        kept_bytes,
        checkpoint_bytes,
    });
    while !(context.is_over)() {
        step += 1;
        trainer.trial_step(step)?;
    }
    Ok(())
}

/// Mean seconds of something that is done at least `n_min` times, and for at least `seconds_min`.
fn mean_s(
    seconds: &dyn Fn() -> f64,
    n_min: usize,
    seconds_min: f64,
    mut act: impl FnMut() -> Result<(), TrainError>,
) -> Result<f64, TrainError> {
    let (start, mut n) = (seconds(), 0);
    loop {
        act()?;
        n += 1;
        let elapsed = seconds() - start;
        if n >= n_min && elapsed >= seconds_min {
            return Ok(elapsed / n as f64);
        }
    }
}

fn running(epochs: usize) -> Status {
    Status {
        state: Activity::Running,
        epoch: 0,
        epochs,
        attempt: 1,
        deaths: 0,
        reason: None,
        fails_again: false,
    }
}
