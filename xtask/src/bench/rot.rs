//! `cargo xtask bench rot`: the ROT loss with its gradient from logits, in float32.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::Value;

use super::median;
use super::server::Server;
use crate::process::{cargo, root, run as run_command};

/// Bags, instances per bag, classes.
const SHAPES: [(u32, u32, u32); 5] =
    [(16, 64, 10), (64, 16, 10), (1, 1024, 10), (16, 64, 100), (1, 1024, 100)];
/// `alpha`, `epsilon`, standard deviation of the logits: as in training, and hard.
const SETTINGS: [(f64, f64, f64); 2] = [(0.5, 1.0, 1.0), (0.1, 0.1, 8.0)];
/// Each takes its turn so often; the medians of the turns count.
const TURNS: usize = 3;

/// Milliseconds of each turn and the error of the gradient, by who measured.
type Measured = BTreeMap<String, (Vec<f64>, Option<f64>)>;

pub(super) fn run(python: Option<&Path>) -> Result<()> {
    let example = ["--release", "--package", "llp-ot", "--all-features", "--example", "bench_rot"];
    run_command(cargo(["build"].into_iter().chain(example))?)?;
    let mut servers = vec![Server::start(cargo(["run", "--quiet"].into_iter().chain(example))?)?];
    if let Some(python) = python {
        let mut peers = Command::new(python);
        peers.arg(root()?.join("xtask/peers/rot_peers.py"));
        servers.push(Server::start(peers)?);
    }
    println!("{}", header(python.is_some()));
    for (alpha, epsilon, scale) in SETTINGS {
        for (bags, n, classes) in SHAPES {
            let request = format!("{bags} {n} {classes} {alpha} {epsilon} {scale}");
            let row = measure(&mut servers, &request)?;
            println!("| {bags} x {n} x {classes} | {alpha}, {epsilon}, {scale} | {}", cells(&row)?);
        }
    }
    Ok(())
}

fn measure(servers: &mut [Server], request: &str) -> Result<Measured> {
    let mut measured = Measured::new();
    for _ in 0..TURNS {
        for server in &mut *servers {
            for answer in server.ask(request)? {
                let (Some(what), Some(ms)) = (answer["what"].as_str(), answer["ms_median"].as_f64()) else {
                    bail!("a measurement without its name or time: {answer}");
                };
                let (times, error) = measured.entry(what.to_owned()).or_default();
                times.push(ms);
                *error = answer.get("gradient_error_max").and_then(Value::as_f64);
            }
        }
    }
    Ok(measured)
}

fn header(with_peers: bool) -> String {
    let peers = "OTT-JAX, ms | its error | ratio | PyTorch, ms | its error | ratio | POT, ms | ratio |";
    let line = format!(
        "| bags x n x K | alpha, epsilon, scale | llp-ot, ms | its error | llp-ot 75 sweeps, ms |{}",
        if with_peers { format!(" {peers}") } else { String::new() }
    );
    let rule = "---|".repeat(line.matches('|').count() - 1);
    format!("{line}\n|{rule}")
}

fn cells(measured: &Measured) -> Result<String> {
    let get = |name: &str| {
        let found = measured.iter().find(|(what, _)| what.starts_with(name));
        found.and_then(|(_, (times, error))| Some((median(times.clone())?, *error)))
    };
    let (Some((own, own_error)), Some((sweeps, _))) = (get("llp-ot f32 newton"), get("llp-ot f32 75")) else {
        bail!("llp-ot did not answer");
    };
    let mut cells = vec![format!("{own:.3}"), show_error(own_error), format!("{sweeps:.3}")];
    for (name, has_gradient) in [("OTT-JAX", true), ("PyTorch", true), ("POT", false)] {
        let Some((ms, error)) = get(name) else { continue };
        cells.push(format!("{ms:.3}"));
        if has_gradient {
            cells.push(show_error(error));
        }
        cells.push(format!("**{:.0}**", ms / own));
    }
    Ok(format!("{} |", cells.join(" | ")))
}

fn show_error(error: Option<f64>) -> String {
    error.map_or(String::new(), |error| format!("{error:.0e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row has as many cells as the header, with and without peers; a ratio is theirs over ours.
    #[test]
    fn rows_fit_the_header() {
        let mut measured = Measured::from([
            ("llp-ot f32 newton".to_owned(), (vec![0.3, 0.1, 0.2], Some(1e-9))),
            ("llp-ot f32 75 sweeps".to_owned(), (vec![1.0], Some(1e-9))),
        ]);
        let fits = |measured: &Measured, with_peers: bool| {
            let row = format!("| shape | setting | {}", cells(measured).unwrap());
            let n_columns = header(with_peers).lines().next().unwrap().matches('|').count();
            assert_eq!(row.matches('|').count(), n_columns, "{row}");
            row
        };
        fits(&measured, false);
        for name in ["OTT-JAX", "PyTorch", "POT"] {
            measured.insert(name.to_owned(), (vec![8.0], None));
        }
        assert!(fits(&measured, true).contains("| 0.200 | 1e-9 | 1.000 | 8.000 |  | **40** |"));
    }
}
