//! `cargo xtask bench losses`: every loss with its gradient, in float32.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::median;
use crate::process::{cargo, output, root, run as run_command};

/// Each takes its turn so often; the medians of the turns count.
const TURNS: usize = 3;

pub(super) fn run(python: Option<&Path>) -> Result<()> {
    let example = ["run", "--quiet", "--release", "--package", "llp-loss", "--example", "time_losses"];
    run_command(cargo(example)?)?;
    let Some(python) = python else { return Ok(()) };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        ours.push(milliseconds(cargo(example.into_iter().chain(["--", "moments"]))?)?);
        let mut peer = Command::new(python);
        peer.arg(root()?.join("xtask/peers/moments_torch.py"));
        theirs.push(milliseconds(peer)?);
    }
    let (ours, theirs) = (median(ours).unwrap_or(f64::NAN), median(theirs).unwrap_or(f64::NAN));
    println!(
        "moments of order 8, 16 x 64 x 10: {ours:.0} ms, PyTorch {theirs:.0} ms, {:.1} times",
        theirs / ours
    );
    Ok(())
}

/// What a command prints.
fn milliseconds(command: Command) -> Result<f64> {
    let text = String::from_utf8(output(command)?)?;
    text.trim().parse().with_context(|| format!("{text:?} is no time"))
}
