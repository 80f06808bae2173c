//! How well `llp sweep plan` predicts: each sweep is timed by it, and then run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::median;
use crate::process::{output, run as run_command};
use crate::sweep::release_llp;

/// Prints a row for each prediction, and for each sweep the middle one of its ratios.
///
/// Each prediction is printed on the error stream before its sweep begins.
pub(super) fn run(sweeps: &[PathBuf], data: Option<&Path>, repeats: usize) -> Result<()> {
    let llp = release_llp()?;
    println!("| sweep | predicted s | measured s | ratio |\n|---|---|---|---|");
    for sweep in sweeps {
        let mut ratios = Vec::new();
        for _ in 0..repeats {
            let predicted = predict(&llp, sweep, data)?;
            eprintln!("{}: {predicted:.1} s predicted", sweep.display());
            let measured = measure(&llp, sweep, data)?;
            let ratio = predicted / measured;
            ratios.push(ratio);
            println!("| {} | {predicted:.1} | {measured:.1} | {ratio:.3} |", sweep.display());
        }
        if let Some(middle) = median(ratios) {
            println!("| {}, median | | | {middle:.3} |", sweep.display());
        }
    }
    Ok(())
}

/// The wall time that the plan tells, in seconds.
fn predict(llp: &Path, sweep: &Path, data: Option<&Path>) -> Result<f64> {
    let mut command = Command::new(llp);
    command.args(["sweep", "plan"]).arg(sweep).args(["--output", "json"]).args(data_arguments(data));
    let plan: Value = serde_json::from_slice(&output(command)?)?;
    plan["cost"]["wall_s"].as_f64().context("the plan has no wall time")
}

/// The time that the sweep takes in a folder of its own, in seconds.
fn measure(llp: &Path, sweep: &Path, data: Option<&Path>) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(llp);
    command.args(["sweep", "run"]).arg(sweep).arg("--out").arg(folder.path().join("sweep")).arg("--quiet");
    command.args(data_arguments(data)).stdout(std::process::Stdio::null());
    let start = Instant::now();
    run_command(command)?;
    Ok(start.elapsed().as_secs_f64())
}

fn data_arguments(data: Option<&Path>) -> impl Iterator<Item = &OsStr> {
    data.into_iter().flat_map(|path| [OsStr::new("--data"), path.as_os_str()])
}
