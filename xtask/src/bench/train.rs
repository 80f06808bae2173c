//! `cargo xtask bench train`: images per second of a training step on the CPU, beside candle, PyTorch in each of its modes,
//! and an earlier build.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
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
/// PyTorch's modes: the options of the peers' scripts, the first being float32 as it comes.
const MODES: [&[&str]; 4] = [&[], &["--dtype", "bf16"], &["--compile"], &["--dtype", "bf16", "--compile"]];
const MODE_NAMES: &str =
    " PyTorch float32 | bfloat16 | compiled | bfloat16 compiled | of float32 | of the fastest |";
/// Each takes its turn so often; the medians of the turns count.
const TURNS: usize = 3;
/// Steps of a turn after those that warm up.
const STEPS: &str = "6";

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
    let (mut own, mut earlier, mut torch) = (Vec::new(), Vec::new(), MODES.map(|_| Vec::new()));
    for _ in 0..TURNS {
        own.push(measure(with_shape(example("run", "llp-nn", "train_step")?, shape, STEPS))?);
        if let Some(program) = beside.earlier {
            // An earlier build may not have the network.
            earlier.extend(measure(with_shape(Command::new(program), shape, STEPS)).ok());
        }
        if let Some(python) = beside.python {
            for (speeds, mode) in torch.iter_mut().zip(MODES) {
                speeds.extend(peer(python, shape, mode)?);
            }
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
    let torch = torch.map(median);
    let ratios = ratios(own, &torch);
    if beside.python.is_some() {
        torch.iter().for_each(|&speed| line += &cell(speed, 1));
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

/// PyTorch's images per second in a mode. Returns `None` where only the compiler of PyTorch fails, which needs one for C++.
fn peer(python: &Path, shape: &Shape, mode: &[&str]) -> Result<Option<f64>> {
    let script = if shape.network == "airbench" { "airbench_torch.py" } else { "resnet_torch.py" };
    let mut command = Command::new(python);
    command.arg(root()?.join("xtask/peers").join(script));
    if shape.network == "airbench" {
        command.args(shape.width.split('-')).args([&shape.batch.to_string(), STEPS]);
    } else {
        command = with_shape(command, shape, STEPS);
    }
    command.args(mode);
    match measure(command) {
        Ok(speed) => Ok(Some(speed)),
        Err(error) if mode.contains(&"--compile") => {
            eprintln!("{script} {}: {error:#}", mode.join(" "));
            Ok(None)
        }
        Err(error) => Err(error),
    }
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
