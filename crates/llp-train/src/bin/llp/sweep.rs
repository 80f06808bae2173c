//! `llp sweep`: its commands, and what they have in common.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use llp_sweep::collect::{self, collect};
use llp_sweep::filter::Filter;
use llp_sweep::grid::Sweep;
use llp_sweep::sweep_dir::SweepDir;

use crate::Global;
use crate::failure::Failure;
use crate::sweep_control::{self, CancelArgs, RetryArgs};
use crate::sweep_exec::{self, ExecArgs};
use crate::sweep_plan::{self, PlanArgs};
use crate::sweep_probe::{self, ProbeArgs};
use crate::sweep_status::{self, StatusArgs};
use crate::sweep_submit::{self, SubmitArgs};
use crate::sweep_work::{self, RunArgs, WorkerArgs};
use crate::world::host;

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

pub(crate) fn sweep(global: Global, command: &SweepCommand) -> Result<ExitCode, Failure> {
    match command {
        SweepCommand::Plan(args) => sweep_plan::plan(global, args),
        SweepCommand::Probe(args) => sweep_probe::probe(global, args),
        SweepCommand::Run(args) => sweep_work::run(global, args),
        SweepCommand::Worker(args) => sweep_work::worker(global, args),
        SweepCommand::Submit(args) => sweep_submit::submit(global, args),
        SweepCommand::Exec(args) => sweep_exec::exec(global, args),
        SweepCommand::Status(args) => sweep_status::status(global, args),
        SweepCommand::Retry(args) => sweep_control::retry(global, args),
        SweepCommand::Cancel(args) => sweep_control::cancel(global, args),
        SweepCommand::Collect(args) => {
            let sweep = SweepDir::open(&args.dir)?;
            collect::write(&sweep, &collect(&sweep, &host()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The grid of a preset or a sweep file.
pub(crate) fn grid(name: &str) -> Result<Sweep, Failure> {
    let is_file = Path::new(name).extension().is_some_and(|extension| extension == "toml");
    Ok(if is_file { Sweep::read(Path::new(name))? } else { Sweep::preset(name)? })
}
