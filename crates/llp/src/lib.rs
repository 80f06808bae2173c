//! The program `llp` as a library: its command line, for `src/main.rs` and for other languages.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: `docs/cli.md`.

mod args;
mod data;
mod environment;
mod failure;
mod predict;
mod setup;
mod show;
mod signals;
mod sweep;
mod train;
mod units;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};

use failure::{Failure, code};

/// Train classifiers of images and of table rows from label proportions.
#[derive(Parser)]
#[command(name = "llp", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    /// Where decoded images are kept for the next time, and numbers of tables that memory does not hold, or `none`.
    /// Without it, images that take long to decode or much memory are kept in the cache folder of the user.
    #[arg(long, global = true, env = "LLP_CACHE", value_name = "DIR")]
    cache: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

/// Arguments of every command.
#[derive(clap::Args, Clone, Copy)]
struct Global {
    /// Errors only.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// What standard output carries.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    output: Output,
    /// How progress is shown on standard error.
    #[arg(long, global = true, value_name = "STYLE", default_value = "auto")]
    progress: train::progress::Style,
}

/// The form of standard output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Text for people.
    Human,
    /// JSON for programs.
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Train one network, or go on with it: the same command again continues a stopped run.
    Train(Box<train::TrainArgs>),
    /// Continue a stopped run from its directory alone.
    Resume(train::ResumeArgs),
    /// Accuracy and bag-level losses of a trained network.
    Evaluate(predict::evaluate::EvaluateArgs),
    /// The classes of new instances, with probabilities; corrected where the proportions of their bags are known.
    Predict(Box<predict::PredictArgs>),
    /// How well the labels of single training instances can be recovered from their bags.
    Privacy(predict::privacy::PrivacyArgs),
    /// Label single instances: class probabilities of any model and the proportions of the bags in, posteriors out.
    Disaggregate(predict::disaggregate::DisaggregateArgs),
    /// Ecological inference: how groups divide into classes, from counts of both in each bag.
    Ei(predict::ei::EiArgs),
    /// Fetch, describe and check data sets.
    Data {
        #[command(subcommand)]
        command: data::DataCommand,
    },
    /// Make bags that several methods train on, and describe them.
    Bags {
        #[command(subcommand)]
        command: data::bags::BagsCommand,
    },
    /// Train a grid of networks.
    Sweep {
        #[command(subcommand)]
        command: sweep::SweepCommand,
    },
    /// Tables, figures and a page of a sweep, or of several sweeps and runs, from what is there.
    Report(show::report::ReportArgs),
    /// Look at a sweep or a run while it trains, from another terminal.
    Watch(show::watch::WatchArgs),
    /// Write a run or its network in the format of another program.
    Export(show::export::ExportArgs),
    /// Put a finished run onto the Hugging Face hub.
    Upload(show::upload::UploadArgs),
    /// Whether this machine can train, on which devices, and what is missing.
    Doctor,
    /// Print the script that completes command lines in a shell.
    Completions(setup::completions::CompletionsArgs),
    /// Write manual pages.
    Man(setup::completions::ManArgs),
}

/// Reading a damaged Parquet file can panic, which becomes an error with the file's name: that is all there is to say.
fn silence_guarded_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !llp_data::table::is_guarded() {
            report(panic);
        }
    }));
}

/// Runs a command line and returns its exit code. `args` starts with the program, as the command line does.
///
/// `program` is what the parallel runs of a sweep are started with: an executable that takes the same arguments.
pub fn run(program: &Path, args: impl IntoIterator<Item = OsString>) -> u8 {
    environment::set_program(program);
    silence_guarded_panics();
    if let Some(bytes) = environment::memory_limit() {
        llp_data::set_available_memory(bytes);
    }
    let Cli { global, cache, command } = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(help_or_error) => {
            // A closed output takes nothing away from the exit code.
            let _ = help_or_error.print();
            return u8::try_from(help_or_error.exit_code()).unwrap_or(code::USAGE);
        }
    };
    data::cache::set(global, cache.as_deref(), &command);
    execute(global, command).unwrap_or_else(|Failure { code, error }| {
        // A closed standard error takes nothing away from the exit code.
        let _ = writeln!(std::io::stderr(), "error: {}", failure::message(&error));
        code
    })
}

fn execute(global: Global, command: Command) -> Result<u8, Failure> {
    match command {
        Command::Train(args) => train::train(global, &args),
        Command::Resume(args) => train::resume(global, &args),
        Command::Evaluate(args) => predict::evaluate::evaluate(global, &args),
        Command::Predict(args) => predict::predict(global, &args),
        Command::Privacy(args) => predict::privacy::privacy(global, &args),
        Command::Disaggregate(args) => predict::disaggregate::disaggregate(global, &args),
        Command::Ei(args) => predict::ei::ei(global, &args),
        Command::Data { command } => data::data(global, &command),
        Command::Bags { command } => data::bags::bags(global, &command),
        Command::Sweep { command } => sweep::sweep(global, &command),
        Command::Report(args) => show::report::report(global, &args),
        Command::Watch(args) => show::watch::watch(global, &args),
        Command::Export(args) => show::export::export(global, &args),
        Command::Upload(args) => show::upload::upload(global, &args),
        Command::Doctor => setup::doctor::doctor(global),
        Command::Completions(args) => setup::completions::completions(&args),
        Command::Man(args) => setup::completions::man(&args),
    }
}
