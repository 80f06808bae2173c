//! A pool on this machine: this many cells at once, until all have a result or have failed permanently.

mod pool;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::{Launch, Progress, Totals};
use crate::claim::Owner;
use crate::error::SweepError;
use crate::sweep_dir::{Cell, SweepDir};
use pool::Pool;

/// How the pool works.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Cells that run at once; at least 1.
    pub jobs: usize,
    /// Attempts for a cell that fails, counted over all commands; bad configuration or data gets one only.
    pub max_attempts: u32,
    /// Deaths of a cell's process, counted over all commands, after which it is parked.
    pub max_deaths: u32,
    /// At the first cell that fails permanently, interrupt the others and end.
    pub fail_fast: bool,
    /// After this many cells that fail permanently, launch no more and let the running ones end.
    pub max_failures: Option<usize>,
    /// End after so long without a cell to run, although others are being worked on elsewhere.
    pub idle_exit: Option<Duration>,
    /// How long to sleep between two looks at the running cells.
    pub poll: Duration,
    /// How long to wait between two looks at the cells that other processes work on.
    pub look_elsewhere: Duration,
}

/// Requests of the user to stop, set by signal handlers.
#[derive(Debug, Clone, Copy)]
pub struct Signals<'a> {
    /// Launch no more, ask the running cells to save and end, wait for them.
    pub stop: &'a AtomicBool,
    /// End the running cells at once.
    pub kill: &'a AtomicBool,
}

/// The environment of the pool.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// This process.
    pub owner: &'a Owner,
    /// Seconds since any fixed moment.
    pub seconds: &'a dyn Fn() -> f64,
    /// What the user wants.
    pub signals: Signals<'a>,
}

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").field("owner", self.owner).finish_non_exhaustive()
    }
}

/// Runs those of the given cells of a sweep that have no result yet.
///
/// Complete, diverged, cancelled and parked cells are skipped. A cell that fails goes to the end of the queue until its
/// attempts are used up; one that another process has claimed is looked at again when there is nothing else to do, and
/// freed if that process is found dead. Returns once no cell can go on: [`Totals::failed`] says whether some failed,
/// [`Totals::waiting`] whether some were not begun.
///
/// Any number of pools may work on one directory, on any number of machines that share it.
///
/// # Errors
/// [`SweepError::Io`] if a cell cannot be launched, after the running ones were asked to end and have ended.
pub fn run(
    sweep: &SweepDir,
    cells: &[&Cell],
    launcher: &dyn Launch,
    options: &Options,
    environment: Environment<'_>,
    progress: &mut dyn Progress,
) -> Result<Totals, SweepError> {
    let mut pool = Pool::new(sweep, options, environment, progress);
    pool.sort_cells(cells);
    let mut launch_error = None;
    loop {
        pool.poll_signals();
        pool.look_at_jobs();
        if let Err(error) = pool.launch(launcher) {
            launch_error.get_or_insert(error);
            pool.stop();
        }
        pool.look_elsewhere();
        pool.report_totals();
        if pool.is_done() {
            break;
        }
        std::thread::sleep(options.poll);
    }
    launch_error.map_or(Ok(pool.totals()), |error| Err(error.into()))
}
