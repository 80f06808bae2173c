//! `cargo xtask ci`: everything that must pass before a change is merged.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, run as run_command};
use crate::{browser, errors, fixtures, layers, python, test, tidy};

/// A check and the name that selects it.
type Step = (&'static str, fn() -> Result<()>);

/// All steps, about the cheapest first.
const STEPS: [Step; 12] = [
    ("format", || run_command(cargo(["fmt", "--all", "--check"])?)),
    ("tidy", tidy::run),
    ("layers", layers::run),
    ("fixtures", || fixtures::run(false)),
    ("errors", || errors::run(false)),
    ("package", || run_command(package()?)),
    ("clippy", || run_command(clippy()?)),
    ("documentation", || run_command(documentation()?)),
    ("tests", || test::run(&[])),
    ("properties", || run_command(properties()?)),
    ("browser", || browser::run(None, None, None)),
    // Last: pip's environment has some dependencies built again, and with them all tests.
    ("python", python::run),
];

/// Cases of each property test of the transport and the losses, the theorems on which everything else rests, unless the
/// environment asks for another number.
const PROPERTY_CASES: &str = "1000";

/// Runs the named steps, or all, in the order of [`STEPS`], and stops at the first that fails.
pub(crate) fn run(names: &[String]) -> Result<()> {
    for (name, check) in selected(names)? {
        eprintln!("== {name}");
        let start = Instant::now();
        check().with_context(|| format!("the step `{name}` failed"))?;
        eprintln!("== {name}: passed in {:.0} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}

fn selected(names: &[String]) -> Result<Vec<Step>> {
    let known = STEPS.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("no step is called `{unknown}`; there are {}", known.join(", "));
    }
    Ok(STEPS
        .into_iter()
        .filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name))
        .collect())
}

/// Packs every crate as for a registry, without building it again from the package.
fn package() -> Result<Command> {
    cargo([
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        "--exclude",
        "llp-python",
        "--no-verify",
        "--allow-dirty",
        "--quiet",
        "--locked",
    ])
}

/// Building the whole workspace turns on every feature but `cuda`, which needs a toolkit that not every machine has.
fn clippy() -> Result<Command> {
    let what = ["clippy", "--workspace", "--all-targets", "--locked"];
    cargo(what.into_iter().chain(["--", "-D", "warnings"]))
}

fn documentation() -> Result<Command> {
    let mut command = cargo(["doc", "--workspace", "--no-deps", "--locked"])?;
    command.env("RUSTDOCFLAGS", "-D warnings");
    Ok(command)
}

/// The same features as the tests, so that little is compiled again; without the crates whose properties start
/// processes or draw figures.
fn properties() -> Result<Command> {
    let theorems = ["properties", "properties_exact", "properties_gradient"]
        .into_iter()
        .flat_map(|name| ["--test", name]);
    let what = ["test", "--workspace", "--exclude", "llp-bags", "--exclude", "llp-sweep", "--locked"];
    let mut command = cargo(what.into_iter().chain(theorems))?;
    let cases = std::env::var("PROPTEST_CASES").unwrap_or_else(|_| PROPERTY_CASES.to_owned());
    command.env("PROPTEST_CASES", cases);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[&str]) -> Result<Vec<&'static str>> {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        Ok(selected(&wanted)?.into_iter().map(|(name, _)| name).collect())
    }

    /// Nothing named is everything; what is named runs once, in the order of the steps; a typing error runs nothing.
    #[test]
    fn steps_are_selected() {
        assert_eq!(names(&[]).unwrap(), STEPS.map(|(name, _)| name));
        assert_eq!(names(&["tests", "tidy", "tests"]).unwrap(), ["tidy", "tests"]);
        assert!(names(&["tidy", "test"]).is_err());
    }
}
