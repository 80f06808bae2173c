//! `llp sweep`.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clap::{Args, Subcommand};
use llp_sweep::collect::{self, collect};
use llp_sweep::executor::Totals;
use llp_sweep::executor::local::{self, Options, Signals};
use llp_sweep::executor::process::Processes;
use llp_sweep::grid::Sweep;
use llp_sweep::status;
use llp_sweep::sweep_dir::{Cell, SweepDir};
use llp_train::RunEnd;

use crate::config_args::ConfigArgs;
use crate::failure::{Failure, code, usage};
use crate::hub;
use crate::progress::Style;
use crate::signals::Wishes;
use crate::sweep_progress::Cells;
use crate::train::train_here;
use crate::world::{host, print, print_json, tell};
use crate::{Global, Output, report};

/// Attempts for a cell that fails.
const MAX_ATTEMPTS: u32 = 3;

#[derive(Subcommand)]
pub(crate) enum SweepCommand {
    /// Train every cell of a grid that has no result yet, then write the report.
    Run(Box<RunArgs>),
    /// Train one cell of a sweep directory.
    Exec(ExecArgs),
    /// How many cells are in which state.
    Status(DirArgs),
    /// Write results.csv and results.jsonl from the runs.
    Collect(DirArgs),
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// A preset (digits, cifar10-cpu, paper) or a sweep file (TOML).
    #[arg(value_name = "PRESET|FILE")]
    sweep: String,
    /// The sweep's directory; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Cells that train at once, sharing the cores; by default as many as there are cores.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Stop everything at the first cell that fails for good.
    #[arg(long)]
    fail_fast: bool,
    /// Begin no more cells after so many failed for good.
    #[arg(long, value_name = "N")]
    max_failures: Option<usize>,
    #[command(flatten)]
    config: ConfigArgs,
}

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
}

#[derive(Args)]
pub(crate) struct DirArgs {
    /// The sweep's directory.
    #[arg(value_name = "SWEEP")]
    dir: PathBuf,
}

pub(crate) fn sweep(global: Global, command: &SweepCommand) -> Result<ExitCode, Failure> {
    match command {
        SweepCommand::Run(args) => run(global, args),
        SweepCommand::Exec(args) => exec(global, args),
        SweepCommand::Status(args) => show_status(global, &args.dir),
        SweepCommand::Collect(args) => {
            let sweep = SweepDir::open(&args.dir)?;
            collect::write(&sweep, &collect(&sweep, &host()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn run(global: Global, args: &RunArgs) -> Result<ExitCode, Failure> {
    let is_file = Path::new(&args.sweep).extension().is_some_and(|extension| extension == "toml");
    let mut grid = if is_file { Sweep::read(Path::new(&args.sweep))? } else { Sweep::preset(&args.sweep)? };
    args.config.apply(&mut grid)?;
    let sweep = SweepDir::open_or_create(&args.out, &grid)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.unwrap_or(cores);
    if jobs == 0 {
        return Err(usage("--jobs must be at least 1".to_owned()));
    }
    fetch_data(global, &sweep)?;
    let wishes = Wishes::listen()?;
    let options = Options {
        jobs,
        max_attempts: MAX_ATTEMPTS,
        fail_fast: args.fail_fast,
        max_failures: args.max_failures,
        poll: Duration::from_millis(50),
    };
    let threads = (cores / jobs).max(1);
    let program = std::env::current_exe()?;
    let launcher = Processes::new(|cell: &Cell| child(&program, &sweep, cell, threads));
    let signals = Signals { stop: &wishes.stop, kill: &wishes.kill };
    let mut progress = Cells::new(Style::resolve(global), sweep.cells().len());
    let totals = local::run(&sweep, &host(), &launcher, &options, signals, &mut progress)?;
    progress.finish();
    report::write(global, &sweep)?;
    Ok(ExitCode::from(end(&totals, &wishes, &args.out)))
}

/// Fetches the data of all cells at once, so that they do not compete for it.
fn fetch_data(global: Global, sweep: &SweepDir) -> Result<(), Failure> {
    let fetched = sweep.cells().iter().map(|cell| &cell.config.data).filter(|data| data.path.is_none());
    for name in fetched.map(|data| data.name.trim_end_matches("-coarse")).collect::<BTreeSet<_>>() {
        hub::locate(global, name)?;
    }
    Ok(())
}

fn end(totals: &Totals, wishes: &Wishes, out: &Path) -> u8 {
    if wishes.should_stop() {
        tell(&format!(
            "stopped: {} of {} cells have a result; the same command goes on, or: llp sweep status {}",
            totals.ended(),
            totals.cells(),
            out.display()
        ));
        return wishes.exit_code();
    }
    if totals.failed > 0 {
        tell(&format!("{} cells failed; each has a log.txt in its directory", totals.failed));
        return code::FAILED_CELLS;
    }
    0
}

/// The command that trains one cell, with its output in the run's log.
fn child(program: &Path, sweep: &SweepDir, cell: &Cell, threads: usize) -> Command {
    let mut command = Command::new(program);
    command.args(["--progress", "lines", "sweep", "exec"]).arg(sweep.path());
    command.args(["--index", &cell.index.to_string(), "--stop-with-stdin"]);
    command.env("RAYON_NUM_THREADS", threads.to_string());
    command.stdin(Stdio::piped());
    let log = |open: Option<File>| open.map_or_else(Stdio::null, Stdio::from);
    let file = open_log(sweep.run_dir(cell).path());
    command.stdout(log(file.as_ref().and_then(|file| file.try_clone().ok()))).stderr(log(file));
    // Ctrl-C on the terminal reaches this program alone, which then asks its cells to save and stop.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// A cell that cannot write its log trains without one; its own error will tell if the disk is at fault.
fn open_log(run: &Path) -> Option<File> {
    fs_err::create_dir_all(run).ok()?;
    let file = fs_err::OpenOptions::new().create(true).append(true).open(run.join("log.txt")).ok()?;
    Some(file.into_file())
}

fn exec(global: Global, args: &ExecArgs) -> Result<ExitCode, Failure> {
    let sweep = SweepDir::open(&args.dir)?;
    let Some(cell) = sweep.cells().get(args.index) else {
        return Err(usage(format!("there is no cell {}: the plan has {}", args.index, sweep.cells().len())));
    };
    let wishes = Wishes::listen()?;
    wishes.exit_on_kill();
    if args.stop_with_stdin {
        wishes.stop_with_stdin();
    }
    match train_here(global, sweep.run_dir(cell).path(), &cell.config, &wishes, None)? {
        RunEnd::Stopped(_) => Ok(ExitCode::from(wishes.exit_code())),
        // Within a sweep a diverged run is a result like any other.
        RunEnd::AlreadyEnded(_) | RunEnd::Ended(_) => Ok(ExitCode::SUCCESS),
    }
}

fn show_status(global: Global, dir: &Path) -> Result<ExitCode, Failure> {
    let sweep = SweepDir::open(dir)?;
    let counts = status::count(&sweep, &host());
    if global.output == Output::Json {
        let counts: std::collections::BTreeMap<_, _> =
            counts.iter().map(|(state, count)| (state.as_str(), count)).collect();
        print_json(&counts)?;
    } else {
        for (state, count) in counts {
            print(&format!("{:<12} {count}", state.as_str()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
