//! `cargo xtask gallery`: the pictures of `docs/gallery.md`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::browser::{installed, test_llp};
use crate::process::{root, run as run_command};

const SCRIPT: &str = "fixtures/gallery/make.py";
const TARGET: &str = "docs/gallery";

/// Runs every command of the gallery on the embedded digits, and photographs what it shows.
pub(crate) fn run(program: Option<PathBuf>) -> Result<()> {
    let browser = program.or_else(installed).context("there is no browser: name a Chromium")?;
    let root = root()?;
    let mut command = Command::new("python3");
    command.arg(root.join(SCRIPT)).arg(test_llp()?).arg(browser).arg(root.join(TARGET));
    run_command(command)
}
