//! `cargo xtask bench progress`: the share of a training's processor time that its progress takes.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::{root, run as run_command};
use crate::sweep::release_llp;

const SCRIPT: &str = "xtask/peers/progress.py";

/// Prints a table: the same training with the bar, with lines and without progress.
pub(super) fn run(program: Option<PathBuf>) -> Result<()> {
    let llp = program.map_or_else(release_llp, |program| Ok(std::path::absolute(program)?))?;
    let mut command = Command::new("python3");
    command.arg(root()?.join(SCRIPT)).arg(llp);
    run_command(command)
}
