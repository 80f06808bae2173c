//! The directory of one run: the only truth about what it has done.
//!
//! ```text
//! config.toml     the complete configuration, written first
//! cancel          present while no process may work on it
//! claim-1.json    the process that works on it, while one does, and claim-1.beat, which counts while it lives
//! status.json     its status
//! metrics.jsonl   one line an epoch
//! checkpoints/    the trainer's
//! log.txt         what its processes said, within a sweep
//! result.json     written last: its presence means that the run ended
//! ```
//!
//! No path in it is absolute and no file is changed in place, but for lines added to `metrics.jsonl`; a process
//! may be killed at any moment.

mod metrics;
mod state;

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::atomic::write_atomically;
use crate::claim::{self, Claim, Host, Owner};
use crate::config::RunConfig;
use crate::error::SweepError;
use crate::record::{self, Activity, RunResult, Status};

pub use state::RunState;

/// A run directory.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// The directory at `path`, which need not exist: then it is that of a pending run.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes the directory of a run, or opens it if it is already that of the same run.
    ///
    /// Keys that are not part of a run's identity (path of the data, how often to save) are taken over from
    /// `config` where they differ. So is everything where the run was refused before its first step: with
    /// corrected settings, the directory can be used again.
    ///
    /// # Errors
    /// The keys that differ, for a directory of another run.
    pub fn open_or_create(path: impl Into<PathBuf>, config: &RunConfig) -> Result<Self, SweepError> {
        let run = Self::at(path);
        fs_err::create_dir_all(run.checkpoints_dir())?;
        let (file, text) = (run.path.join("config.toml"), config.to_toml());
        match fs_err::read_to_string(&file) {
            Ok(written) if written == text => return Ok(run),
            Ok(written) => {
                let there = RunConfig::from_toml(&file.display().to_string(), &written)?;
                let differences = there.diff(config);
                if !differences.is_empty() && !run.failed_before_first_step()? {
                    let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
                    return Err(SweepError::Invalid(format!(
                        "{} holds a run with another configuration:\n  {}\nchoose another folder, or repeat the run's \
                         own settings",
                        run.path.display(),
                        differences.join("\n  ")
                    )));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        write_atomically(&file, text.as_bytes())?;
        Ok(run)
    }

    /// Removes the directory of a run that was refused before its first step; does nothing to any other.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub fn remove_refused(self) -> Result<(), SweepError> {
        if self.failed_before_first_step()? && self.read_metrics()?.is_empty() {
            fs_err::remove_dir_all(&self.path)?;
        }
        Ok(())
    }

    /// Whether the run failed permanently before its first step, so that nothing is lost.
    fn failed_before_first_step(&self) -> Result<bool, SweepError> {
        let fails_again = self.status()?.is_some_and(|status| status.fails_again && status.epoch == 0);
        Ok(fails_again && fs_err::read_dir(self.checkpoints_dir())?.next().is_none())
    }

    /// Opens the directory of a run that was started before.
    ///
    /// # Errors
    /// If there is no `config.toml`, and those of [`RunConfig::read`].
    pub fn open(path: impl Into<PathBuf>) -> Result<(Self, RunConfig), SweepError> {
        let run = Self::at(path);
        let file = run.path.join("config.toml");
        if !file.exists() {
            return Err(SweepError::no_run(&run.path));
        }
        let config = RunConfig::read(&file)?;
        Ok((run, config))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder for the trainer's checkpoints. [`open_or_create`](Self::open_or_create) makes it.
    pub fn checkpoints_dir(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// What the run's files say about it. `here` is needed to see whether the process of a claim is alive.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn state(&self, here: &Host) -> Result<RunState, SweepError> {
        Ok(self.state_and_result(here)?.0)
    }

    /// [`state`](Self::state) and the result that it is taken from, if there is one.
    pub(crate) fn state_and_result(&self, here: &Host) -> Result<(RunState, Option<RunResult>), SweepError> {
        if let Some(result) = self.result()? {
            return Ok((RunState::of(&result), Some(result)));
        }
        // A run that ends between the two looks has its result by the time that is looked at again.
        let is_held = claim::live_holder(&self.path, here)?.is_some();
        if let Some(result) = self.result()? {
            return Ok((RunState::of(&result), Some(result)));
        }
        let status = self.status()?.map(|status| status.state);
        let state = match status {
            _ if is_held => RunState::Running,
            _ if self.is_cancelled() => RunState::Cancelled,
            Some(Activity::Failed) => RunState::Failed,
            Some(Activity::Parked) => RunState::Parked,
            Some(Activity::Paused) => RunState::Pruned,
            Some(_) => RunState::Interrupted,
            None if claim::is_claimed(&self.path) => RunState::Interrupted,
            None => RunState::Pending,
        };
        Ok((state, None))
    }

    /// The process that works on the run. Returns `None` if there is none or it is known to be gone.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub fn holder(&self, here: &Host) -> Result<Option<Owner>, SweepError> {
        claim::live_holder(&self.path, here)
    }

    /// Claims the run for a process, so that no other works on it until the claim is dropped.
    ///
    /// The claim of a process of the same host that is gone is taken over at once, that of another host after three
    /// missed beats, for which this waits; [`Claim::taken_over`] says so. `beat` is how often this
    /// process shows that it lives: [`BEAT`](crate::claim::BEAT), but for tests.
    /// Look at [`result`](Self::result) after claiming: another process may have ended the run just before.
    ///
    /// # Errors
    /// [`SweepError::Claimed`] with the process that holds it.
    pub fn claim(&self, owner: &Owner, beat: Duration) -> Result<Claim, SweepError> {
        Claim::take(&self.path, owner, beat)
    }

    /// Writes `status.json`.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub fn write_status(&self, status: &Status) -> Result<(), SweepError> {
        let json = record::to_json(status)? + "\n";
        Ok(write_atomically(&self.status_path(), json.as_bytes())?)
    }

    /// Reads `status.json`, if it is there.
    ///
    /// # Errors
    /// If it is not a status.
    pub fn status(&self) -> Result<Option<Status>, SweepError> {
        record::read_json(&self.status_path())
    }

    /// The number of the next attempt, from 1: one more than the last if that failed, else the same.
    ///
    /// # Errors
    /// As [`RunDir::status`].
    pub fn next_attempt(&self) -> Result<u32, SweepError> {
        Ok(self.status()?.map_or(1, |status| status.next_attempt()))
    }

    /// Forgets the failures and deaths of a run, so that all attempts are open again. Its checkpoints stay.
    ///
    /// # Errors
    /// [`SweepError::Io`] if `status.json` cannot be written.
    pub fn forget_failures(&self) -> Result<(), SweepError> {
        match self.status()? {
            Some(status) if matches!(status.state, Activity::Failed | Activity::Parked) => {
                self.write_status(&Status {
                    state: Activity::Interrupted,
                    attempt: 1,
                    deaths: 0,
                    reason: None,
                    fails_again: false,
                    ..status
                })
            }
            _ => Ok(()),
        }
    }

    /// Forgets that the run ended; it then counts as interrupted, and goes on from its last checkpoint.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub(crate) fn discard_result(&self) -> Result<(), SweepError> {
        remove_if_there(fs_err::remove_file(self.result_path()))
    }

    /// Removes everything that the run has done, but its configuration, its claim and its log.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub(crate) fn start_over(&self) -> Result<(), SweepError> {
        // The result goes first: without it, what is left is an unfinished run, whatever happens meanwhile.
        self.discard_result()?;
        remove_if_there(fs_err::remove_dir_all(self.checkpoints_dir()))?;
        remove_if_there(fs_err::remove_file(self.metrics_path()))?;
        remove_if_there(fs_err::remove_file(self.status_path()))
    }

    /// Marks the run as not to be worked on. A process that works on it looks at the mark and stops.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub fn cancel(&self) -> Result<(), SweepError> {
        Ok(write_atomically(&self.cancel_path(), b"")?)
    }

    /// Takes [`cancel`](Self::cancel) back.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub(crate) fn readmit(&self) -> Result<(), SweepError> {
        remove_if_there(fs_err::remove_file(self.cancel_path()))
    }

    /// Whether the run is marked as not to be worked on.
    pub fn is_cancelled(&self) -> bool {
        self.cancel_path().exists()
    }

    /// Adds a line to `log.txt`.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub fn log(&self, line: &str) -> Result<(), SweepError> {
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(self.log_path())?;
        Ok(file.write_all([line, "\n"].concat().as_bytes())?)
    }

    /// Where the run's output goes within a sweep.
    pub fn log_path(&self) -> PathBuf {
        self.path.join("log.txt")
    }

    /// Ends the run: writes `result.json`, the last file to be written.
    ///
    /// # Errors
    /// The field, if a number is not finite.
    pub fn finish(&self, result: &RunResult) -> Result<(), SweepError> {
        let json = record::to_json(result)? + "\n";
        Ok(write_atomically(&self.result_path(), json.as_bytes())?)
    }

    /// Reads `result.json`. Returns `None` if the run has not ended.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn result(&self) -> Result<Option<RunResult>, SweepError> {
        record::read_result(&self.result_path())
    }

    fn cancel_path(&self) -> PathBuf {
        self.path.join("cancel")
    }

    fn status_path(&self) -> PathBuf {
        self.path.join("status.json")
    }

    fn result_path(&self) -> PathBuf {
        self.path.join("result.json")
    }
}

/// What is not there is removed.
fn remove_if_there(removal: std::io::Result<()>) -> Result<(), SweepError> {
    match removal {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
