//! How the end of a cell's process is handled: counted, queued again, parked, or failed permanently.

use super::{Job, Pool, state_and_status};
use crate::error::SweepError;
use crate::executor::{CellEnd, Exit, code};
use crate::record::{Activity, Status};
use crate::run_dir::{RunDir, RunState};
use crate::sweep_dir::Cell;

impl<'a> Pool<'a> {
    pub(super) fn end(&mut self, job: &Job<'a>, exit: Exit) {
        let run = self.sweep.run_dir(job.cell);
        match state_and_status(&run, self.here()) {
            Ok((RunState::Complete, _)) => {
                self.totals.complete += 1;
                self.progress.ended(job.cell, &CellEnd::Complete);
            }
            Ok((RunState::Diverged, _)) => {
                self.totals.diverged += 1;
                self.progress.ended(job.cell, &CellEnd::Diverged);
            }
            Ok((RunState::Cancelled, _)) => {
                self.totals.cancelled += 1;
                self.progress.ended(job.cell, &CellEnd::Cancelled);
            }
            Ok((RunState::Pruned, _)) => {
                self.paused.push(job.cell);
                self.progress.ended(job.cell, &CellEnd::Paused);
            }
            // It lost the race for the claim.
            Ok((RunState::Running, _)) => self.elsewhere.push(job.cell),
            Ok((_, status)) => self.end_unfinished(job, exit, status),
            Err(error) => self.end_unreadable(job.cell, job.attempt, &error),
        }
    }

    /// A cell whose process ended before the run did.
    fn end_unfinished(&mut self, job: &Job<'a>, exit: Exit, status: Option<Status>) {
        match exit {
            Exit::Code(code::INTERRUPTED) => self.end_interrupted(job),
            Exit::Code(code::STOPPED) | Exit::Killed if self.is_stopping => self.end_interrupted(job),
            // Another process stopped it, or held it for a moment: it can go on.
            Exit::Code(code::STOPPED) => self.queue.push_back((job.cell, job.attempt)),
            Exit::Killed => self.end_dead(job, status),
            Exit::Code(_) => self.end_failed(job, exit, status),
        }
    }

    fn end_interrupted(&mut self, job: &Job<'a>) {
        self.totals.interrupted += 1;
        self.progress.ended(job.cell, &CellEnd::Interrupted);
    }

    /// Files that cannot be read are a failure that another attempt does not fix.
    pub(super) fn end_unreadable(&mut self, cell: &'a Cell, attempt: u32, error: &SweepError) {
        self.fail(cell, &CellEnd::Failed { attempt, is_retried: false, reason: error.to_string() });
    }

    /// Counts a death, and parks the cell if it was one too many.
    fn end_dead(&mut self, job: &Job<'a>, status: Option<Status>) {
        let deaths = 1 + status.as_ref().map_or(0, |status| status.deaths);
        let is_retried = deaths < self.options.max_deaths;
        let state = if is_retried { Activity::Interrupted } else { Activity::Parked };
        let reason = format!("its process was killed, {deaths} times so far");
        let dead = Status { state, deaths, reason: Some(reason), ..status_of(job, status) };
        if let Err(error) = self.record(job.cell, &dead) {
            return self.end_unreadable(job.cell, job.attempt, &error);
        }
        self.progress.ended(job.cell, &CellEnd::Died { deaths, is_retried });
        if is_retried {
            self.queue.push_back((job.cell, job.attempt));
        } else {
            self.totals.parked += 1;
            self.count_failure();
        }
    }

    /// Records a failure, keeping the reason that the cell itself gave, and tries again unless the failure is
    /// permanent.
    fn end_failed(&mut self, job: &Job<'a>, exit: Exit, status: Option<Status>) {
        let is_own = |status: &&Status| status.state == Activity::Failed && status.attempt == job.attempt;
        let own = status.as_ref().filter(is_own);
        let mut reason = own.and_then(|status| status.reason.clone()).unwrap_or_else(|| match exit {
            Exit::Code(code::DONE) => "ended without a result".to_owned(),
            Exit::Code(code) => format!("exit code {code}"),
            Exit::Killed => "killed".to_owned(),
        });
        let fails_again = exit == Exit::Code(code::PERMANENT) || own.is_some_and(|status| status.fails_again);
        let failed = Status { reason: Some(reason.clone()), fails_again, ..status_of(job, status) };
        if let Err(error) = self.record(job.cell, &failed) {
            reason = format!("{reason}; and this could not be recorded: {error}");
        }
        let is_retried = !self.is_final(&failed);
        let end = CellEnd::Failed { attempt: job.attempt, is_retried, reason };
        if is_retried {
            self.queue.push_back((job.cell, job.attempt + 1));
            self.progress.ended(job.cell, &end);
        } else {
            self.fail(job.cell, &end);
        }
    }

    fn record(&self, cell: &Cell, status: &Status) -> Result<(), SweepError> {
        let path = self.sweep.run_dir(cell).path().to_owned();
        RunDir::open_or_create(path, &cell.config)?.write_status(status)
    }

    /// A cell failed permanently.
    fn fail(&mut self, cell: &Cell, end: &CellEnd) {
        self.totals.failed += 1;
        self.progress.ended(cell, end);
        self.count_failure();
    }

    fn count_failure(&mut self) {
        self.failures += 1;
        if self.options.fail_fast {
            self.stop();
        }
        if self.options.max_failures.is_some_and(|most| self.failures >= most) {
            self.is_closed = true;
        }
    }
}

/// The status of a failed attempt, with what the cell itself reported last.
fn status_of(job: &Job<'_>, status: Option<Status>) -> Status {
    let epochs = job.cell.config.optim.epochs;
    let (epoch, epochs, deaths) =
        status.map_or((0, epochs, 0), |status| (status.epoch, status.epochs, status.deaths));
    Status {
        state: Activity::Failed,
        epoch,
        epochs,
        attempt: job.attempt,
        deaths,
        reason: None,
        fails_again: false,
    }
}
