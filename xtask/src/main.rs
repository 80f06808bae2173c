//! The project's own commands, `cargo xtask COMMAND`.
//!
//! `xtask` starts processes and reads files; it depends on no crate of the workspace, so it builds quickly and still
//! runs when one of them does not compile. Each command is one file with one public function. A check collects
//! everything that it finds before it fails, so one run shows everything that must be fixed.

mod bench;
mod browser;
mod ci;
mod dist;
mod errors;
mod fixtures;
mod gallery;
mod layers;
mod process;
mod python;
mod sweep;
mod test;
mod tidy;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build `llp` in release mode and run a sweep: `[PRESET|FILE.toml] [ARGUMENTS OF llp sweep run]`
    ///
    /// The preset is `digits` unless the first argument names another one or a file. Results go to `runs/PRESET`,
    /// or where `--out` says.
    Sweep {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run every test; further arguments go to `cargo test`
    Test {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Measure speed, beside other implementations if a Python with them is given; prints a table in Markdown
    Bench {
        #[command(subcommand)]
        what: bench::What,
    },
    /// Look at pages of reports in a browser, in light and dark, narrow and wide; needs Python 3
    Browser {
        /// The browser, a Chromium; without it the first that is found, and a message if there is none
        program: Option<PathBuf>,
        /// Where to leave screenshots and the printed page
        #[arg(long, value_name = "FOLDER")]
        shots: Option<PathBuf>,
        /// A page to look at instead of those that are made for it
        #[arg(long, value_name = "FILE")]
        page: Option<PathBuf>,
    },
    /// Make the pictures of docs/gallery.md anew; needs Python 3 and a Chromium
    Gallery {
        /// The browser; without it the first that is found
        program: Option<PathBuf>,
    },
    /// Everything that must pass before a change is merged, or only the named steps of it
    Ci {
        /// format, tidy, layers, fixtures, errors, package, clippy, documentation, tests, properties, python, browser
        steps: Vec<String>,
    },
    /// Build the program for a target and pack it with manual pages and completions, as a release has it
    Dist {
        /// The target, one that this machine can run
        #[arg(long, value_name = "TRIPLE")]
        target: String,
        /// The folder for the archive and its checksum
        #[arg(long, value_name = "DIR", default_value = "dist")]
        out: PathBuf,
    },
    /// Compare the dependencies among the crates with the table in docs/architecture.md
    Layers,
    /// Verify the checksums of the data files that fixtures/manifest.json lists
    Fixtures {
        /// Write the present sizes and checksums into the manifest instead
        #[arg(long)]
        update: bool,
    },
    /// Compare docs/errors.md with the messages that the tests hold
    Errors {
        /// Write the document instead
        #[arg(long)]
        update: bool,
    },
    /// Check the rules of the house that no other tool checks
    Tidy,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Sweep { arguments } => return sweep::run(arguments),
        Command::Test { arguments } => test::run(&arguments)?,
        Command::Bench { what } => bench::run(&what)?,
        Command::Browser { program, shots, page } => browser::run(program, shots, page)?,
        Command::Dist { target, out } => dist::run(&target, &out)?,
        Command::Gallery { program } => gallery::run(program)?,
        Command::Ci { steps } => ci::run(&steps)?,
        Command::Layers => layers::run()?,
        Command::Fixtures { update } => fixtures::run(update)?,
        Command::Errors { update } => errors::run(update)?,
        Command::Tidy => tidy::run()?,
    }
    Ok(ExitCode::SUCCESS)
}
