//! `cargo xtask bench train`: images per second of a training step on the CPU, beside candle, PyTorch in each of its modes,
//! and an earlier build.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::median;
use crate::process::{cargo, output, root, run as run_command};

/// A network on images of 32x32 pixels, and the number of images in a step.
struct Shape {
    network: &'static str,
    width: &'static str,
    batch: u32,
}

const SHAPES: [Shape; 9] = [
    Shape { network: "cifar", width: "64", batch: 32 },
    Shape { network: "cifar", width: "64", batch: 64 },
    Shape { network: "cifar", width: "64", batch: 128 },
    Shape { network: "cifar", width: "16", batch: 128 },
    Shape { network: "imagenet", width: "64", batch: 64 },
    Shape { network: "airbench", width: "64-128-128", batch: 512 },
    Shape { network: "airbench", width: "64-128-128", batch: 1024 },
    Shape { network: "airbench", width: "64-256-256", batch: 512 },
    Shape { network: "airbench", width: "64-256-256", batch: 1024 },
];
/// PyTorch's modes: float32 and bfloat16, and both compiled.
const N_MODES: usize = 4;
const MODE_NAMES: &str =
    " PyTorch float32 | bfloat16 | compiled | bfloat16 compiled | of float32 | of the fastest |";
/// Runs of ours; their median counts. PyTorch runs once, between two of them.
const TURNS: usize = 3;
/// Images of a turn after those that warm up.
const IMAGES: u32 = 2048;

/// Whom a step is measured beside.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    /// A Python with torch and torchvision.
    pub(super) python: Option<&'a Path>,
    /// The program `train_step` of an earlier build.
    pub(super) earlier: Option<&'a Path>,
}

/// Our speed over that of PyTorch.
#[derive(Clone, Copy)]
struct Ratios {
    float32: f64,
    fastest: f64,
}

pub(super) fn run(beside: Beside) -> Result<()> {
    if let Some(program) = beside.earlier.filter(|program| !program.is_file()) {
        bail!("--earlier: there is no file {}", program.display());
    }
    run_command(example("build", "llp-nn", "train_step")?)?;
    run_command(example("build", "llp-kernels", "stock_candle")?)?;
    let earlier = beside.earlier.map_or("", |_| " earlier build | ratio |");
    let modes = beside.python.map_or("", |_| MODE_NAMES);
    let head =
        format!("| network | width | images a step | llp, images/s |{earlier} candle alone | ratio |{modes}");
    let columns = head.matches('|').count() - 1;
    println!("{head}\n|---|{}", "---:|".repeat(columns - 1));
    let mut smallest: Option<Ratios> = None;
    for shape in &SHAPES {
        let (line, ratios) = row(shape, beside)?;
        println!("{line}");
        smallest = match (smallest, ratios) {
            (Some(a), Some(b)) => {
                Some(Ratios { float32: a.float32.min(b.float32), fastest: a.fastest.min(b.fastest) })
            }
            (a, b) => a.or(b),
        };
    }
    if let Some(Ratios { float32, fastest }) = smallest {
        println!("smallest ratios: {float32:.2} of PyTorch float32, {fastest:.2} of its fastest mode");
    }
    Ok(())
}

/// A row of the table, and our speed over PyTorch's if it was measured.
fn row(shape: &Shape, beside: Beside) -> Result<(String, Option<Ratios>)> {
    let steps = (IMAGES / shape.batch).max(3).to_string();
    let (mut own, mut earlier, mut torch) = (Vec::new(), Vec::new(), [None; N_MODES]);
    for turn in 0..TURNS {
        own.push(measure(with_shape(example("run", "llp-nn", "train_step")?, shape, &steps))?);
        if let Some(program) = beside.earlier {
            match measure(with_shape(Command::new(program), shape, &steps)) {
                Ok(speed) => earlier.push(speed),
                // An earlier build may not have the network.
                Err(error) => eprintln!("{} of the earlier build: {error:#}", shape.network),
            }
        }
        // PyTorch compiles the network, so it starts once, between runs of ours.
        if let (true, Some(python)) = (turn == TURNS / 2, beside.python) {
            torch = peer(python, shape, &steps)?;
        }
    }
    // One short turn: it is an order of magnitude slower, and has no gradient for overlapping max pooling.
    let candle = match shape.network {
        "cifar" => Some(measure(with_shape(example("run", "llp-kernels", "stock_candle")?, shape, "1"))?),
        _ => None,
    };
    let own = median(own).context("no turn")?;
    let Shape { network, width, batch } = shape;
    let mut line = format!("| {network} | {width} | {batch} | {own:.1} |");
    if beside.earlier.is_some() {
        line += &speed_and_ratio(own, median(earlier));
    }
    line += &speed_and_ratio(own, candle);
    let ratios = ratios(own, &torch);
    if beside.python.is_some() {
        for speed in torch {
            line += &cell(speed, 1);
        }
        line += &cell(ratios.map(|ratios| ratios.float32), 2);
        line += &cell(ratios.map(|ratios| ratios.fastest), 2);
    }
    Ok((line, ratios))
}

/// Our speed over that of PyTorch's float32 and of its fastest mode, if float32 was measured.
fn ratios(own: f64, torch: &[Option<f64>]) -> Option<Ratios> {
    let float32 = *torch.first()?.as_ref()?;
    let fastest = torch.iter().flatten().copied().fold(float32, f64::max);
    Some(Ratios { float32: own / float32, fastest: own / fastest })
}

fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or(" - |".to_owned(), |value| format!(" {value:.digits$} |"))
}

fn speed_and_ratio(own: f64, speed: Option<f64>) -> String {
    cell(speed, 1) + &cell(speed.map(|speed| own / speed), 2)
}

/// PyTorch's images per second in each mode; `None` for a mode that fails: compilation needs a compiler for C++.
fn peer(python: &Path, shape: &Shape, steps: &str) -> Result<[Option<f64>; N_MODES]> {
    let (script, extents) = match shape.network {
        "airbench" => ("airbench_torch.py", shape.width.split('-').collect()),
        stem => ("resnet_torch.py", vec![stem, shape.width]),
    };
    let mut command = Command::new(python);
    command.arg(root()?.join("xtask/peers").join(script)).args(extents);
    command.args([&shape.batch.to_string(), steps, "--all"]);
    let printed = String::from_utf8(output(command)?)?;
    let mut speeds = [None; N_MODES];
    // The last line is the fastest again, and others may print as well.
    let answers = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for answer in answers.filter(|answer| answer["dtype"].is_string()) {
        if let Some(error) = answer["error"].as_str() {
            eprintln!("{} {}: {error}", shape.network, shape.width);
        }
        let mode = usize::from(answer["dtype"] == "bf16") + 2 * usize::from(answer["compiled"] == true);
        speeds[mode] = answer["images_per_s"].as_f64();
    }
    Ok(speeds)
}

pub(super) fn example(verb: &str, package: &str, name: &str) -> Result<Command> {
    cargo([verb, "--quiet", "--release", "--package", package, "--example", name])
}

fn with_shape(mut command: Command, shape: &Shape, steps: &str) -> Command {
    if command.get_args().any(|word| word == "--example") {
        command.arg("--");
    }
    command.args([shape.network, shape.width, &shape.batch.to_string(), steps]);
    command
}

/// Images per second, from the last line of what the command prints.
pub(super) fn measure(command: Command) -> Result<f64> {
    let printed = String::from_utf8(output(command)?)?;
    let line = printed.lines().last().context("it printed nothing")?;
    let answer: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
    answer["images_per_s"].as_f64().with_context(|| format!("no images per second: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fastest mode counts, whichever it is; a mode that failed does not.
    #[test]
    fn ratios_are_of_float32_and_of_the_fastest_mode() {
        let Ratios { float32, fastest } =
            ratios(300.0, &[Some(100.0), Some(150.0), None, Some(120.0)]).unwrap();
        assert_eq!((float32, fastest), (3.0, 2.0));
        assert!(ratios(300.0, &[None, Some(1.0)]).is_none() && ratios(300.0, &[]).is_none());
    }
}
