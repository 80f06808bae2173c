//! `cargo xtask bench train --device cuda`: images per second of a training step on a GPU, in bfloat16.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::median;
use super::train::{example, measure};
use crate::process::{root, run as run_command};

/// Images of a step of ResNet-18 at width 64 with the CIFAR stem.
const BATCHES: [u32; 3] = [128, 512, 1024];
/// Steps of a turn.
const STEPS: &str = "60";

/// Who is measured.
#[derive(Clone, Copy)]
enum Who<'a> {
    /// `train_step`, by cargo or built before.
    Own(Option<&'a Path>),
    /// PyTorch, compiled or not.
    Torch { python: &'a Path, compiled: bool },
}

pub(super) fn run(python: Option<&Path>, program: Option<&Path>, turns: usize) -> Result<()> {
    if program.is_none() {
        let mut build = example("build", "llp-nn", "train_step")?;
        build.args(["--features", "cuda"]);
        run_command(build)?;
    }
    let mut who = vec![Who::Own(program)];
    if let Some(python) = python {
        who.extend([false, true].map(|compiled| Who::Torch { python, compiled }));
    }
    let peers = python.map_or("", |_| " PyTorch eager | ratio | PyTorch compiled | ratio |");
    println!("| images a step | llp, images/s |{peers}");
    println!("|---:|---:|{}", python.map_or("", |_| "---:|---:|---:|---:|"));
    for batch in BATCHES {
        let mut speeds = vec![Vec::new(); who.len()];
        for _ in 0..turns {
            for (who, speeds) in who.iter().zip(&mut speeds) {
                speeds.extend(speed(*who, batch)?);
            }
        }
        let mut speeds = speeds.into_iter().map(median);
        let own = speeds.next().flatten().context("no turn")?;
        let other = |speed: Option<f64>| {
            speed.map_or(" - | - |".to_owned(), |speed| format!(" {speed:.0} | **{:.2}** |", own / speed))
        };
        println!("| {batch} | {own:.0} |{}", speeds.map(other).collect::<Vec<_>>().concat());
    }
    Ok(())
}

/// Images per second; `None` for a peer that fails, so that the others are still measured.
fn speed(who: Who<'_>, batch: u32) -> Result<Option<f64>> {
    match (measure(command(who, batch)?), who) {
        (Err(error), Who::Torch { .. }) => {
            eprintln!("{error:#}");
            Ok(None)
        }
        (speed, _) => speed.map(Some),
    }
}

fn command(who: Who<'_>, batch: u32) -> Result<Command> {
    let batch = batch.to_string();
    let shape = ["cifar", "64", &batch, STEPS];
    Ok(match who {
        Who::Own(Some(program)) => {
            let mut command = Command::new(program);
            command.args(shape).args(["cuda", "bf16"]);
            command
        }
        Who::Own(None) => {
            let mut command = example("run", "llp-nn", "train_step")?;
            command.args(["--features", "cuda", "--"]).args(shape).args(["cuda", "bf16"]);
            command
        }
        Who::Torch { python, compiled } => {
            let mut command = Command::new(python);
            command.arg(root()?.join("xtask/peers/resnet_torch.py")).args(shape);
            command.args(["--device", "cuda", "--dtype", "bf16"]);
            command.args(compiled.then_some("--compile"));
            command
        }
    })
}
