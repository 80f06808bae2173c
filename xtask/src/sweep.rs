//! `cargo xtask sweep`: builds the binary `llp` in release mode and becomes it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{announce, cargo, output, root};

const DEFAULT_PRESET: &str = "digits-mlp";

/// Runs `llp sweep run`; its exit code is the result.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<ExitCode> {
    let mut command = Command::new(release_llp()?);
    command.args(sweep_arguments(arguments, &runs_folder()?));
    announce(&command);
    become_it(command)
}

/// Builds `llp` in release mode; its path.
pub(crate) fn release_llp() -> Result<PathBuf> {
    let build = ["build", "--release", "--package", "llp", "--bin", "llp", "--locked"];
    let messages = output(cargo(build.into_iter().chain(["--message-format", "json-render-diagnostics"]))?)?;
    executable(&messages, "llp")
}

/// `runs/` in the root of the workspace, relative to the current folder where that is possible.
fn runs_folder() -> Result<PathBuf> {
    let root = root()?;
    let here = std::env::current_dir()?;
    Ok(root.strip_prefix(&here).unwrap_or(&root).join("runs"))
}

/// The arguments of `llp`: the preset or file comes first, and results go to a folder of its name.
fn sweep_arguments(mut arguments: Vec<OsString>, runs: &Path) -> Vec<OsString> {
    let named = arguments.first().is_some_and(|first| !first.as_encoded_bytes().starts_with(b"-"));
    let sweep = if named { arguments.remove(0) } else { DEFAULT_PRESET.into() };
    let says_where = |word: &OsString| word == "--out" || word.as_encoded_bytes().starts_with(b"--out=");
    let mut all: Vec<OsString> = vec!["sweep".into(), "run".into(), sweep.clone()];
    if !arguments.iter().any(says_where) {
        let name = Path::new(&sweep).file_stem().unwrap_or(OsStr::new(DEFAULT_PRESET));
        all.extend(["--out".into(), runs.join(name).into()]);
    }
    all.extend(arguments);
    all
}

/// The path of a binary in the messages of `cargo build`, so that any target folder is found.
pub(crate) fn executable(messages: &[u8], name: &str) -> Result<PathBuf> {
    messages
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name && message["profile"]["test"] != true)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo built {name} but named no executable"))
}

/// Replaces this process, so that signals and the exit code are those of `llp` itself.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("cannot start llp")
}

/// Waits for the child: elsewhere a process cannot be replaced.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<ExitCode> {
    let code = command.status().context("cannot start llp")?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments_for(typed: &str) -> String {
        let typed = typed.split_whitespace().map(OsString::from).collect();
        let all = sweep_arguments(typed, Path::new("runs"));
        all.iter().map(|word| word.display().to_string()).collect::<Vec<_>>().join(" ")
    }

    /// Without a name it is the default preset, and what starts with a dash is never taken for a name.
    #[test]
    fn preset_is_optional() {
        assert_eq!(arguments_for(""), "sweep run digits-mlp --out runs/digits-mlp");
        assert_eq!(arguments_for("--jobs 2"), "sweep run digits-mlp --out runs/digits-mlp --jobs 2");
        assert_eq!(arguments_for("paper --jobs 2"), "sweep run paper --out runs/paper --jobs 2");
    }

    /// A file's results go to a folder with the name of the file, unless `--out` says otherwise.
    #[test]
    fn results_have_a_place() {
        assert_eq!(arguments_for("mine/small.toml"), "sweep run mine/small.toml --out runs/small");
        assert_eq!(arguments_for("paper --out there"), "sweep run paper --out there");
        assert_eq!(arguments_for("paper --out=there"), "sweep run paper --out=there");
    }

    /// Only the message about the binary of this name counts, not its tests; libraries carry null.
    #[test]
    fn executable_is_found_in_the_messages() {
        let messages = br#"{"target":{"name":"llp"},"executable":null}
            not json
            {"target":{"name":"xtask"},"executable":"t/xtask"}
            {"target":{"name":"llp"},"profile":{"test":true},"executable":"t/llp-tests"}
            {"target":{"name":"llp"},"executable":"t/llp"}"#;
        assert_eq!(executable(messages, "llp").unwrap(), PathBuf::from("t/llp"));
        assert!(executable(b"{}", "llp").is_err());
    }
}
