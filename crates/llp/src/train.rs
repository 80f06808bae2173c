//! `llp train` and `llp resume`.

pub(crate) mod progress;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use llp_sweep::bag_sizes::BagSizes;
use llp_sweep::config::RunConfig;
use llp_sweep::record::{Outcome, RunResult, Solution};
use llp_sweep::run_dir::RunDir;
use llp_train::{RunContext, RunEnd, run};

use crate::args::config::ConfigArgs;
use crate::args::device::DeviceArg;
use crate::data::{hub, place};
use crate::environment::{owner, print, print_json, stopwatch, tell};
use crate::failure::{Failure, code};
use crate::signals::StopFlags;
use crate::train::progress::{Epochs, Style};
use crate::{Global, Output};

/// `llp train`.
#[derive(Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The run's directory; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Train on own bags also if they cannot teach the classes.
    #[arg(long)]
    anyway: bool,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    limit: TimeLimit,
}

/// What a training may do.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) time_limit: Option<Duration>,
    pub(crate) trains_anyway: bool,
}

/// `llp resume`.
#[derive(Args)]
pub(crate) struct ResumeArgs {
    /// The run's directory.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Where the data is now.
    #[arg(long, value_name = "PATH")]
    data: Option<String>,
    /// Where the table of proportions is now.
    #[arg(long, value_name = "FILE")]
    proportions: Option<String>,
    /// Where the file of bags is now.
    #[arg(long, value_name = "FILE")]
    bags: Option<String>,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    limit: TimeLimit,
}

#[derive(Args)]
struct TimeLimit {
    /// Save and stop after this time, as in 3h50m.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time_limit: Option<Duration>,
}

pub(crate) fn train(global: Global, args: &TrainArgs) -> Result<u8, Failure> {
    let config = args.config.resolve(global)?;
    let terms = Terms { time_limit: args.limit.time_limit, trains_anyway: args.anyway };
    let missing = missing_folders(&args.out);
    let end = train_to_end(global, &args.out, &config, args.device, terms);
    if end.is_err() && !missing.is_empty() {
        remove_refused(&args.out, &missing);
    }
    end
}

/// The folders on the way to a directory that are not there yet, the innermost first.
fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let named = path.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    named.take_while(|folder| !folder.exists()).map(Path::to_owned).collect()
}

/// Leaves nothing behind of a run that was refused, and none of the folders that were made for it.
fn remove_refused(dir: &Path, made: &[PathBuf]) {
    // What cannot be removed does no harm: the same directory can be used again.
    if RunDir::at(dir).remove_refused().is_ok() {
        // A folder that has anything in it stays.
        made.iter().take_while(|folder| !folder.exists() || std::fs::remove_dir(folder).is_ok()).count();
    }
}

pub(crate) fn resume(global: Global, args: &ResumeArgs) -> Result<u8, Failure> {
    let (_, mut config) = RunDir::open(&args.dir)?;
    if args.data.is_some() {
        config.data.path.clone_from(&args.data);
    }
    if args.proportions.is_some() {
        config.data.proportions.clone_from(&args.proportions);
    }
    if args.bags.is_some() {
        config.bags.manifest.clone_from(&args.bags);
    }
    let terms = Terms { time_limit: args.limit.time_limit, trains_anyway: true };
    train_to_end(global, &args.dir, &config, args.device, terms)
}

fn train_to_end(
    global: Global,
    dir: &Path,
    config: &RunConfig,
    device: DeviceArg,
    terms: Terms,
) -> Result<u8, Failure> {
    if RunDir::at(dir).result().is_ok_and(|result| result.is_none()) {
        place::check(&config.data)?;
    }
    let stop_flags = StopFlags::listen()?;
    stop_flags.exit_on_kill();
    match train_here(global, dir, config, device, &stop_flags, terms, &|_| true)? {
        RunEnd::Stopped(_) if config.method.name.is_some() => {
            tell(&format!(
                "stopped before there was a model; start again with: llp resume {}",
                dir.display()
            ));
            Ok(stop_flags.exit_code())
        }
        RunEnd::Stopped(_) | RunEnd::Paused(_) => {
            tell(&format!("stopped with a checkpoint; resume with: llp resume {}", dir.display()));
            Ok(stop_flags.exit_code())
        }
        RunEnd::AlreadyEnded(result) => end(global, &result),
        RunEnd::Ended(result) => {
            let code = end(global, &result)?;
            if Style::resolve(global) != Style::None && result.outcome == Outcome::Complete {
                tell_what_follows(dir, &result);
            }
            Ok(code)
        }
    }
}

/// Prints the result of a run; its exit code.
fn end(global: Global, result: &RunResult) -> Result<u8, Failure> {
    print_result(global, result)?;
    let diverged = result.outcome == Outcome::Diverged;
    Ok(if diverged { code::DIVERGED } else { code::SUCCESS })
}

/// Trains in this process until the end, a request to stop, the time limit, or an epoch after which it may not go on.
pub(crate) fn train_here(
    global: Global,
    dir: &Path,
    config: &RunConfig,
    device: DeviceArg,
    stop_flags: &StopFlags,
    terms: Terms,
    may_go_on: &(dyn Fn(usize) -> bool + Sync),
) -> Result<RunEnd, Failure> {
    // All of it inside the pool: from outside, each kernel would wait tens of microseconds for a thread to wake up.
    rayon::scope(|_| train_in_pool(global, dir, config, device, stop_flags, terms, may_go_on))
}

fn train_in_pool(
    global: Global,
    dir: &Path,
    config: &RunConfig,
    device: DeviceArg,
    stop_flags: &StopFlags,
    terms: Terms,
    may_go_on: &dyn Fn(usize) -> bool,
) -> Result<RunEnd, Failure> {
    // On the thread that trains, to which the tensors of a GPU belong.
    let device = device.open()?;
    let seconds = stopwatch();
    let is_late = || terms.time_limit.is_some_and(|limit| seconds() >= limit.as_secs_f64());
    let progress = RefCell::new(Epochs::new(Style::resolve(global)));
    if RunDir::at(dir).result().is_ok_and(|result| result.is_none()) {
        progress.borrow().reading(config);
    }
    let mut context = RunContext {
        owner: &owner(),
        locate: &|name| hub::locate(global, name),
        device: &device,
        version: env!("CARGO_PKG_VERSION"),
        seconds: &seconds,
        should_stop: &|| stop_flags.should_stop() || is_late(),
        may_go_on,
        begun: &mut |config, plan| progress.borrow_mut().begin(config, plan),
        trains_anyway: terms.trains_anyway,
        step_ended: &mut |position| progress.borrow_mut().step(position),
        epoch_ended: &mut |_, record| progress.borrow_mut().epoch(record),
        warn: &mut |message| progress.borrow().warn(message),
    };
    Ok(run(dir, config, &mut context)?)
}

/// Whether more steps would help, and the commands that come next.
fn tell_what_follows(dir: &Path, result: &RunResult) {
    if result.still_falling == Some(true) {
        tell("the training loss was still falling: more epochs (--epochs) may give a better network");
    }
    let dir = dir.display();
    tell(&format!(
        "next: llp evaluate {dir}; llp predict {dir} NEW-DATA --out predictions.csv; llp report {dir}"
    ));
}

fn print_result(global: Global, result: &RunResult) -> Result<(), Failure> {
    if global.output == Output::Json {
        return Ok(print_json(result)?);
    }
    let left_over = match result.remainder {
        0 => String::new(),
        remainder => format!(", {remainder} instances left over"),
    };
    let bags = format!("{} bags of {}{left_over}", result.n_bags, BagSizes::of_result(result));
    let end = match (&result.diverged_at, result.last.as_ref().and_then(|last| last.test_accuracy)) {
        (Some(at), _) => format!(
            "diverged in epoch {}, between steps {} and {}: try a smaller learning rate",
            at.epoch, at.first_step, at.last_step
        ),
        (None, Some(accuracy)) => format!("test accuracy {:.2} %", 100.0 * accuracy),
        (None, None) => "complete".to_owned(),
    };
    let solved = result.solution.as_ref().map_or_else(String::new, solved);
    Ok(print(&format!("{}: {end} ({bags}; {solved}{:.1} s)", result.run, result.train_s))?)
}

/// How a classical method solved its problem, in words.
fn solved(solution: &Solution) -> String {
    let penalty = match (solution.l2, solution.folds) {
        (Some(l2), Some(folds)) => format!("penalty {l2}, chosen by {folds} folds of bags; "),
        (Some(l2), None) => format!("penalty {l2}; "),
        (None, _) => String::new(),
    };
    let rest = if solution.converged { "converged" } else { "not converged" };
    format!("{penalty}{rest}; ")
}
