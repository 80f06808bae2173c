//! `--epoch`: which weights of a checkpoint to use.

use std::path::Path;

use clap::ValueEnum;
use llp_train::Checkpoint;

use crate::failure::{Failure, usage};

/// The value of `--epoch`.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum EpochArg {
    /// After the last epoch.
    Last,
    /// After the epoch that held-out bags prefer.
    Chosen,
}

impl EpochArg {
    /// The checkpoint that was read from `path` with these weights, and the number of epochs that they have been trained
    /// for.
    pub(crate) fn choose(self, path: &Path, checkpoint: Checkpoint) -> Result<(usize, Checkpoint), Failure> {
        match (self, checkpoint.state.chosen) {
            (Self::Last, _) => Ok((checkpoint.state.position.epoch, checkpoint)),
            (Self::Chosen, None) => Err(none(path)),
            (Self::Chosen, Some(chosen)) => {
                let checkpoint = checkpoint.with_chosen_weights();
                Ok((chosen.epoch, checkpoint.map_err(|error| error.in_file(path))?))
            }
        }
    }
}

fn none(path: &Path) -> Failure {
    usage(format!(
        "{} has no chosen epoch: that takes held-out bags, as with --set data.held_out=0.2; use --epoch last",
        path.display()
    ))
}
