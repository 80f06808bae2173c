//! `cargo xtask test`: the one test command, for a newcomer and for CI alike.

use std::ffi::OsString;

use anyhow::Result;

use crate::process::{cargo, run as run_command};

/// Runs unit, property, golden and documentation tests of every crate, and builds every example.
pub(crate) fn run(arguments: &[OsString]) -> Result<()> {
    let mut command = cargo(["test", "--workspace", "--locked"])?;
    command.args(arguments);
    run_command(command)
}
