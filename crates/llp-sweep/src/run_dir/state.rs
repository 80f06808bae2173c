//! The state of a run.

use strum::IntoStaticStr;

use crate::record::{Outcome, RunResult};

/// What a run's files say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum RunState {
    /// Not started.
    Pending,
    /// A living process works on it.
    Running,
    /// Started, and neither ended nor worked on.
    Interrupted,
    /// It is skipped until the cancellation is taken back.
    Cancelled,
    /// Its last attempt failed.
    Failed,
    /// Its process was ended by force too often.
    Parked,
    /// It was behind others, and is held back with a checkpoint.
    Pruned,
    /// It ended early with a loss that is not finite: a result.
    Diverged,
    /// It ended after its last epoch.
    Complete,
}

impl RunState {
    /// All states, from the first to the last of a run's life.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Running,
        Self::Interrupted,
        Self::Cancelled,
        Self::Failed,
        Self::Parked,
        Self::Pruned,
        Self::Diverged,
        Self::Complete,
    ];

    /// The name in listings and tables.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the run ended, so that there is a result.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Complete | Self::Diverged)
    }

    /// The state of a run with this result.
    pub(super) fn of(result: &RunResult) -> Self {
        match result.outcome {
            Outcome::Complete => Self::Complete,
            Outcome::Diverged => Self::Diverged,
        }
    }
}
