//! Starting other programs, and saying so; reporting what a check found.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the workspace that `cargo xtask` was called in.
pub(crate) fn root() -> Result<PathBuf> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").context("start this program as `cargo xtask`")?;
    let root = PathBuf::from(manifest).parent().map(PathBuf::from);
    root.context("the folder of xtask has no parent")
}

/// A `cargo` command in the root of the workspace; the same cargo that started `xtask`.
pub(crate) fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()?);
    Ok(command)
}

/// Runs a command to its end; a failure is an error.
pub(crate) fn run(mut command: Command) -> Result<()> {
    announce(&command);
    let status = command.status().with_context(|| format!("cannot start {}", shown(&command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(&command));
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed; its messages go to the terminal.
pub(crate) fn output(mut command: Command) -> Result<Vec<u8>> {
    announce(&command);
    command.stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start {}", shown(&command)))?;
    if !output.status.success() {
        bail!("{} ended with {}", shown(&command), output.status);
    }
    Ok(output.stdout)
}

/// Prints the command line, with the variables that were set for it, before it runs.
pub(crate) fn announce(command: &Command) {
    eprintln!("$ {}", shown(command));
}

/// The command line as a person would type it, with the variables that are set for it.
fn shown(command: &Command) -> String {
    let variable =
        |(name, value): (&OsStr, Option<&OsStr>)| Some(format!("{}='{}'", name.display(), value?.display()));
    let variables = command.get_envs().filter_map(variable);
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args()).map(|word| word.display().to_string());
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// The end of a check: silent success with a summary, or every finding and an error that counts them.
pub(crate) fn verdict(summary: &str, findings: &[String]) -> Result<()> {
    for finding in findings {
        eprintln!("  {finding}");
    }
    match findings.len() {
        0 => eprintln!("ok: {summary}"),
        n => bail!("{n} finding(s), listed above"),
    }
    Ok(())
}
