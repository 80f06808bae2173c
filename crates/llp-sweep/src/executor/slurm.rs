//! Slurm: job arrays whose tasks work through the cells that have no result, and a job that reports when all are done.
//!
//! Everything is in `SWEEP/slurm/`: a script and a list of cells for each array, the script of the report, the logs, and
//! `submitted.json` with the numbers of the jobs. Slurm is never asked what is done: the run directories are the truth,
//! and submitting again takes up what has no result then.
//!
//! The scripts name the sweep as `..`, so the only path in them is that of the program.

mod script;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::atomic::write_atomically;
use crate::claim::Host;
use crate::error::SweepError;
use crate::prune::may_go_on;
use crate::record::{read_json, to_json};
use crate::run_dir::RunState;
use crate::sweep_dir::{Cell, SweepDir};

/// The version of `submitted.json` that this program writes.
const SCHEMA: u32 = 1;

/// What arrays are to be like.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program that trains: `PROGRAM sweep exec`. An absolute path that the nodes have too.
    pub program: PathBuf,
    /// Where each cell trains: the argument `--device`.
    pub device: String,
    /// Cells that a task works through, one after the other; at least 1.
    pub runs_per_task: usize,
    /// Tasks of an array that run at once; as many as Slurm has room for if nothing is said.
    pub max_parallel: Option<usize>,
    /// Time limit of a task, as Slurm writes it.
    pub time: Option<String>,
    /// Arguments for `sbatch`, as the user gave them.
    pub extra: Vec<String>,
    /// The most tasks that an array may have.
    pub array_size_max: usize,
}

/// A file for `sbatch`, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its name in `slurm/`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The cells of each task, a line for each, in a file beside it; the report has none.
    pub cells: Option<String>,
}

/// `submitted.json`: what was handed to Slurm, to look it up or to cancel it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Version of the format.
    pub schema: u32,
    /// Every job so far, the newest last.
    pub jobs: Vec<Job>,
}

/// A job of Slurm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number, as `sbatch` prints it.
    pub id: String,
    /// Its script in `slurm/`.
    pub script: String,
}

/// The cells that a submission takes: those without a result that are not running, cancelled or parked, except for
/// permanent failures.
///
/// # Errors
/// A run that cannot be read.
pub fn open_cells<'a>(
    sweep: &SweepDir,
    cells: &[&'a Cell],
    here: &Host,
) -> Result<Vec<&'a Cell>, SweepError> {
    let mut open = Vec::new();
    for cell in cells {
        let run = sweep.run_dir(cell);
        let is_open = match run.state(here)? {
            RunState::Pending | RunState::Interrupted => true,
            RunState::Pruned => {
                let epoch = run.status()?.map_or(0, |status| status.epoch);
                may_go_on(sweep, cell, epoch, here)?
            }
            RunState::Failed => !run.status()?.is_some_and(|status| status.fails_again),
            _ => false,
        };
        if is_open {
            open.push(*cell);
        }
    }
    Ok(open)
}

/// The scripts for some cells: arrays of at most [`Options::array_size_max`] tasks, and the report.
pub fn scripts(sweep: &SweepDir, cells: &[&Cell], options: &Options) -> Vec<Script> {
    let name = sweep.path().file_name().unwrap_or_default().to_string_lossy();
    let tasks: Vec<String> = cells.chunks(options.runs_per_task.max(1)).map(script::task).collect();
    let arrays = tasks.chunks(options.array_size_max.max(1)).enumerate();
    let mut scripts: Vec<Script> =
        arrays.map(|(place, tasks)| script::array(&name, place, tasks, options)).collect();
    scripts.push(script::report(&name, &options.program));
    scripts
}

/// The arguments of `sbatch` that hand over a script, within `slurm/`; `after` are the jobs that must have ended before.
pub fn sbatch(script: &Script, extra: &[String], after: &[String]) -> Vec<String> {
    let mut arguments = vec!["--parsable".to_owned()];
    if script.cells.is_none() {
        arguments.push(format!("--dependency=afterany:{}", after.join(":")));
    }
    arguments.extend_from_slice(extra);
    arguments.push(script.name.clone());
    arguments
}

/// Writes the scripts and hands them to Slurm: the arrays first, then the report, which waits for them. Returns their
/// numbers, which are recorded too. `command` is `sbatch`, or where it is.
///
/// # Errors
/// [`SweepError::Slurm`] with what `sbatch` says; arrays that were handed over before are recorded.
pub fn submit(
    sweep: &SweepDir,
    scripts: &[Script],
    options: &Options,
    command: &str,
) -> Result<Vec<Job>, SweepError> {
    let folder = sweep.path().join("slurm");
    fs_err::create_dir_all(folder.join("log"))?;
    let (mut jobs, mut arrays) = (Vec::new(), Vec::new());
    for script in scripts {
        write_atomically(&folder.join(&script.name), script.text.as_bytes())?;
        if let Some(cells) = &script.cells {
            write_atomically(&folder.join(script::cells_name(&script.name)), cells.as_bytes())?;
        }
        let mut command = Command::new(command);
        command.args(sbatch(script, &options.extra, &arrays)).current_dir(&folder);
        // The number, and after a semicolon the cluster.
        let id = output(&mut command)?.trim().split(';').next().unwrap_or_default().to_owned();
        arrays.push(id.clone());
        let job = Job { id, script: script.name.clone() };
        record(&folder, &job)?;
        jobs.push(job);
    }
    Ok(jobs)
}

fn record(folder: &Path, job: &Job) -> Result<(), SweepError> {
    let path = folder.join("submitted.json");
    let mut submitted = read_json(&path)?.unwrap_or(Submitted { schema: SCHEMA, jobs: Vec::new() });
    submitted.jobs.push(job.clone());
    Ok(write_atomically(&path, (to_json(&submitted)? + "\n").as_bytes())?)
}

/// The most tasks that an array may have here, which Slurm is asked for by the command `scontrol`.
///
/// # Errors
/// [`SweepError::Slurm`] if there is no answer.
pub fn array_size_max(scontrol: &str) -> Result<usize, SweepError> {
    let mut command = Command::new(scontrol);
    let config = output(command.args(["show", "config"]))?;
    let value = |line: &str| line.split_once('=').map(|(_, value)| value.trim().to_owned());
    let found = config.lines().find(|line| line.trim_start().starts_with("MaxArraySize")).and_then(value);
    found.and_then(|value| value.parse().ok()).ok_or_else(|| {
        SweepError::Slurm(scontrol.to_owned(), "the configuration has no MaxArraySize".to_owned())
    })
}

fn output(command: &mut Command) -> Result<String, SweepError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |message: String| SweepError::Slurm(name.clone(), message);
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
