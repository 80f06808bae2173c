//! What a run writes down while it trains.

use std::cell::Cell;

use llp_sweep::record::{Activity, EpochRecord};

use super::{Run, RunContext};
use crate::position::Position;
use crate::{Hooks, TrainError, Trainer, TrainingData};

/// Seconds between two writings of the status of a run whose epochs are short: each waits for the disk.
const STATUS_S: f64 = 1.0;

/// Seconds between two looks at whether the run is cancelled.
const CANCEL_LOOK_S: f64 = 5.0;

/// Writes down every epoch.
pub(super) struct Recorder<'a, 'b, 'c> {
    pub(super) run: &'a Run<'a>,
    pub(super) data: &'a TrainingData,
    pub(super) context: &'b mut RunContext<'c>,
    pub(super) is_held_back: bool,
    /// When the run's directory was last asked whether the run is cancelled.
    pub(super) looked_at: Cell<Option<f64>>,
    /// When the status was last written.
    pub(super) reported_at: Option<f64>,
}

impl Recorder<'_, '_, '_> {
    /// Whether the run was cancelled, perhaps on another host. Checks every few seconds only.
    fn is_cancelled(&self) -> bool {
        let now = self.seconds();
        if self.looked_at.get().is_some_and(|last| now - last < CANCEL_LOOK_S) {
            return false;
        }
        self.looked_at.set(Some(now));
        self.run.dir.is_cancelled()
    }
}

impl Hooks for Recorder<'_, '_, '_> {
    fn should_stop(&self) -> bool {
        self.is_held_back || (self.context.should_stop)() || self.is_cancelled()
    }

    fn seconds(&self) -> f64 {
        (self.context.seconds)()
    }

    fn step_ended(&mut self, position: &Position) {
        (self.context.step_ended)(position);
    }

    fn epoch_ended(&mut self, trainer: &Trainer<'_>, record: &EpochRecord) -> Result<(), TrainError> {
        let run = self.run;
        run.claim.check()?;
        run.dir.append_metrics(record)?;
        let (now, is_last) = (self.seconds(), record.epoch == trainer.n_epochs());
        if is_last || self.reported_at.is_none_or(|reported| now - reported >= STATUS_S) {
            run.write_status(trainer, Activity::Running, None)?;
            self.reported_at = Some(now);
        }
        if record.epoch.is_multiple_of(run.config.checkpoint.every_epochs) && !is_last {
            run.save(trainer, self.data, self.context.version, true)?;
        }
        (self.context.epoch_ended)(run.config, record);
        self.is_held_back = !is_last && !(self.context.may_go_on)(record.epoch);
        Ok(())
    }

    fn warn(&mut self, message: &str) {
        (self.context.warn)(message);
    }
}
