//! The one error type of this crate, and where a value came from.

use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};

/// Where a configuration value was written, for messages that send the reader there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file and its line, from 1.
    File { path: String, line: usize },
    /// An environment variable or a command-line argument, by name.
    Name(String),
    /// A configuration that the program itself built.
    Program,
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Name(name) => f.write_str(name),
            Self::Program => f.write_str("configuration"),
        }
    }
}

impl Origin {
    /// The first line of a file.
    pub(crate) fn of_file(path: &Path) -> Self {
        Self::File { path: path.display().to_string(), line: 1 }
    }

    /// What is wrong with what is written there.
    pub(crate) fn error(&self, problem: impl Display) -> SweepError {
        SweepError::Invalid(format!("{self}: {problem}"))
    }

    /// A value of the wrong type or out of range; `nearest` is the valid choice closest to it, if one is close.
    pub(crate) fn invalid_value(
        &self,
        key: &str,
        expected: impl Display,
        got: impl Display,
        nearest: Option<&str>,
    ) -> SweepError {
        self.error(format!("`{key}` must be {expected}, got {got}{}", did_you_mean(nearest)))
    }

    /// A key that no configuration has.
    pub(crate) fn unknown_key(&self, key: &str, nearest: Option<&str>) -> SweepError {
        self.error(format!("unknown key `{key}`{}", did_you_mean(nearest)))
    }

    /// What is not of the form `key=value`.
    pub(crate) fn not_an_assignment(&self, got: &str) -> SweepError {
        self.error(format!("expected KEY=VALUE, as in `optim.lr=0.1`, got `{got}`"))
    }

    /// Another version of a format.
    pub(crate) fn other_schema(&self, got: impl Display, supported: u32) -> SweepError {
        self.error(format!("schema {got} is not supported, this program reads schema {supported}"))
    }
}

/// Everything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A file operation failed; the message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A setting, a sweep or a file that cannot be used: where it is, what is wrong, what helps.
    #[error("{0}")]
    Invalid(String),
    /// Another live process works on the run.
    #[error("{} is being worked on by {holder}", .path.display())]
    Claimed {
        /// The run directory.
        path: PathBuf,
        /// The process that holds the claim.
        holder: String,
    },
    /// This process was taken for dead, and another one works on the run; the path is that of the run.
    #[error("{} was taken over by another process: this one missed its heartbeats for too long", .0.display())]
    ClaimLost(PathBuf),
    /// A command of Slurm failed: its name, and what it says, or why it could not be started.
    #[error("{0}: {1}")]
    Slurm(String, String),
}

impl SweepError {
    /// Whether the same command would fail everywhere: the cause is in the settings or the files, not in the machine.
    pub fn is_permanent(&self) -> bool {
        use io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound};
        match self {
            Self::Io(error) => {
                matches!(error.kind(), NotFound | InvalidData | IsADirectory | NotADirectory)
            }
            Self::Invalid(_) => true,
            Self::Claimed { .. } | Self::ClaimLost(_) | Self::Slurm(..) => false,
        }
    }

    /// A key without a value that something cannot do without.
    pub(crate) fn missing_key(key: &str, needed_by: &str) -> Self {
        Self::Invalid(format!(
            "{needed_by} needs `{key}`: give it in a configuration file or with --set {key}=VALUE"
        ))
    }

    /// A folder that is not that of a run.
    pub(crate) fn no_run(path: &Path) -> Self {
        let hint = if path.join("plan.jsonl").exists() {
            format!("it is a sweep, whose runs are in {}", path.join("runs").display())
        } else if path.exists() {
            "it has no config.toml".to_owned()
        } else {
            "there is no such directory".to_owned()
        };
        Self::Invalid(format!("there is no run in {}: {hint}", path.display()))
    }

    /// A JSON file that cannot be read; `line` counts from 1.
    pub(crate) fn json(path: &Path, line: usize, error: &serde_json::Error) -> Self {
        Self::Invalid(format!("{}:{line}: {error}", path.display()))
    }
}

impl From<csv::Error> for SweepError {
    fn from(error: csv::Error) -> Self {
        Self::Invalid(format!("cannot write the results table: {error}"))
    }
}

/// The end of a message about a word that is close to a known one.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
