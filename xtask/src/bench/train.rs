//! `cargo xtask bench train`: images per second of a training step of ResNet-18 on the CPU, in float32.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::median;
use crate::process::{cargo, output, root, run as run_command};

/// A network on images of 32x32 pixels, and the number of images in a step.
struct Shape {
    stem: &'static str,
    width: u32,
    batch: u32,
}

const SHAPES: [Shape; 5] = [
    Shape { stem: "cifar", width: 64, batch: 32 },
    Shape { stem: "cifar", width: 64, batch: 64 },
    Shape { stem: "cifar", width: 64, batch: 128 },
    Shape { stem: "cifar", width: 16, batch: 128 },
    Shape { stem: "imagenet", width: 64, batch: 64 },
];
/// Each takes its turn so often; the medians of the turns count.
const TURNS: usize = 3;
/// Steps of a turn after those that warm up.
const STEPS: &str = "6";

pub(super) fn run(python: Option<&Path>) -> Result<()> {
    run_command(example("build", "llp-nn", "train_step")?)?;
    run_command(example("build", "llp-kernels", "stock_candle")?)?;
    let columns = if python.is_some() { " PyTorch | ratio |" } else { "" };
    println!("| stem | width | images a step | llp, images/s | candle alone | ratio |{columns}");
    println!("|---|---:|---:|---:|---:|---:|{}", if python.is_some() { "---:|---:|" } else { "" });
    for shape in &SHAPES {
        println!("{}", row(shape, python)?);
    }
    Ok(())
}

fn row(shape: &Shape, python: Option<&Path>) -> Result<String> {
    let (mut own, mut torch) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        own.push(measure(with_shape(example("run", "llp-nn", "train_step")?, shape, STEPS))?);
        if let Some(python) = python {
            let mut peer = Command::new(python);
            peer.arg(root()?.join("xtask/peers/resnet_torch.py"));
            torch.push(measure(with_shape(peer, shape, STEPS))?);
        }
    }
    // One short turn: it is an order of magnitude slower, and its max pooling has no gradient for this stem.
    let candle = match shape.stem {
        "cifar" => Some(measure(with_shape(example("run", "llp-kernels", "stock_candle")?, shape, "1"))?),
        _ => None,
    };
    let own = median(own).context("no turn")?;
    let other = |speed: Option<f64>| {
        speed.map_or("- | - |".to_owned(), |speed| format!("{speed:.1} | **{:.2}** |", own / speed))
    };
    let Shape { stem, width, batch } = shape;
    let torch = if python.is_some() { format!(" {}", other(median(torch))) } else { String::new() };
    Ok(format!("| {stem} | {width} | {batch} | {own:.1} | {}{torch}", other(candle)))
}

pub(super) fn example(verb: &str, package: &str, name: &str) -> Result<Command> {
    cargo([verb, "--quiet", "--release", "--package", package, "--example", name])
}

fn with_shape(mut command: Command, shape: &Shape, steps: &str) -> Command {
    if command.get_args().any(|word| word == "--example") {
        command.arg("--");
    }
    command.args([shape.stem, &shape.width.to_string(), &shape.batch.to_string(), steps]);
    command
}

/// Images per second, from the last line of what the command prints.
pub(super) fn measure(command: Command) -> Result<f64> {
    let printed = String::from_utf8(output(command)?)?;
    let line = printed.lines().last().context("it printed nothing")?;
    let answer: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
    answer["images_per_s"].as_f64().with_context(|| format!("no images per second: {line}"))
}
