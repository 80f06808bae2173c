//! What can go wrong in training.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use llp_classic::ClassicError;
use llp_data::{DataError, is_mistake};
use llp_loss::LossError;
use llp_nn::NnError;
use llp_ot::OtError;
use llp_sweep::SweepError;

/// An error of this crate. A diverged training is not one: it is an [`crate::TrainerOutcome`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Something about the configuration or the run directory.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// Something about the data or the bags, or a setting that does not suit them.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Something about the network or its state.
    #[error(transparent)]
    Network(#[from] NnError),
    /// Something about the loss.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Something about the weights of a posterior.
    #[error(transparent)]
    Posterior(#[from] OtError),
    /// What a classical method finds wrong with bags.
    #[error(transparent)]
    Method(#[from] ClassicError),
    /// candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// The operating system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A checkpoint is not what it should be; the one before may be.
    #[error(transparent)]
    Checkpoint(DataError),
    /// Memory does not hold a batch.
    #[error(
        "out of memory with up to {images} images in the network at once: try --set optim.images_per_chunk={}, or a \
         smaller optim.images_per_step (either changes the result, so a run that has saved a checkpoint needs another \
         --out); with more memory free, llp resume {} goes on unchanged",
        (images / 2).max(2),
        run.display()
    )]
    OutOfMemory {
        /// The most images in the network at once.
        images: usize,
        /// The run's directory.
        run: PathBuf,
        /// What the device says.
        source: candle_core::Error,
    },
    /// The GPU does nothing more for this process.
    #[error("the GPU was lost: llp resume {} goes on from the last checkpoint, on this device or another", run.display())]
    DeviceLost {
        /// The run's directory.
        run: PathBuf,
        /// What the device says.
        source: candle_core::Error,
    },
}

impl TrainError {
    /// What is wrong with the checkpoint in the folder `path`.
    pub(crate) fn checkpoint(path: &Path, problem: impl Display) -> Self {
        Self::Checkpoint(DataError::of(path, problem.to_string()))
    }

    /// Whether another attempt on the same machine would fail as well: the cause is a mistake, or too little memory.
    pub(crate) fn fails_again(&self) -> bool {
        self.is_permanent() || matches!(self, Self::OutOfMemory { .. })
    }

    /// Whether the same command would fail everywhere: the cause is in the arguments, the configuration or the data,
    /// not in the machine.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Sweep(error) => error.is_permanent(),
            Self::Io(error) => is_mistake(error),
            Self::Data(error) => error.is_permanent(),
            // Memory that is short now may be free later.
            Self::Candle(_) | Self::OutOfMemory { .. } | Self::DeviceLost { .. } => false,
            Self::Network(error) => !matches!(error, NnError::Candle(_)),
            Self::Loss(error) => !matches!(error, LossError::Candle(_)),
            Self::Posterior(_) | Self::Method(_) | Self::Checkpoint(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use llp_data::{Cause, Place};

    use super::*;

    /// Wherever the operating system refuses to read, another attempt may succeed; not so where a file is missing or is
    /// not what it should be.
    #[test]
    fn what_the_system_refuses_is_tried_again() {
        let wrapped: [fn(io::Error) -> TrainError; 4] = [
            |error| error.into(),
            |error| SweepError::from(error).into(),
            |error| DataError::from(error).into(),
            |error| {
                let place = Place { path: "t.csv".into(), row: 1, line: None };
                let of_image = DataError::at(place, error.to_string()).because(Cause::Io(error));
                let several =
                    DataError::all(vec![DataError::from(io::Error::from_raw_os_error(5)), of_image]);
                several.unwrap().into()
            },
        ];
        for (at, wrap) in wrapped.into_iter().enumerate() {
            let refused = wrap(io::Error::from_raw_os_error(5)); // EIO
            assert!(!refused.is_permanent() && !refused.fails_again(), "{refused:?}");
            for kind in [io::ErrorKind::NotFound, io::ErrorKind::InvalidData] {
                let mistake = wrap(kind.into());
                let is_one = at < 3; // the last has an image that may be read later
                assert_eq!((mistake.is_permanent(), mistake.fails_again()), (is_one, is_one), "{mistake:?}");
            }
        }
        for passing in [Cause::Passing, Cause::Memory] {
            assert!(!TrainError::from(DataError::new("not now").because(passing)).is_permanent());
        }
        assert!(TrainError::from(DataError::new("no table")).is_permanent());
    }
}
