//! `llp report`: everything that is derived from finished runs.

use std::path::{Path, PathBuf};

use clap::Args;
use llp_sweep::collect;
use llp_sweep::report::{self, ReportData, table};
use llp_sweep::sweep_dir::SweepDir;

use crate::args::device::DeviceArg;
use crate::environment::{host, print, tell};
use crate::failure::{Failure, code, usage};
use crate::predict::trained_run::PlaceArgs;
use crate::show::insight;
use crate::{Global, Output};

/// More runs than these are shown on the page only.
const N_PRINTED: usize = 40;

/// `llp report`.
#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The directory of a sweep or of a run, or several of them, which --out must then give a page.
    #[arg(value_name = "SWEEP|RUN", required = true)]
    directories: Vec<PathBuf>,
    /// Where to write the page, and its table beside it. Without it: into the directory of the sweep or run.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    places: PlaceArgs,
    #[command(flatten)]
    device: DeviceArg,
}

pub(crate) fn report(global: Global, args: &ReportArgs) -> Result<u8, Failure> {
    match (&args.out, &*args.directories) {
        (Some(out), _) => write_page(global, args, out)?,
        (None, [sweep]) if sweep.join("plan.jsonl").exists() => write(global, &SweepDir::open(sweep)?)?,
        (None, [run]) if run.join("config.toml").exists() => {
            write_page(global, args, &run.join("report").join("index.html"))?;
        }
        (None, [directory]) => {
            return Err(usage(format!("there is neither a run nor a sweep in {}", directory.display())));
        }
        (None, _) => {
            let message =
                "a report on several runs or sweeps has no folder of its own: say where with --out FILE";
            return Err(usage(message.to_owned()));
        }
    }
    Ok(code::SUCCESS)
}

/// Writes the page about some runs and sweeps, and prints the table of all runs where there are few. Of a single run it
/// shows bags and instances as well.
fn write_page(global: Global, args: &ReportArgs, out: &Path) -> Result<(), Failure> {
    let mut report_data = ReportData::of_directories(&args.directories, &host())?;
    if let [run] = &*args.directories
        && run.join("config.toml").exists()
    {
        let insight = insight::look(global, run, &args.places, args.device);
        if let (Err(reason), false) = (&insight, global.quiet) {
            tell(&format!("warning: the page does not show bags and instances: {reason}"));
        }
        report_data.insight = Some(insight);
    }
    report::write_page(out, &report_data)?;
    if global.output == Output::Human && report_data.rows.len() <= N_PRINTED {
        print(&report::runs_markdown(&report_data))?;
    }
    show(global, &report_data)?;
    if !global.quiet {
        let tables = out.with_extension("");
        tell(&format!("written: {}, {}-table.{{md,csv,tex}}", out.display(), tables.display()));
    }
    Ok(())
}

/// Writes results, figures, the table and the page of a sweep, and prints the table.
pub(crate) fn write(global: Global, sweep: &SweepDir) -> Result<(), Failure> {
    let report_data = ReportData::of_sweep(sweep, &host())?;
    collect::write(sweep, &report_data.rows)?;
    report::write(sweep, &report_data)?;
    show(global, &report_data)?;
    if !global.quiet {
        let path = sweep.path().display();
        tell(&format!(
            "written: {path}/report/index.html, {path}/results.{{csv,jsonl,md}}, {path}/figures/figure{{1,2}}.{{svg,png}}"
        ));
    }
    Ok(())
}

/// Prints the table or, as JSON, every row.
fn show(global: Global, report_data: &ReportData) -> Result<(), Failure> {
    let text = match global.output {
        Output::Json => collect::json_lines(&report_data.rows),
        Output::Human => table::markdown(&report_data.groups),
    };
    Ok(print(text.trim_end())?)
}
