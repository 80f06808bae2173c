//! `llp`: train image classifiers from label proportions.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: `docs/cli.md`.

mod bag_column;
mod bags;
mod bags_show;
mod calibration;
mod completions;
mod config_args;
mod contact_sheet;
mod data;
mod data_faults;
mod data_known;
mod device_arg;
mod disaggregate;
mod doctor;
mod epoch_arg;
mod evaluate;
mod evaluate_show;
mod export;
mod failure;
mod hub;
mod own_inspect;
mod own_words;
mod pool_devices;
mod predict;
mod predict_input;
mod privacy;
mod progress;
mod report;
mod signals;
mod sweep;
mod sweep_control;
mod sweep_exec;
mod sweep_plan;
mod sweep_probe;
mod sweep_progress;
mod sweep_status;
mod sweep_submit;
mod sweep_work;
mod train;
mod trained_run;
mod upload;
mod watch;
mod world;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use failure::Failure;

/// The default allocator of the C library returns large blocks to the system after every step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Train image classifiers from label proportions.
#[derive(Parser)]
#[command(name = "llp", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
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
    progress: progress::Style,
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
    Evaluate(evaluate::EvaluateArgs),
    /// The classes of new instances, with probabilities; corrected where the proportions of their bags are known.
    Predict(Box<predict::PredictArgs>),
    /// How well the labels of single training instances can be recovered from their bags.
    Privacy(privacy::PrivacyArgs),
    /// Label single instances: class probabilities of any model and the proportions of the bags in, posteriors out.
    Disaggregate(disaggregate::DisaggregateArgs),
    /// Fetch, describe and check data sets.
    Data {
        #[command(subcommand)]
        command: data::DataCommand,
    },
    /// Make bags that several methods train on, and describe them.
    Bags {
        #[command(subcommand)]
        command: bags::BagsCommand,
    },
    /// Train a grid of networks.
    Sweep {
        #[command(subcommand)]
        command: sweep::SweepCommand,
    },
    /// Tables, figures and a page of a sweep, or of several sweeps and runs, from what is there.
    Report(report::ReportArgs),
    /// Look at a sweep or a run while it trains, from another terminal.
    Watch(watch::WatchArgs),
    /// Write a run or its network in the format of another program.
    Export(export::ExportArgs),
    /// Put a finished run onto the Hugging Face hub.
    Upload(upload::UploadArgs),
    /// Whether this machine can train, on which devices, and what is missing.
    Doctor,
    /// Print the script that completes command lines in a shell.
    Completions(completions::CompletionsArgs),
    /// Write manual pages.
    Man(completions::ManArgs),
}

/// Reading a damaged Parquet file can panic, which becomes an error with the file's name: that is all there is to say.
fn silence_guarded_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !llp_bags::source::parquet::is_guarded() {
            report(panic);
        }
    }));
}

fn main() -> ExitCode {
    silence_guarded_panics();
    if let Some(bytes) = world::memory_limit() {
        llp_bags::set_available_memory(bytes);
    }
    let Cli { global, command } = Cli::parse();
    let end = match command {
        Command::Train(args) => train::train(global, &args),
        Command::Resume(args) => train::resume(global, &args),
        Command::Evaluate(args) => evaluate::evaluate(global, &args),
        Command::Predict(args) => predict::predict(global, &args),
        Command::Privacy(args) => privacy::privacy(global, &args),
        Command::Disaggregate(args) => disaggregate::disaggregate(global, &args),
        Command::Data { command } => data::data(global, &command),
        Command::Bags { command } => bags::bags(global, &command),
        Command::Sweep { command } => sweep::sweep(global, &command),
        Command::Report(args) => report::report(global, &args),
        Command::Watch(args) => watch::watch(global, &args),
        Command::Export(args) => export::export(global, &args),
        Command::Upload(args) => upload::upload(global, &args),
        Command::Doctor => doctor::doctor(global),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => completions::man(&args),
    };
    end.unwrap_or_else(|Failure { code, error }| {
        // There is nobody left to tell if standard error is closed.
        let _ = writeln!(std::io::stderr(), "error: {}", failure::message(&error));
        ExitCode::from(code)
    })
}
