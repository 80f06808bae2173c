//! `cargo xtask ci python`: the Python package, installed as a user installs it.
//!
//! A fresh environment of `python3`, and one of the newest other Python there is, get the package and what its tests use,
//! from whatever index pip is configured with; then the lines of README's front page run, and the tests, the notebooks
//! among them. Without Python, or an index for pip, the step says so and passes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{root, run as run_command};

/// Major and minor number.
type Version = (u32, u32);

/// The first version that the package is for.
const MINIMUM: Version = (3, 11);

/// Minor versions that are looked for beside `python3`.
const NEWER_MINORS: std::ops::RangeInclusive<u32> = 12..=20;

/// What the build and the tests use; those of `llp_rs.torch` skip where there is no torch, which is large.
const TEST_PACKAGES: [&str; 9] =
    ["maturin", "numpy", "scikit-learn", "pandas", "polars", "pytest", "tqdm", "nbclient", "ipykernel"];

/// The profile of the tests: most of what it builds is there already, and it checks overflows and debug assertions.
const PROFILE: &str = "--config-settings=maturin.build-args=--profile=dev";

const README: &str = "README.md";

/// Installs the package into new environments and tests it there.
pub(crate) fn run() -> Result<()> {
    let interpreters = interpreters();
    if interpreters.is_empty() {
        eprintln!("skipped: there is no Python of {}.{} or later", MINIMUM.0, MINIMUM.1);
    }
    for (interpreter, version) in interpreters {
        test(&interpreter, version).with_context(|| format!("Python {}.{}", version.0, version.1))?;
    }
    Ok(())
}

/// `python3`, and the newest other Python: those that pyenv keeps beside each other, and those in `PATH`.
fn interpreters() -> Vec<(PathBuf, Version)> {
    let known =
        |path: PathBuf| version(&path).filter(|version| *version >= MINIMUM).map(|version| (path, version));
    let first = known("python3".into());
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")));
    let kept = pyenv.and_then(|pyenv| fs_err::read_dir(pyenv.join("versions")).ok());
    let kept = kept.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("bin/python3")));
    let named = NEWER_MINORS.map(|minor| PathBuf::from(format!("python3.{minor}")));
    let newest = named.chain(kept).filter_map(known).max_by_key(|(_, version)| *version);
    let is_other = |newest: &(PathBuf, Version)| first.as_ref().is_none_or(|first| first.1 < newest.1);
    let newest = newest.filter(is_other);
    first.into_iter().chain(newest).collect()
}

fn test(interpreter: &Path, version: Version) -> Result<()> {
    let root = root()?;
    let environment = target(&root).join(format!("python-{}.{}", version.0, version.1));
    run_command(python(interpreter, &["-m", "venv", "--clear"], &[&environment]))?;
    let python_there = executable(&environment);
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let mut packages = python(&python_there, &pip, &[]);
    packages.args(TEST_PACKAGES);
    if run_command(packages).is_err() {
        eprintln!("skipped: pip cannot fetch {}", TEST_PACKAGES.join(", "));
        return Ok(());
    }
    let mut package = python(&python_there, &pip, &[]);
    package.arg(PROFILE).arg(&root).env("CARGO_TARGET_DIR", target(&root));
    run_command(package)?;
    let mut example = python(&python_there, &["-c"], &[]);
    example.arg(first_example(&fs_err::read_to_string(root.join(README))?)?).current_dir(&environment);
    run_command(example)?;
    let tests = root.join("python/tests");
    let mut tests = python(&python_there, &["-m", "pytest", "-q", "-p", "no:cacheprovider"], &[&tests]);
    tests.current_dir(&root);
    run_command(tests)
}

/// Major and minor version of an interpreter. Returns `None` if there is none that runs.
fn version(interpreter: &Path) -> Option<Version> {
    let print = ["-c", "import sys; print(*sys.version_info[:2])"];
    let output = Command::new(interpreter).args(print).output().ok()?;
    parse_version(&String::from_utf8(output.stdout).ok()?)
}

fn parse_version(printed: &str) -> Option<Version> {
    let (major, minor) = printed.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn python(interpreter: &Path, arguments: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(interpreter);
    command.args(arguments).args(paths);
    command
}

/// Where cargo builds the workspace.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// The interpreter of an environment.
fn executable(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// The first block of Python in a page.
fn first_example(markdown: &str) -> Result<String> {
    let after = markdown.split_once("```python\n").with_context(|| format!("{README} has no example"))?.1;
    let Some((example, _)) = after.split_once("```") else { bail!("{README}: the example has no end") };
    Ok(example.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions are compared as numbers: 3.9 is before 3.11.
    #[test]
    fn versions_are_numbers() {
        assert!(parse_version("3 9\n").unwrap() < MINIMUM);
        assert!(parse_version("3 11\n").unwrap() >= MINIMUM && parse_version("3 9 1").is_none());
    }

    /// The first block is taken, without its fences; a page without one is a finding.
    #[test]
    fn the_first_example_is_found() {
        let page = "a\n```sh\nls\n```\n```python\nx = 1\n```\n```python\ny\n```\n";
        assert_eq!(first_example(page).unwrap(), "x = 1\n");
        assert!(first_example("a").is_err() && first_example("```python\nx").is_err());
    }
}
