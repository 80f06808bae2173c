//! A pool on this machine: so many cells at once, until all have a result or have failed for good.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{CellEnd, Exit, Launch, Progress, RunningCell, Totals, code};
use crate::claim::Host;
use crate::error::SweepError;
use crate::record::{Activity, Status};
use crate::run_dir::{RunDir, RunState};
use crate::sweep_dir::{Cell, SweepDir};

/// How the pool works.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Cells that run at once; at least 1.
    pub jobs: usize,
    /// Attempts for a cell that fails, counted over all commands; bad configuration or data gets one only.
    pub max_attempts: u32,
    /// At the first cell that fails for good, interrupt the others and end.
    pub fail_fast: bool,
    /// After so many cells that fail for good, launch no more and let the running ones end.
    pub max_failures: Option<usize>,
    /// How long to sleep between two looks at the running cells.
    pub poll: Duration,
}

/// The wishes of the user, set by signal handlers.
#[derive(Debug, Clone, Copy)]
pub struct Signals<'a> {
    /// Launch no more, ask the running cells to save and end, wait for them.
    pub stop: &'a AtomicBool,
    /// End the running cells at once.
    pub kill: &'a AtomicBool,
}

/// Runs the cells of a sweep that have no result yet.
///
/// Complete and diverged cells are skipped. A cell that fails goes to the end of the queue until its attempts are
/// used up; one that another process has claimed is looked at again when there is nothing else to do. Returns once
/// no cell can go on: [`Totals::failed`] says whether some failed, [`Totals::waiting`] whether some were not begun.
///
/// # Errors
/// [`SweepError::Io`] if a cell cannot be launched, after the running ones were asked to end and have ended.
pub fn run(
    sweep: &SweepDir,
    here: &Host,
    launcher: &dyn Launch,
    options: &Options,
    signals: Signals<'_>,
    progress: &mut dyn Progress,
) -> Result<Totals, SweepError> {
    let mut pool = Pool {
        sweep,
        here,
        options,
        progress,
        totals: Totals::default(),
        queue: VecDeque::new(),
        elsewhere: Vec::new(),
        jobs: Vec::new(),
        failures: 0,
        is_closed: false,
        is_stopping: false,
        is_killing: false,
    };
    pool.sort_cells();
    let mut launch_error = None;
    loop {
        pool.heed(signals);
        pool.look_at_jobs();
        if let Err(error) = pool.launch(launcher) {
            launch_error.get_or_insert(error);
            pool.stop();
        }
        pool.look_elsewhere();
        pool.tell_totals();
        if pool.is_done() {
            break;
        }
        std::thread::sleep(options.poll);
    }
    launch_error.map_or(Ok(pool.totals), |error| Err(error.into()))
}

/// A cell that runs here.
struct Job<'a> {
    cell: &'a Cell,
    attempt: u32,
    process: Box<dyn RunningCell>,
    /// The last epoch that was told to the progress.
    epoch_told: usize,
    metrics_bytes: u64,
}

struct Pool<'a> {
    sweep: &'a SweepDir,
    here: &'a Host,
    options: &'a Options,
    progress: &'a mut dyn Progress,
    totals: Totals,
    /// Cells to launch, each with the number of its next attempt.
    queue: VecDeque<(&'a Cell, u32)>,
    /// Cells that another process has claimed.
    elsewhere: Vec<&'a Cell>,
    jobs: Vec<Job<'a>>,
    /// Cells that failed for good during this command.
    failures: usize,
    /// Nothing more is launched.
    is_closed: bool,
    /// The running cells were asked to end.
    is_stopping: bool,
    /// The running cells were killed.
    is_killing: bool,
}

impl<'a> Pool<'a> {
    /// Puts every cell where it belongs at the start.
    fn sort_cells(&mut self) {
        for cell in self.sweep.cells() {
            self.sort(cell, None);
        }
        self.totals.skipped = self.totals.ended();
    }

    /// Puts a cell that does not run here where it belongs. `attempt` is known for cells that ran here before.
    fn sort(&mut self, cell: &'a Cell, attempt: Option<u32>) {
        let run = self.sweep.run_dir(cell);
        match look(&run, self.here) {
            Ok((RunState::Complete, _)) => self.totals.complete += 1,
            Ok((RunState::Diverged, _)) => self.totals.diverged += 1,
            Ok((RunState::Running, _)) => self.elsewhere.push(cell),
            Ok((RunState::Failed, Some(status))) if self.is_hopeless(&status) => self.totals.failed += 1,
            Ok((_, status)) => {
                let attempt = attempt.unwrap_or_else(|| status.map_or(1, |status| status.next_attempt()));
                self.queue.push_back((cell, attempt));
            }
            Err(error) => {
                let end = CellEnd::Failed {
                    attempt: attempt.unwrap_or(1),
                    is_retried: false,
                    reason: error.to_string(),
                };
                self.fail(cell, &end);
            }
        }
    }

    fn is_hopeless(&self, status: &Status) -> bool {
        status.hopeless || status.attempt >= self.options.max_attempts
    }

    fn heed(&mut self, signals: Signals<'_>) {
        if signals.stop.load(Ordering::Relaxed) {
            self.stop();
        }
        if signals.kill.load(Ordering::Relaxed) && !self.is_killing {
            self.stop();
            self.is_killing = true;
            self.jobs.iter_mut().for_each(|job| job.process.kill());
        }
    }

    fn stop(&mut self) {
        self.is_closed = true;
        if !self.is_stopping {
            self.is_stopping = true;
            self.jobs.iter_mut().for_each(|job| job.process.interrupt());
        }
    }

    fn look_at_jobs(&mut self) {
        let mut index = 0;
        while index < self.jobs.len() {
            let exit = self.jobs[index].process.try_wait().unwrap_or(Some(Exit::Killed));
            self.tell_epochs(index);
            match exit {
                None => index += 1,
                Some(exit) => {
                    let job = self.jobs.remove(index);
                    self.end(&job, exit);
                }
            }
        }
    }

    fn tell_epochs(&mut self, index: usize) {
        let job = &mut self.jobs[index];
        let run = self.sweep.run_dir(job.cell);
        let bytes = run.metrics_bytes();
        if bytes == job.metrics_bytes {
            return;
        }
        job.metrics_bytes = bytes;
        // Unreadable metrics are the trainer's and the report's problem; progress goes without.
        let records = run.read_metrics().unwrap_or_default();
        let last = records.last().map_or(0, |record| record.epoch);
        // A run that resumes from an earlier checkpoint cuts its metrics back and tells those epochs again.
        let told = job.epoch_told.min(last);
        job.epoch_told = last;
        for record in records.iter().filter(|record| record.epoch > told) {
            self.progress.epoch(job.cell, record);
        }
    }

    fn end(&mut self, job: &Job<'a>, exit: Exit) {
        let run = self.sweep.run_dir(job.cell);
        let was_stopped = matches!(exit, Exit::Code(code::STOPPED | code::INTERRUPTED))
            || (self.is_stopping && exit == Exit::Killed);
        match look(&run, self.here) {
            Ok((RunState::Complete, _)) => {
                self.totals.complete += 1;
                self.progress.ended(job.cell, &CellEnd::Complete);
            }
            Ok((RunState::Diverged, _)) => {
                self.totals.diverged += 1;
                self.progress.ended(job.cell, &CellEnd::Diverged);
            }
            // It lost the race for the claim.
            Ok((RunState::Running, _)) => self.elsewhere.push(job.cell),
            Ok(_) if was_stopped => {
                self.totals.interrupted += 1;
                self.progress.ended(job.cell, &CellEnd::Interrupted);
            }
            Ok((_, status)) => self.end_failed(job, exit, status),
            Err(error) => {
                let end =
                    CellEnd::Failed { attempt: job.attempt, is_retried: false, reason: error.to_string() };
                self.fail(job.cell, &end);
            }
        }
    }

    /// Records a failure, keeping the reason that the cell itself gave, and tries again if there is hope.
    fn end_failed(&mut self, job: &Job<'a>, exit: Exit, status: Option<Status>) {
        let own = |status: &Status| status.state == Activity::Failed && status.attempt == job.attempt;
        let own_reason =
            status.as_ref().filter(|status| own(status)).and_then(|status| status.reason.clone());
        let mut reason = own_reason.unwrap_or_else(|| match exit {
            Exit::Code(code::DONE) => "ended without a result".to_owned(),
            Exit::Code(code) => format!("exit code {code}"),
            Exit::Killed => "killed".to_owned(),
        });
        let hopeless = exit == Exit::Code(code::HOPELESS);
        let failed = Status {
            state: Activity::Failed,
            epoch: status.map_or(0, |status| status.epoch),
            epochs: job.cell.config.optim.epochs,
            attempt: job.attempt,
            reason: Some(reason.clone()),
            hopeless,
        };
        let path = self.sweep.run_dir(job.cell).path().to_owned();
        let recorded =
            RunDir::open_or_create(path, &job.cell.config).and_then(|run| run.write_status(&failed));
        if let Err(error) = recorded {
            reason = format!("{reason}; and this could not be recorded: {error}");
        }
        let is_retried = !self.is_hopeless(&failed);
        let end = CellEnd::Failed { attempt: job.attempt, is_retried, reason };
        if is_retried {
            self.queue.push_back((job.cell, job.attempt + 1));
            self.progress.ended(job.cell, &end);
        } else {
            self.fail(job.cell, &end);
        }
    }

    /// A cell failed for good.
    fn fail(&mut self, cell: &Cell, end: &CellEnd) {
        self.totals.failed += 1;
        self.failures += 1;
        self.progress.ended(cell, end);
        if self.options.fail_fast {
            self.stop();
        }
        if self.options.max_failures.is_some_and(|most| self.failures >= most) {
            self.is_closed = true;
        }
    }

    fn launch(&mut self, launcher: &dyn Launch) -> io::Result<()> {
        while !self.is_closed && self.jobs.len() < self.options.jobs.max(1) {
            let Some((cell, attempt)) = self.queue.pop_front() else { break };
            let run = self.sweep.run_dir(cell);
            // Another executor may have worked on it since it was queued.
            if matches!(look(&run, self.here), Ok((state, _)) if state.is_ended() || state == RunState::Running)
            {
                self.sort(cell, Some(attempt));
                continue;
            }
            let metrics_bytes = run.metrics_bytes();
            let epoch_told = run.read_metrics().unwrap_or_default().last().map_or(0, |record| record.epoch);
            match launcher.launch(cell) {
                Ok(process) => self.jobs.push(Job { cell, attempt, process, epoch_told, metrics_bytes }),
                Err(error) => {
                    self.queue.push_front((cell, attempt));
                    return Err(error);
                }
            }
            self.progress.started(cell, attempt);
        }
        Ok(())
    }

    /// Takes back cells that other processes have left, when there is room for them.
    fn look_elsewhere(&mut self) {
        if !self.is_closed && self.queue.is_empty() && self.jobs.len() < self.options.jobs.max(1) {
            for cell in std::mem::take(&mut self.elsewhere) {
                self.sort(cell, None);
            }
        }
    }

    fn tell_totals(&mut self) {
        let told = self.totals;
        self.totals.running = self.jobs.len();
        self.totals.elsewhere = self.elsewhere.len();
        self.totals.waiting = self.queue.len();
        if told != self.totals {
            self.progress.totals(&self.totals);
        }
    }

    fn is_done(&self) -> bool {
        self.jobs.is_empty() && (self.is_closed || self.queue.is_empty() && self.elsewhere.is_empty())
    }
}

/// The state of a run and its status, from its files.
fn look(run: &RunDir, here: &Host) -> Result<(RunState, Option<Status>), SweepError> {
    Ok((run.state(here)?, run.status()?))
}
