//! `llp sweep`: its commands, and what they have in common.

pub(crate) mod control;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod exec;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod progress;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod work;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use llp_sweep::collect::{self, collect};
use llp_sweep::filter::Filter;
use llp_sweep::grid::Sweep;
use llp_sweep::sweep_dir::SweepDir;

use crate::Global;
use crate::environment::host;
use crate::failure::{Failure, code};
use crate::sweep::control::{CancelArgs, RetryArgs};
use crate::sweep::exec::ExecArgs;
use crate::sweep::plan::PlanArgs;
use crate::sweep::probe::ProbeArgs;
use crate::sweep::status::StatusArgs;
use crate::sweep::submit::SubmitArgs;
use crate::sweep::work::{RunArgs, WorkerArgs};

#[derive(Subcommand)]
pub(crate) enum SweepCommand {
    /// What a sweep will cost: its runs, hours, disk and money, by timing a few steps on this machine.
    Plan(Box<PlanArgs>),
    #[command(hide = true)]
    Probe(ProbeArgs),
    /// Train every cell of a grid that has no result yet, then write the report.
    Run(Box<RunArgs>),
    /// Help with the cells of a sweep directory that exists; any number of these may run, on any machine that shares it.
    Worker(WorkerArgs),
    /// Hand the cells that have no result to a cluster.
    Submit(SubmitArgs),
    /// Train one cell of a sweep directory.
    Exec(ExecArgs),
    /// How many cells are in which state, what is left, and what went wrong.
    Status(StatusArgs),
    /// Make failed, parked and cancelled cells eligible again.
    Retry(RetryArgs),
    /// Skip cells until they are retried; those that run are asked to save and stop.
    Cancel(CancelArgs),
    /// Write results.csv and results.jsonl from the runs.
    Collect(DirArgs),
}

#[derive(Args)]
pub(crate) struct DirArgs {
    /// The sweep's directory.
    #[arg(value_name = "SWEEP")]
    dir: PathBuf,
}

/// Which cells.
#[derive(Args)]
pub(crate) struct FilterArgs {
    /// Only the cells with these settings, as in `bag_size=64|128,loss=rot`: data, loss, `bag_size`, lr, alpha, seed, or
    /// any key of a configuration.
    #[arg(long, value_name = "KEY=VALUE,...")]
    filter: Option<String>,
}

impl FilterArgs {
    pub(crate) fn parse(&self) -> Result<Filter, Failure> {
        Ok(self.filter.as_deref().map_or(Ok(Filter::default()), |text| Filter::parse("--filter", text))?)
    }
}

pub(crate) fn sweep(global: Global, command: &SweepCommand) -> Result<u8, Failure> {
    match command {
        SweepCommand::Plan(args) => plan::plan(global, args),
        SweepCommand::Probe(args) => probe::probe(global, args),
        SweepCommand::Run(args) => work::run(global, args),
        SweepCommand::Worker(args) => work::worker(global, args),
        SweepCommand::Submit(args) => submit::submit(global, args),
        SweepCommand::Exec(args) => exec::exec(global, args),
        SweepCommand::Status(args) => status::status(global, args),
        SweepCommand::Retry(args) => control::retry(global, args),
        SweepCommand::Cancel(args) => control::cancel(global, args),
        SweepCommand::Collect(args) => {
            let sweep = SweepDir::open(&args.dir)?;
            collect::write(&sweep, &collect(&sweep, &host()))?;
            Ok(code::SUCCESS)
        }
    }
}

/// The grid of a preset or a sweep file.
pub(crate) fn grid(name: &str) -> Result<Sweep, Failure> {
    let is_file = Path::new(name).extension().is_some_and(|extension| extension == "toml");
    Ok(if is_file { Sweep::read(Path::new(name))? } else { Sweep::preset(name)? })
}
