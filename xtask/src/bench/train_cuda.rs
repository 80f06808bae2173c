//! `cargo xtask bench train --device cuda`: images per second of a training step on a GPU, in bfloat16.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::median;
use super::train::{example, measure};
use crate::process::{output, root, run as run_command};

/// Images of a step of ResNet-18 at width 64 with the CIFAR stem.
const BATCHES: [u32; 3] = [128, 512, 1024];
/// Steps of a turn.
const STEPS: &str = "60";
/// PyTorch's modes: plain, compiled, and compiled with whole steps replayed as a CUDA graph.
const N_MODES: usize = 3;
const MODE_NAMES: &str = " PyTorch eager | ratio | compiled | ratio | as a CUDA graph | ratio |";

/// Images per second of one turn, of each mode; `None` for a mode that fails, so that the others are still measured.
type Speeds = [Option<f64>; N_MODES];

pub(super) fn run(python: Option<&Path>, program: Option<&Path>, turns: usize) -> Result<()> {
    if program.is_none() {
        let mut build = example("build", "llp-nn", "train_step")?;
        build.args(["--features", "cuda"]);
        run_command(build)?;
    }
    println!("| images a step | llp, images/s |{}", python.map_or("", |_| MODE_NAMES));
    println!("|---:|---:|{}", python.map_or(String::new(), |_| "---:|---:|".repeat(N_MODES)));
    for batch in BATCHES {
        let (mut own, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            own.push(measure(own_command(program, batch)?)?);
            if let Some(python) = python {
                peers.push(peer(python, batch)?);
            }
        }
        let own = median(own).context("no turn")?;
        println!("| {batch} | {own:.0} |{}", python.map_or(String::new(), |_| cells(own, &peers)));
    }
    Ok(())
}

/// The median speed of each mode and ours over it.
fn cells(own: f64, turns: &[Speeds]) -> String {
    let cell = |mode: usize| match median(turns.iter().filter_map(|speeds| speeds[mode]).collect()) {
        Some(speed) => format!(" {speed:.0} | **{:.2}** |", own / speed),
        None => " - | - |".to_owned(),
    };
    (0..N_MODES).map(cell).collect()
}

/// The example `train_step`, by cargo or built before.
fn own_command(program: Option<&Path>, batch: u32) -> Result<Command> {
    let mut command = if let Some(program) = program {
        Command::new(program)
    } else {
        let mut command = example("run", "llp-nn", "train_step")?;
        command.args(["--features", "cuda", "--"]);
        command
    };
    command.args(["cifar", "64", &batch.to_string(), STEPS, "cuda", "bf16"]);
    Ok(command)
}

fn peer(python: &Path, batch: u32) -> Result<Speeds> {
    let mut command = Command::new(python);
    command.arg(root()?.join("xtask/peers/resnet_torch.py"));
    command.args(["cifar", "64", &batch.to_string(), STEPS, "--device", "cuda", "--all"]);
    match output(command) {
        Ok(printed) => Ok(speeds(&String::from_utf8(printed)?)),
        Err(error) => {
            eprintln!("{error:#}");
            Ok([None; N_MODES])
        }
    }
}

/// The speeds in what `resnet_torch.py --all` prints; the last line is the fastest again, and others may print as well.
fn speeds(printed: &str) -> Speeds {
    let mut speeds = [None; N_MODES];
    let answers = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for answer in answers.filter(|answer| answer["dtype"].is_string()) {
        if let Some(error) = answer["error"].as_str() {
            eprintln!("PyTorch: {error}");
        }
        let mode = usize::from(answer["compiled"] == true) + usize::from(answer["graph"] == true);
        speeds[mode] = answer["images_per_s"].as_f64();
    }
    speeds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line goes to its mode, one that failed and lines of others to none; a ratio is ours over theirs.
    #[test]
    fn modes_are_separated() {
        let printed = "a warning\n{\"dtype\":\"bf16\",\"compiled\":false,\"graph\":false,\"images_per_s\":100.0}\n\
                       {\"dtype\":\"bf16\",\"compiled\":true,\"graph\":false,\"error\":\"no compiler\"}\n\
                       {\"dtype\":\"bf16\",\"compiled\":true,\"graph\":true,\"images_per_s\":200.0}\n";
        let speeds = speeds(printed);
        assert_eq!(speeds, [Some(100.0), None, Some(200.0)]);
        assert_eq!(cells(300.0, &[speeds]), " 100 | **3.00** | - | - | 200 | **1.50** |");
    }
}
