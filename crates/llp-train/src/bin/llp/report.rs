//! `llp report`: everything that is derived from a sweep's runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use llp_sweep::collect::{self, collect};
use llp_sweep::report::{self, table};
use llp_sweep::select::select;
use llp_sweep::sweep_dir::SweepDir;

use crate::failure::Failure;
use crate::world::{host, print, tell};
use crate::{Global, Output};

/// `llp report`.
#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The sweep's directory.
    #[arg(value_name = "SWEEP")]
    sweep: PathBuf,
}

pub(crate) fn report(global: Global, args: &ReportArgs) -> Result<ExitCode, Failure> {
    write(global, &SweepDir::open(&args.sweep)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes results, figures and the table of a sweep, and prints the table (or, as JSON, every row).
pub(crate) fn write(global: Global, sweep: &SweepDir) -> Result<(), Failure> {
    let rows = collect(sweep, &host());
    let groups = select(&rows);
    collect::write(sweep, &rows)?;
    report::write(sweep, &rows, &groups)?;
    if global.output == Output::Json {
        print(fs_err::read_to_string(sweep.path().join("results.jsonl"))?.trim_end())?;
    } else {
        print(table::markdown(&groups).trim_end())?;
    }
    if !global.quiet {
        let path = sweep.path().display();
        tell(&format!("written: {path}/results.{{csv,jsonl,md}}, {path}/figures/figure{{1,2}}.{{svg,png}}"));
    }
    Ok(())
}
