//! `llp sweep retry` and `llp sweep cancel`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use llp_sweep::control::{self, Retry};
use llp_sweep::sweep_dir::{Cell, SweepDir};

use crate::failure::Failure;
use crate::sweep::FilterArgs;
use crate::world::{claimant, print, tell};

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

pub(crate) fn retry(args: &RetryArgs) -> Result<ExitCode, Failure> {
    let filter = args.filter.parse()?;
    let sweep = SweepDir::open(&args.dir)?;
    let how = Retry { diverged: args.diverged, from_scratch: args.from_scratch };
    let cells = control::retry(&sweep, &sweep.matching(&filter), how, &claimant())?;
    show(&cells, "eligible again; the next llp sweep run or worker takes them up")
}

pub(crate) fn cancel(args: &CancelArgs) -> Result<ExitCode, Failure> {
    let filter = args.filter.parse()?;
    let sweep = SweepDir::open(&args.dir)?;
    let cells = control::cancel(&sweep, &sweep.matching(&filter), &claimant())?;
    show(&cells, "cancelled; llp sweep retry makes them eligible again")
}

fn show(cells: &[&Cell], what: &str) -> Result<ExitCode, Failure> {
    for cell in cells {
        print(&cell.run)?;
    }
    tell(&format!("{} cells are {what}", cells.len()));
    Ok(ExitCode::SUCCESS)
}
