//! The pool's state: which cells wait, run, and are elsewhere, and how they move between these.

mod exits;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;

use super::{Environment, Options};
use crate::claim::{Host, Watch};
use crate::control::freed_line;
use crate::error::SweepError;
use crate::executor::{Exit, Launch, Progress, RunningCell, Totals};
use crate::prune::may_go_on;
use crate::record::Status;
use crate::run_dir::{RunDir, RunState};
use crate::sweep_dir::{Cell, SweepDir};

/// A cell that runs here.
struct Job<'a> {
    cell: &'a Cell,
    attempt: u32,
    process: Box<dyn RunningCell>,
    /// The last epoch that was reported to the progress.
    epoch_reported: usize,
    metrics_bytes: u64,
}

pub(super) struct Pool<'a> {
    sweep: &'a SweepDir,
    options: &'a Options,
    environment: Environment<'a>,
    progress: &'a mut dyn Progress,
    totals: Totals,
    /// Cells to launch, each with the number of its next attempt.
    queue: VecDeque<(&'a Cell, u32)>,
    /// Cells that another process has claimed.
    elsewhere: Vec<&'a Cell>,
    /// Cells that are held back.
    paused: Vec<&'a Cell>,
    watch: Watch,
    /// When to look at them again.
    next_look: f64,
    /// Since when there is nothing to run here, if there is not.
    idle_since: Option<f64>,
    jobs: Vec<Job<'a>>,
    /// Cells that failed permanently during this command.
    failures: usize,
    /// Nothing more is launched.
    is_closed: bool,
    /// The running cells were asked to end.
    is_stopping: bool,
    /// The running cells were killed.
    is_killing: bool,
}

impl<'a> Pool<'a> {
    pub(super) fn new(
        sweep: &'a SweepDir,
        options: &'a Options,
        environment: Environment<'a>,
        progress: &'a mut dyn Progress,
    ) -> Self {
        Self {
            sweep,
            options,
            environment,
            progress,
            totals: Totals::default(),
            queue: VecDeque::new(),
            elsewhere: Vec::new(),
            paused: Vec::new(),
            watch: Watch::default(),
            next_look: 0.0,
            idle_since: None,
            jobs: Vec::new(),
            failures: 0,
            is_closed: false,
            is_stopping: false,
            is_killing: false,
        }
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    fn here(&self) -> &'a Host {
        &self.environment.owner.host
    }

    /// Puts every cell where it belongs at the start.
    pub(super) fn sort_cells(&mut self, cells: &[&'a Cell]) {
        for cell in cells {
            self.sort(cell, None);
        }
        self.totals.skipped = self.totals.ended();
    }

    /// Puts a cell that does not run here where it belongs. `attempt` is known for cells that ran here before.
    fn sort(&mut self, cell: &'a Cell, attempt: Option<u32>) {
        let run = self.sweep.run_dir(cell);
        match state_and_status(&run, self.here()) {
            Ok((RunState::Complete, _)) => self.totals.complete += 1,
            Ok((RunState::Diverged, _)) => self.totals.diverged += 1,
            Ok((RunState::Cancelled, _)) => self.totals.cancelled += 1,
            Ok((RunState::Parked, _)) => self.totals.parked += 1,
            Ok((RunState::Running, _)) => self.elsewhere.push(cell),
            Ok((RunState::Pruned, Some(status))) => self.sort_paused(cell, &status),
            Ok((RunState::Failed, Some(status))) if self.is_final(&status) => self.totals.failed += 1,
            Ok((_, status)) => {
                let attempt = attempt.unwrap_or_else(|| status.map_or(1, |status| status.next_attempt()));
                self.queue.push_back((cell, attempt));
            }
            Err(error) => self.end_unreadable(cell, attempt.unwrap_or(1), &error),
        }
    }

    /// Takes a cell that is held back up again, if it has come to be among the best.
    fn sort_paused(&mut self, cell: &'a Cell, status: &Status) {
        // If it cannot be read now, it is read next time.
        if may_go_on(self.sweep, cell, status.epoch, self.here()).unwrap_or(false) {
            self.queue.push_back((cell, status.attempt));
        } else {
            self.paused.push(cell);
        }
    }

    /// Whether a failed cell is not tried again.
    fn is_final(&self, status: &Status) -> bool {
        status.fails_again || status.attempt >= self.options.max_attempts
    }

    pub(super) fn poll_signals(&mut self) {
        let signals = self.environment.signals;
        if signals.stop.load(Ordering::Relaxed) {
            self.stop();
        }
        if signals.kill.load(Ordering::Relaxed) && !self.is_killing {
            self.stop();
            self.is_killing = true;
            self.jobs.iter_mut().for_each(|job| job.process.kill());
        }
    }

    pub(super) fn stop(&mut self) {
        self.is_closed = true;
        if !self.is_stopping {
            self.is_stopping = true;
            self.jobs.iter_mut().for_each(|job| job.process.interrupt());
        }
    }

    pub(super) fn look_at_jobs(&mut self) {
        let mut index = 0;
        while index < self.jobs.len() {
            let exit = self.jobs[index].process.try_wait().unwrap_or(Some(Exit::Killed));
            self.tell_epochs(index);
            match exit {
                None => index += 1,
                Some(exit) => {
                    let job = self.jobs.remove(index);
                    // A paused cell may be among the best now.
                    self.next_look = 0.0;
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
        // A run that resumes from an earlier checkpoint cuts its metrics back and reports those epochs again.
        let reported = job.epoch_reported.min(last);
        job.epoch_reported = last;
        for record in records.iter().filter(|record| record.epoch > reported) {
            self.progress.epoch(job.cell, record);
        }
    }

    pub(super) fn launch(&mut self, launcher: &dyn Launch) -> io::Result<()> {
        while !self.is_closed && self.jobs.len() < self.options.jobs.max(1) {
            let Some((cell, attempt)) = self.queue.pop_front() else { break };
            let run = self.sweep.run_dir(cell);
            // Another executor may have worked on it since it was queued.
            if state_and_status(&run, self.here()).is_ok_and(|(state, _)| !is_open(state)) {
                self.sort(cell, Some(attempt));
                continue;
            }
            let metrics_bytes = run.metrics_bytes();
            let epoch_reported =
                run.read_metrics().unwrap_or_default().last().map_or(0, |record| record.epoch);
            match launcher.launch(cell) {
                Ok(process) => self.jobs.push(Job { cell, attempt, process, epoch_reported, metrics_bytes }),
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
    pub(super) fn look_elsewhere(&mut self) {
        let now = (self.environment.seconds)();
        if self.is_closed || !self.queue.is_empty() || self.jobs.len() >= self.options.jobs.max(1) {
            self.idle_since = None;
            return;
        }
        if now >= self.next_look {
            self.next_look = now + self.options.look_elsewhere.as_secs_f64();
            for cell in std::mem::take(&mut self.elsewhere) {
                self.release_stale(cell, now);
                self.sort(cell, None);
            }
            for cell in std::mem::take(&mut self.paused) {
                self.sort(cell, None);
            }
        }
        let is_idle = self.queue.is_empty() && self.jobs.is_empty();
        self.idle_since = is_idle.then(|| self.idle_since.unwrap_or(now));
    }

    /// Frees a cell if the process that works on it, on another host, is dead.
    fn release_stale(&mut self, cell: &Cell, now: f64) {
        let run = self.sweep.run_dir(cell);
        // What cannot be read now is looked at again.
        if let Ok(Some(dead)) = self.watch.release_stale(run.path(), self.environment.owner, now) {
            // The run goes on without this line if it cannot be written.
            let _ = run.log(&freed_line(&dead));
            self.progress.freed(cell, &dead);
        }
    }

    pub(super) fn report_totals(&mut self) {
        let reported = self.totals;
        self.totals.running = self.jobs.len();
        self.totals.elsewhere = self.elsewhere.len();
        self.totals.waiting = self.queue.len();
        self.totals.pruned = self.paused.len();
        if reported != self.totals {
            self.progress.totals(&self.totals);
        }
    }

    pub(super) fn is_done(&self) -> bool {
        let has_idled = self
            .options
            .idle_exit
            .zip(self.idle_since)
            .is_some_and(|(limit, since)| (self.environment.seconds)() - since >= limit.as_secs_f64());
        let has_none = self.queue.is_empty() && self.elsewhere.is_empty();
        self.jobs.is_empty() && (self.is_closed || has_none || has_idled)
    }
}

/// Whether a run in this state may be worked on.
fn is_open(state: RunState) -> bool {
    matches!(state, RunState::Pending | RunState::Interrupted | RunState::Failed | RunState::Pruned)
}

/// The state of a run and its status, from its files.
fn state_and_status(run: &RunDir, here: &Host) -> Result<(RunState, Option<Status>), SweepError> {
    Ok((run.state(here)?, run.status()?))
}
