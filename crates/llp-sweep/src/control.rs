//! Taking decisions about cells: not to be worked on, or to be tried again.

use std::time::Duration;

use crate::claim::{BEAT, MISSED_MAX, Owner, Watch};
use crate::error::SweepError;
use crate::executor::process::terminate;
use crate::run_dir::{RunDir, RunState};
use crate::sweep_dir::{Cell, SweepDir};

/// Which cells [`retry`] opens beside failed, parked and cancelled ones, and how far it takes them back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retry {
    /// Those that diverged too.
    pub diverged: bool,
    /// From the first epoch, instead of the last checkpoint.
    pub from_scratch: bool,
}

/// Makes failed, parked and cancelled cells eligible again, with all their attempts. Returns them.
///
/// # Errors
/// [`SweepError::Io`], or [`SweepError::Claimed`] if a process has just begun to work on one.
pub fn retry<'a>(
    sweep: &SweepDir,
    cells: &[&'a Cell],
    retry: Retry,
    owner: &Owner,
) -> Result<Vec<&'a Cell>, SweepError> {
    let mut reopened = Vec::new();
    for cell in cells {
        let run = sweep.run_dir(cell);
        let state = run.state(&owner.host)?;
        let is_asked_for = matches!(state, RunState::Failed | RunState::Parked | RunState::Cancelled)
            || (state == RunState::Diverged && retry.diverged);
        if is_asked_for {
            reopen(&run, cell, retry, owner)?;
            reopened.push(*cell);
        }
    }
    Ok(reopened)
}

/// Frees the cells that processes of other hosts hold which are dead, and says so in their logs. If there are such
/// processes, this looks at them for as long as a living one could stay silent: three times `beat`, which is
/// [`BEAT`], but for tests. Returns the cells with the dead.
///
/// # Errors
/// [`SweepError::Io`].
pub fn free_from_dead_hosts<'a>(
    sweep: &SweepDir,
    cells: &[&'a Cell],
    owner: &Owner,
    beat: Duration,
) -> Result<Vec<(&'a Cell, Owner)>, SweepError> {
    let is_elsewhere = |cell: &&&Cell| {
        let holder = sweep.run_dir(cell).holder(&owner.host);
        holder.is_ok_and(|holder| holder.is_some_and(|holder| holder.host.name != owner.host.name))
    };
    let suspects: Vec<&Cell> = cells.iter().filter(is_elsewhere).copied().collect();
    let (mut watch, mut freed) = (Watch::default(), Vec::new());
    for round in 0..=MISSED_MAX {
        if suspects.is_empty() {
            break;
        }
        if round > 0 {
            std::thread::sleep(beat);
        }
        for cell in &suspects {
            let run = sweep.run_dir(cell);
            if let Some(dead) =
                watch.release_stale(run.path(), owner, f64::from(round) * beat.as_secs_f64())?
            {
                run.log(&freed_line(&dead))?;
                freed.push((*cell, dead));
            }
        }
    }
    Ok(freed)
}

/// What the log of a run says that was freed from a dead process.
pub(crate) fn freed_line(dead: &Owner) -> String {
    format!("taken over from {dead}, whose heartbeat stopped")
}

fn reopen(run: &RunDir, cell: &Cell, retry: Retry, owner: &Owner) -> Result<(), SweepError> {
    RunDir::open_or_create(run.path(), &cell.config)?;
    let claim = run.claim(owner, BEAT)?;
    if retry.from_scratch {
        run.start_over()?;
    } else {
        run.discard_result()?;
        run.forget_failures()?;
    }
    run.readmit()?;
    drop(claim);
    run.log("eligible again")
}

/// Cancels the cells that have no result: they are skipped until [`retry`], and those that run are asked to save and
/// stop. A process of this host gets `SIGTERM`, one elsewhere checks the mark every few seconds. Returns the cells
/// that were cancelled.
///
/// # Errors
/// [`SweepError::Io`].
pub fn cancel<'a>(sweep: &SweepDir, cells: &[&'a Cell], owner: &Owner) -> Result<Vec<&'a Cell>, SweepError> {
    let mut cancelled = Vec::new();
    for cell in cells {
        let run = sweep.run_dir(cell);
        let state = run.state(&owner.host)?;
        if state.is_ended() || state == RunState::Cancelled {
            continue;
        }
        RunDir::open_or_create(run.path(), &cell.config)?.cancel()?;
        if let Some(holder) = run.holder(&owner.host)?.filter(|holder| holder.host == owner.host) {
            terminate(holder.pid);
        }
        cancelled.push(*cell);
    }
    Ok(cancelled)
}
