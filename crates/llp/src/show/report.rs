//! `llp report`: everything that is derived from finished runs.

use std::path::{Path, PathBuf};

use clap::Args;
use llp_sweep::collect;
use llp_sweep::report::{self, Material, table};
use llp_sweep::sweep_dir::SweepDir;

use crate::failure::{Failure, code, usage};
use crate::world::{host, print, tell};
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
}

pub(crate) fn report(global: Global, args: &ReportArgs) -> Result<u8, Failure> {
    match (&args.out, &*args.directories) {
        (Some(out), directories) => write_page(global, directories, out)?,
        (None, [sweep]) if sweep.join("plan.jsonl").exists() => write(global, &SweepDir::open(sweep)?)?,
        (None, [run]) if run.join("config.toml").exists() => {
            write_page(global, &args.directories, &run.join("report").join("index.html"))?;
        }
        (None, [directory]) => drop(SweepDir::open(directory)?),
        (None, _) => {
            let message =
                "a report on several runs or sweeps has no folder of its own: say where with --out FILE";
            return Err(usage(message.to_owned()));
        }
    }
    Ok(code::SUCCESS)
}

/// Writes the page about some runs and sweeps, and prints the table of all runs where there are few.
fn write_page(global: Global, directories: &[PathBuf], out: &Path) -> Result<(), Failure> {
    let material = Material::of_directories(directories, &host())?;
    report::write_page(out, &material)?;
    if global.output == Output::Human && material.rows.len() <= N_PRINTED {
        print(&report::runs_markdown(&material))?;
    }
    show(global, &material)?;
    if !global.quiet {
        let tables = out.with_extension("");
        tell(&format!("written: {}, {}-table.{{md,csv,tex}}", out.display(), tables.display()));
    }
    Ok(())
}

/// Writes results, figures, the table and the page of a sweep, and prints the table.
pub(crate) fn write(global: Global, sweep: &SweepDir) -> Result<(), Failure> {
    let material = Material::of_sweep(sweep, &host())?;
    collect::write(sweep, &material.rows)?;
    report::write(sweep, &material)?;
    show(global, &material)?;
    if !global.quiet {
        let path = sweep.path().display();
        tell(&format!(
            "written: {path}/report/index.html, {path}/results.{{csv,jsonl,md}}, {path}/figures/figure{{1,2}}.{{svg,png}}"
        ));
    }
    Ok(())
}

/// Prints the table or, as JSON, every row.
fn show(global: Global, material: &Material) -> Result<(), Failure> {
    let text = match global.output {
        Output::Json => collect::json_lines(&material.rows),
        Output::Human => table::markdown(&material.groups),
    };
    Ok(print(text.trim_end())?)
}
