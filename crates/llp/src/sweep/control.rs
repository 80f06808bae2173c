//! `llp sweep retry` and `llp sweep cancel`.

use std::path::PathBuf;

use clap::Args;
use llp_sweep::control::{self, Retry};
use llp_sweep::sweep_dir::{Cell, SweepDir};

use crate::Global;
use crate::environment::{owner, print_list, tell};
use crate::failure::{Failure, code};
use crate::sweep::FilterArgs;

#[derive(Args)]
pub(crate) struct RetryArgs {
    /// The sweep's directory.
    #[arg(value_name = "SWEEP")]
    dir: PathBuf,
    #[command(flatten)]
    filter: FilterArgs,
    /// Cells that diverged too.
    #[arg(long)]
    diverged: bool,
    /// From the first epoch instead of the last checkpoint, which is removed.
    #[arg(long)]
    from_scratch: bool,
}

#[derive(Args)]
pub(crate) struct CancelArgs {
    /// The sweep's directory.
    #[arg(value_name = "SWEEP")]
    dir: PathBuf,
    #[command(flatten)]
    filter: FilterArgs,
}

pub(crate) fn retry(global: Global, args: &RetryArgs) -> Result<u8, Failure> {
    let filter = args.filter.parse()?;
    let sweep = SweepDir::open(&args.dir)?;
    let how = Retry { diverged: args.diverged, from_scratch: args.from_scratch };
    let cells = control::retry(&sweep, &sweep.matching(&filter), how, &owner())?;
    show(global, &cells, "eligible again; the next llp sweep run or worker takes them up")
}

pub(crate) fn cancel(global: Global, args: &CancelArgs) -> Result<u8, Failure> {
    let filter = args.filter.parse()?;
    let sweep = SweepDir::open(&args.dir)?;
    let cells = control::cancel(&sweep, &sweep.matching(&filter), &owner())?;
    show(global, &cells, "cancelled; llp sweep retry makes them eligible again")
}

fn show(global: Global, cells: &[&Cell], what: &str) -> Result<u8, Failure> {
    let runs: Vec<&str> = cells.iter().map(|cell| &*cell.run).collect();
    print_list(global, &runs)?;
    tell(&format!("{} cells are {what}", cells.len()));
    Ok(code::SUCCESS)
}
