//! The one error type of this crate, and where a value came from.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::claim::Owner;
use crate::config::Difference;

/// Where a configuration value was written, for messages that send the reader there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file and its line, 1-based.
    File {
        /// The path as it was given.
        path: String,
        /// The line of the value.
        line: usize,
    },
    /// An environment variable, by name.
    Variable(String),
    /// A command-line argument, by name (`--set`, `--lr`).
    Argument(String),
    /// A [`RunConfig`](crate::config::RunConfig) that the program itself built.
    Program,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Variable(name) | Self::Argument(name) => f.write_str(name),
            Self::Program => f.write_str("configuration"),
        }
    }
}

/// A value of the wrong type or out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: `{key}` must be {expected}, got {got}{}", did_you_mean(.nearest.as_deref()))]
pub struct InvalidValue {
    /// Where it is written.
    pub origin: Origin,
    /// The key, dotted.
    pub key: String,
    /// What would be valid.
    pub expected: String,
    /// The value.
    pub got: String,
    /// The valid choice that is closest to it, if one is close.
    pub nearest: Option<String>,
}

/// Everything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A file operation failed; the message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// A file is not TOML.
    #[error("{origin}: {message}")]
    Syntax {
        /// File and line.
        origin: Origin,
        /// What the parser says.
        message: String,
    },

    /// A key that no configuration has.
    #[error("{origin}: unknown key `{key}`{}", did_you_mean(.nearest.as_deref()))]
    UnknownKey {
        /// Where it is written.
        origin: Origin,
        /// The key as written, dotted.
        key: String,
        /// The known key that is closest to it, if one is close.
        nearest: Option<String>,
    },

    /// A value of the wrong type or out of range.
    #[error(transparent)]
    InvalidValue(#[from] Box<InvalidValue>),

    /// Not of the form `key=value`.
    #[error("{origin}: expected KEY=VALUE, as in `optim.lr=0.1`, got `{got}`")]
    Assignment {
        /// The argument's name.
        origin: Origin,
        /// Its text.
        got: String,
    },

    /// A key without a value.
    #[error("{needed_by} needs `{key}`: give it in a configuration file or with --set {key}=VALUE")]
    MissingKey {
        /// The key, dotted.
        key: String,
        /// What cannot do without it.
        needed_by: String,
    },

    /// A setting that says how a network is trained by steps, or one of another method.
    #[error("`{key}` does nothing with `method.name = {method}`: leave one of the two out")]
    NotOfMethod {
        /// The key, dotted.
        key: &'static str,
        /// The method.
        method: &'static str,
    },

    /// A sweep without a name.
    #[error("{path}: a sweep needs a name at the top of its file, as in name = \"mine\"")]
    MissingName {
        /// The sweep's file.
        path: String,
    },

    /// A preset that does not exist.
    #[error("unknown preset `{name}`: the presets are {known}{}", did_you_mean(.nearest.as_deref()))]
    UnknownPreset {
        /// The name as given.
        name: String,
        /// All presets.
        known: String,
        /// The closest preset, if one is close.
        nearest: Option<String>,
    },

    /// A file of another version of the format.
    #[error("{origin}: schema {got} is not supported, this program reads schema {supported}")]
    UnsupportedSchema {
        /// The file.
        origin: Origin,
        /// The file's version.
        got: String,
        /// This program's version.
        supported: u32,
    },

    /// A run directory that belongs to another configuration.
    #[error(
        "{} holds a run with another configuration:\n  {}\nchoose another folder, or repeat the run's own settings",
        .path.display(), list_differences(.differences)
    )]
    ConfigDiffers {
        /// The run directory.
        path: PathBuf,
        /// The keys that differ: first the value on disk, then the one asked for.
        differences: Vec<Difference>,
    },

    /// A sweep directory that was planned from another grid.
    #[error(
        "{} was planned from another grid: {} more cells asked for{}, {} no longer asked for{}\nchoose another \
         folder, or delete its sweep.toml and plan.jsonl to plan anew: finished runs are found again by name",
        .path.display(), .added.len(), first_names(.added), .removed.len(), first_names(.removed)
    )]
    GridDiffers {
        /// The sweep directory.
        path: PathBuf,
        /// Cells that are asked for and not in the plan, by run name.
        added: Vec<String>,
        /// Cells that are in the plan and not asked for, by run name.
        removed: Vec<String>,
    },

    /// A grid without any cell.
    #[error("{origin}: the grid has no cell: every combination is excluded or a list is empty")]
    EmptyGrid {
        /// The sweep file.
        origin: Origin,
    },

    /// A grid of more cells than anybody trains.
    #[error("{origin}: the grid has {n_cells} combinations, at most {max} are possible: split it")]
    LargeGrid {
        /// The sweep file.
        origin: Origin,
        /// Combinations of all values.
        n_cells: usize,
        /// The most that are accepted.
        max: usize,
    },

    /// A grid over a key that does not distinguish runs.
    #[error("{origin}: `{key}` does not distinguish runs, so a grid cannot vary it: set it under [base]")]
    NoAxis {
        /// The sweep file.
        origin: Origin,
        /// The key, dotted.
        key: &'static str,
    },

    /// Another live process works on the run.
    #[error("{} is being worked on by {holder}", .path.display())]
    Claimed {
        /// The run directory.
        path: PathBuf,
        /// The process that holds the claim.
        holder: Owner,
    },

    /// This process was taken for dead, and another one works on the run.
    #[error(
        "{} was taken over by another process: this one missed its heartbeats for too long", .path.display()
    )]
    ClaimLost {
        /// The run directory.
        path: PathBuf,
    },

    /// A JSON file of ours that cannot be read.
    #[error("{}:{line}: {source}", .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// What the parser says.
        source: serde_json::Error,
    },

    /// A directory that is not that of a run.
    #[error("there is no run in {path}{hint}", path = .path.display(), hint = no_run_hint(.path))]
    NoRun {
        /// The directory.
        path: PathBuf,
    },

    /// A number that JSON cannot hold.
    #[error("`{field}` is not a finite number and cannot be recorded")]
    NonFinite {
        /// The field's name.
        field: String,
    },

    /// A command of Slurm failed.
    #[error("{command}: {message}")]
    Slurm {
        /// The command.
        command: String,
        /// What it says, or why it could not be started.
        message: String,
    },

    /// The table of results could not be written.
    #[error("cannot write the results table: {0}")]
    Csv(#[from] csv::Error),

    /// A figure could not be drawn.
    #[error("cannot draw {figure}: {reason}")]
    Figure {
        /// The figure's name.
        figure: &'static str,
        /// What the drawing library says.
        reason: String,
    },
}

/// What is in place of a run.
fn no_run_hint(path: &Path) -> String {
    if path.join("plan.jsonl").exists() {
        return format!(": it is a sweep, whose runs are in {}", path.join("runs").display());
    }
    let what = if path.exists() { "it has no config.toml" } else { "there is no such directory" };
    format!(": {what}")
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn list_differences(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}

/// The first few names, in brackets: enough to see what kind of cells differ.
fn first_names(names: &[String]) -> String {
    const SHOWN: usize = 3;
    if names.is_empty() {
        return String::new();
    }
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!(" ({}{more})", names[..names.len().min(SHOWN)].join(", "))
}
