//! `--epoch`: which weights of a checkpoint to use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;
use clap::ValueEnum;
use llp_train::{Checkpoint, TrainError};

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
    /// The weights of the checkpoint in `path`, and the number of epochs that they have been trained for.
    pub(crate) fn weights<'a>(
        self,
        path: &Path,
        checkpoint: &'a Checkpoint,
    ) -> Result<(usize, Cow<'a, HashMap<String, Tensor>>), Failure> {
        let state = &checkpoint.state;
        match (self, state.chosen) {
            (Self::Last, _) => Ok((state.position.epoch, Cow::Borrowed(&checkpoint.weights))),
            (Self::Chosen, Some(chosen)) => {
                let weights = checkpoint.chosen_weights();
                let weights = weights
                    .map_err(|reason| TrainError::Checkpoint { path: path.to_owned(), reason })?
                    .ok_or_else(|| none(path))?;
                Ok((chosen.epoch, Cow::Owned(weights)))
            }
            (Self::Chosen, None) => Err(none(path)),
        }
    }
}

fn none(path: &Path) -> Failure {
    usage(format!(
        "{} has no chosen epoch: that takes held-out bags, as with --set data.held_out=0.2; use --epoch last",
        path.display()
    ))
}
