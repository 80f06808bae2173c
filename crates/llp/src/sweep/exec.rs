//! `llp sweep exec`: one cell, in this process; and the command that starts it in another.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use llp_kernels::DeviceName;
use llp_sweep::SweepError;
use llp_sweep::prune;
use llp_sweep::sweep_dir::{Cell, SweepDir};
use llp_train::{RunEnd, TrainError};

use crate::Global;
use crate::args::device::DeviceArg;
use crate::environment::{cache_argument, host, tell};
use crate::failure::{Failure, code, usage};
use crate::signals::StopFlags;
use crate::train::{Terms, train_here};

#[derive(Args)]
pub(crate) struct ExecArgs {
    /// The sweep's directory.
    #[arg(value_name = "SWEEP")]
    dir: PathBuf,
    /// The cell's place in plan.jsonl, from 0.
    #[arg(long, value_name = "N")]
    index: usize,
    /// Save and stop when standard input ends: the program that holds its other end is gone.
    #[arg(long)]
    stop_with_stdin: bool,
    #[command(flatten)]
    device: DeviceArg,
}

pub(crate) fn exec(global: Global, args: &ExecArgs) -> Result<u8, Failure> {
    let sweep = SweepDir::open(&args.dir)?;
    let Some(cell) = sweep.cells().get(args.index) else {
        return Err(usage(format!("there is no cell {}: the plan has {}", args.index, sweep.cells().len())));
    };
    let run = sweep.run_dir(cell);
    if run.is_cancelled() {
        tell(&format!("{} is cancelled; llp sweep retry makes it eligible again", cell.run));
        return Ok(code::SUCCESS);
    }
    let stop_flags = StopFlags::listen()?;
    stop_flags.exit_on_kill();
    if args.stop_with_stdin {
        stop_flags.stop_with_stdin();
    }
    // A run that cannot be compared is not held back.
    let may_go_on = |epochs: usize| prune::may_go_on(&sweep, cell, epochs, &host()).unwrap_or(true);
    let terms = Terms { time_limit: None, trains_anyway: true };
    match train_here(global, run.path(), &cell.config, args.device, &stop_flags, terms, &may_go_on) {
        Ok(RunEnd::Stopped(_)) => Ok(stop_flags.exit_code()),
        // Within a sweep a diverged run is a result like any other; one that is held back is done for now.
        Ok(RunEnd::AlreadyEnded(_) | RunEnd::Ended(_) | RunEnd::Paused(_)) => Ok(code::SUCCESS),
        Err(failure) if is_elsewhere(&failure) => Err(Failure { code: code::STOPPED, ..failure }),
        Err(failure) => Err(failure),
    }
}

/// Whether another process works on the run: no failure of the run.
fn is_elsewhere(failure: &Failure) -> bool {
    let cause = failure.error.downcast_ref::<TrainError>();
    matches!(cause, Some(TrainError::Sweep(SweepError::Claimed { .. } | SweepError::ClaimLost(_))))
}

/// The command that trains one cell on a device, with its output in the run's log.
pub(crate) fn child(
    program: &Path,
    sweep: &SweepDir,
    cell: &Cell,
    device: DeviceName,
    threads: usize,
) -> Command {
    let mut command = Command::new(program);
    command.args(["--progress", "lines", "sweep", "exec"]).arg(sweep.path());
    command.args(["--index", &cell.index.to_string(), "--stop-with-stdin"]);
    command.args(["--device", &device.to_string()]);
    let log = |open: Option<File>| open.map_or_else(Stdio::null, Stdio::from);
    let file = open_log(sweep, cell);
    command.stdout(log(file.as_ref().and_then(|file| file.try_clone().ok()))).stderr(log(file));
    confine(&mut command, threads);
    command
}

/// What every child of a sweep gets: its share of the cores, the same cache, a pipe that ends with this program, and no Ctrl-C of the
/// terminal, which reaches this program alone.
pub(crate) fn confine(command: &mut Command, threads: usize) {
    command.env("RAYON_NUM_THREADS", threads.to_string());
    if let Some(cache) = cache_argument() {
        command.env("LLP_CACHE", cache);
    }
    command.stdin(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// A cell that cannot write its log trains without one; its own error will say if the disk is at fault.
fn open_log(sweep: &SweepDir, cell: &Cell) -> Option<File> {
    let run = sweep.run_dir(cell);
    fs_err::create_dir_all(run.path()).ok()?;
    let file = fs_err::OpenOptions::new().create(true).append(true).open(run.log_path()).ok()?;
    Some(file.into_file())
}
