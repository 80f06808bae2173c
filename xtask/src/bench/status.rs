//! How long `llp sweep status` and `llp report` take over a thousand finished runs, which are made up.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::median;
use crate::process::run as run_command;
use crate::sweep::release_llp;

/// 1,000 runs: 5 bag sizes x 2 losses x 2 learning rates x 50 seeds.
const GRID: &str = "schema = 1\nname = \"thousand\"\n[base]\npreset = \"digits\"\n[grid]\nbags.size = [1, 4, 16, 64, 128]\n\
                    loss.name = [\"kl\", \"avg-kl\"]\noptim.lr = [0.01, 0.03]\n";
const N_SEEDS: usize = 50;
const N_RUNS: usize = 20 * N_SEEDS;
const N_EPOCHS: usize = 40;
const N_TIMES: usize = 5;

/// Prints the middle one of a few times for each command, and how large the page is.
pub(super) fn run() -> Result<()> {
    let llp = release_llp()?;
    let folder = tempfile::tempdir()?;
    let sweep = folder.path().join("sweep");
    make(&llp, folder.path(), &sweep)?;
    println!("| command | runs | median s |\n|---|---|---|");
    for (name, arguments) in [("llp sweep status", &["sweep", "status"][..]), ("llp report", &["report"])] {
        let times = (0..N_TIMES).map(|_| time(&llp, arguments, &sweep)).collect::<Result<Vec<_>>>()?;
        let middle = median(times).context("nothing was timed")?;
        println!("| `{name}` | {N_RUNS} | {middle:.3} |");
    }
    let page = fs_err::metadata(sweep.join("report/index.html"))?.len();
    println!("\nthe page: {:.2} MB", page as f64 / 1e6);
    Ok(())
}

fn time(llp: &Path, arguments: &[&str], sweep: &Path) -> Result<f64> {
    let mut command = Command::new(llp);
    command.args(arguments).arg(sweep).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    run_command(command)?;
    Ok(start.elapsed().as_secs_f64())
}

/// A sweep directory whose runs have all come to their end.
pub(crate) fn make(llp: &Path, folder: &Path, sweep: &Path) -> Result<()> {
    let grid = folder.join("thousand.toml");
    let seeds: Vec<usize> = (0..N_SEEDS).collect();
    fs_err::write(&grid, format!("{GRID}seed = {seeds:?}\n"))?;
    let mut command = Command::new(llp);
    command.args(["sweep", "plan"]).arg(&grid).args(["--no-probe", "--out"]).arg(sweep).stdout(Stdio::null());
    run_command(command)?;
    for line in fs_err::read_to_string(sweep.join("plan.jsonl"))?.lines() {
        finish(sweep, &serde_json::from_str(line)?)?;
    }
    Ok(())
}

/// The files of a complete run that the two commands read.
fn finish(sweep: &Path, cell: &Value) -> Result<()> {
    let name = cell["run"].as_str().context("a cell without a name")?;
    let run = sweep.join("runs").join(name);
    fs_err::create_dir_all(&run)?;
    let index = cell["index"].as_f64().unwrap_or(0.0);
    let record = |epoch: usize| {
        let loss = (1.0 + index % 7.0) / epoch as f64;
        json!({
            "epoch": epoch, "lr": 0.01, "train_loss": loss, "held_out_loss": loss, "held_out_kl": loss,
            "held_out_l1": loss, "test_accuracy": 1.0 / (1.0 + loss), "images_per_s": 1000.0,
            "elapsed_s": epoch as f64,
        })
    };
    let lines: String =
        (1..=N_EPOCHS).flat_map(|epoch| [record(epoch).to_string(), "\n".to_owned()]).collect();
    fs_err::write(run.join("metrics.jsonl"), lines)?;
    let hash = name.rsplit('-').next().unwrap_or_default();
    let result = json!({
        "schema": 1, "run": name, "config_hash": hash, "outcome": "complete", "epochs": N_EPOCHS,
        "last": record(N_EPOCHS), "n_classes": 10, "n_bags": 10, "bag_size": cell["config"]["bags"]["size"],
        "remainder": 0, "n_train": 1000, "n_held_out": 100, "n_held_out_bags": 10, "train_s": 40.0,
        "version": "made up",
    });
    Ok(fs_err::write(run.join("result.json"), result.to_string())?)
}
