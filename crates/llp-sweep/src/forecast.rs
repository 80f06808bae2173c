//! What a sweep will cost, from what a few of its steps cost.

use serde::{Deserialize, Serialize};

use crate::config::RunConfig;

/// What the parts of a run take, in seconds, and what it leaves on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// From the start of the process to its first step: program, data, network.
    pub start_s: f64,
    /// Steps of an epoch.
    pub steps: usize,
    /// Epochs of the run.
    pub epochs: usize,
    /// A step.
    pub step_s: f64,
    /// The evaluation at the end of an epoch.
    pub evaluation_s: f64,
    /// What is written at the end of an epoch, a checkpoint aside.
    pub record_s: f64,
    /// A checkpoint.
    pub checkpoint_s: f64,
    /// Bytes of a checkpoint that a run keeps when it is complete.
    pub kept_bytes: u64,
    /// Bytes of a checkpoint while the run goes on.
    pub checkpoint_bytes: u64,
}

impl Timing {
    /// Seconds of an epoch, a checkpoint aside.
    pub(crate) fn epoch_s(&self) -> f64 {
        self.steps as f64 * self.step_s + self.evaluation_s + self.record_s
    }

    /// Seconds of a run that has done some epochs before, from the start of its process to its end.
    pub fn run_s(&self, config: &RunConfig, epochs_done: usize) -> f64 {
        let (epochs, every) = (self.epochs, config.checkpoint.every_epochs.max(1));
        // The last epoch is saved whether it is its turn or not.
        let saves = |epoch: usize| epoch / every;
        let n_checkpoints = saves(epochs.saturating_sub(1)) - saves(epochs_done.min(epochs - 1)) + 1;
        let left = epochs.saturating_sub(epochs_done);
        // A complete run is evaluated once more, for the confusion of its classes.
        let end_s = self.evaluation_s;
        self.start_s + left as f64 * self.epoch_s() + n_checkpoints as f64 * self.checkpoint_s + end_s
    }
}

/// When the last of some runs ends, in seconds, if each starts in the order given as soon as one of the slots is free.
/// Slots are the runs that train at once on all machines; at least 1.
pub fn makespan(runs_s: &[f64], slots: usize) -> f64 {
    let mut free_at = vec![0.0_f64; slots.max(1).min(runs_s.len().max(1))];
    for run_s in runs_s {
        // The first of those that are free earliest.
        let next = (0..free_at.len()).min_by(|a, b| free_at[*a].total_cmp(&free_at[*b])).unwrap_or(0);
        free_at[next] += run_s;
    }
    free_at.into_iter().fold(0.0, f64::max)
}
