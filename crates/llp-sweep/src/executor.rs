//! Running the cells of a plan.
//!
//! An executor decides *which* cell runs *when*; what a cell does is the business of a [`Launch`], which the binary
//! implements with child processes and tests with small state machines. Whether a cell is done is never taken from
//! the executor's memory or an exit code alone, but from the run's directory.
//!
//! [`local`] runs several cells at a time on this machine, [`slurm`] hands them to a cluster. Several executors may work on one sweep: a cell that
//! another process has claimed is left alone and looked at again later.

pub mod local;
pub mod process;
mod slots;
pub mod slurm;

use std::io;

use crate::claim::Owner;
use crate::record::EpochRecord;
use crate::sweep_dir::Cell;

/// Starts the training of a cell.
pub trait Launch {
    /// Starts a cell and returns at once.
    ///
    /// # Errors
    /// If it cannot be started at all. This ends the sweep: it would be the same for the other cells.
    fn launch(&self, cell: &Cell) -> io::Result<Box<dyn RunningCell>>;
}

/// A cell that was launched.
pub trait RunningCell {
    /// How it ended, or nothing while it goes on. Does not wait.
    ///
    /// # Errors
    /// If there is no telling; the cell then counts as killed.
    fn try_wait(&mut self) -> io::Result<Option<Exit>>;

    /// Asks it to save a checkpoint and end. It may have ended by itself.
    fn interrupt(&mut self);

    /// Ends it at once. It may have ended by itself.
    fn kill(&mut self);
}

/// How a cell's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code; see [`code`].
    Code(i32),
    /// By force.
    Killed,
}

/// The exit codes that executors distinguish.
pub mod code {
    /// Done, already done, or diverged within a sweep.
    pub const DONE: i32 = 0;
    /// Bad arguments, configuration or data: never tried again.
    pub const PERMANENT: i32 = 2;
    /// Stopped early with a checkpoint, by a signal or a time limit; or another process works on the cell.
    pub const STOPPED: i32 = 75;
    /// Interrupted by the user, checkpoint saved.
    pub const INTERRUPTED: i32 = 130;
}

/// How the work on a cell ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellEnd {
    /// With a result after the last epoch.
    Complete,
    /// With a loss that is not finite: a result too.
    Diverged,
    /// Stopped with a checkpoint, to be continued by another command.
    Interrupted,
    /// Without a word, once more; it is parked if that was once too often.
    Died {
        /// How often its process has died so far.
        deaths: u32,
        /// Whether another attempt follows.
        is_retried: bool,
    },
    /// Stopped because it was cancelled.
    Cancelled,
    /// Held back at a rung, perhaps to be taken up again.
    Paused,
    /// With an error; it is tried again if attempts are left.
    Failed {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// Whether another attempt follows.
        is_retried: bool,
        /// What is known about the cause.
        reason: String,
    },
}

/// How many cells are in which situation. At the end of a sweep nothing is running, and waiting are the cells that
/// were not begun because the sweep was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Complete, now or before.
    pub complete: usize,
    /// Diverged, now or before.
    pub diverged: usize,
    /// Failed permanently, now or before.
    pub failed: usize,
    /// Set aside because their processes died too often, now or before.
    pub parked: usize,
    /// Cancelled, now or before.
    pub cancelled: usize,
    /// Held back because others are better, now or before.
    pub pruned: usize,
    /// Stopped early during this command.
    pub interrupted: usize,
    /// Running here.
    pub running: usize,
    /// Claimed by another process.
    pub elsewhere: usize,
    /// Waiting to be launched.
    pub waiting: usize,
    /// Of the complete and diverged cells, those that were so before this command.
    pub skipped: usize,
}

impl Totals {
    /// All cells.
    pub fn cells(&self) -> usize {
        self.ended()
            + self.failed
            + self.parked
            + self.cancelled
            + self.pruned
            + self.interrupted
            + self.running
            + self.elsewhere
            + self.waiting
    }

    /// Cells that have a result.
    pub fn ended(&self) -> usize {
        self.complete + self.diverged
    }
}

/// What an executor reports about its work. The binary draws bars or prints lines; [`Silent`] does nothing.
pub trait Progress {
    /// A cell was launched; `attempt` counts from 1.
    fn started(&mut self, cell: &Cell, attempt: u32);
    /// A running cell finished an epoch.
    fn epoch(&mut self, cell: &Cell, record: &EpochRecord);
    /// The work on a cell ended.
    fn ended(&mut self, cell: &Cell, end: &CellEnd);
    /// The claim of a process of another host, which is dead, was taken from a cell.
    fn freed(&mut self, cell: &Cell, dead: &Owner);
    /// The counts have changed.
    fn totals(&mut self, totals: &Totals);
}

/// No progress reports.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn started(&mut self, _: &Cell, _: u32) {}
    fn epoch(&mut self, _: &Cell, _: &EpochRecord) {}
    fn ended(&mut self, _: &Cell, _: &CellEnd) {}
    fn freed(&mut self, _: &Cell, _: &Owner) {}
    fn totals(&mut self, _: &Totals) {}
}
