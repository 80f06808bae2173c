//! Errors with the exit code that they end the program with.

use llp_data::DataError;
use llp_sweep::SweepError;
use llp_train::TrainError;

/// Exit codes; `docs/cli.md` says when each is used.
pub(crate) mod code {
    /// The command did what it was asked for.
    pub(crate) const SUCCESS: u8 = 0;
    /// The machine failed: files, memory, devices.
    pub(crate) const RUNTIME: u8 = 1;
    /// Bad arguments, configuration or data.
    pub(crate) const USAGE: u8 = 2;
    /// A sweep ended with failed cells.
    pub(crate) const FAILED_CELLS: u8 = 3;
    /// A single training diverged.
    pub(crate) const DIVERGED: u8 = 4;
    /// Stopped early with a checkpoint, by a signal or the time limit.
    pub(crate) const STOPPED: u8 = 75;
    /// Interrupted by the user, checkpoint saved.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// An error and its exit code.
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) error: anyhow::Error,
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let code = if error.is_permanent() { code::USAGE } else { code::RUNTIME };
        Self { code, error: error.into() }
    }
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Self {
        TrainError::from(error).into()
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        TrainError::from(error).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        TrainError::from(error).into()
    }
}

/// The error and those causes that it does not mention itself.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

/// A mistake in the arguments that clap cannot see.
pub(crate) fn usage(message: String) -> Failure {
    Failure { code: code::USAGE, error: anyhow::Error::msg(message) }
}
