//! What can go wrong in training.

use std::io;
use std::path::PathBuf;

use llp_bags::BagError;
use llp_bags::own::{OwnError, ProportionsError};
use llp_classic::ClassicError;
use llp_data::{DataError, is_mistake};
use llp_loss::LossError;
use llp_nn::NnError;
use llp_ot::OtError;
use llp_sweep::SweepError;

use crate::pretrained::PretrainedFault;

/// An error of this crate. A diverged training is not one: it is an [`crate::TrainerOutcome`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Something about the configuration or the run directory.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// Something about the data or the bags.
    #[error(transparent)]
    Data(#[from] BagError),
    /// Something about the network or its state.
    #[error(transparent)]
    Network(#[from] NnError),
    /// Something about the loss.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Something about the weights of a posterior.
    #[error(transparent)]
    Posterior(#[from] OtError),
    /// candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// The operating system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A data set that is neither embedded nor on the hub needs a place.
    #[error("the data set {name:?} is not known by name: give its folder with --data PATH")]
    DataPath {
        /// Its name.
        name: String,
    },
    /// The training split has no labels to take proportions from.
    #[error("the data set {name:?} has no instance labels to make bags from")]
    NoLabels {
        /// Its name.
        name: String,
    },
    /// Nothing to compare recovered labels with.
    #[error(
        "the training instances of {name:?} have no labels to compare with: whether single labels can be recovered shows on data where they are known"
    )]
    NoTruth {
        /// Name of the data set.
        name: String,
    },
    /// Something about one's own tables.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// A loss or a method that has no meaning without the share of every class.
    #[error(
        "the {learner} needs the share of every class, and that of {class:?} in bag {bag:?} is unknown in {}: fill it in, or train with --loss kl, l1, l2, interval or marginal",
        proportions.display()
    )]
    UnknownShare {
        /// The loss or the method, as in `loss rot`.
        learner: String,
        /// The first such bag.
        bag: String,
        /// Its first such class.
        class: String,
        /// The table of proportions.
        proportions: PathBuf,
    },
    /// A loss that needs bounds was given standard errors.
    #[error(
        "the loss interval needs bounds of the shares, and bag {bag:?} has standard errors in {}: write bounds, or train with --loss marginal",
        proportions.display()
    )]
    NoBounds {
        /// The first such bag.
        bag: String,
        /// The table of proportions.
        proportions: PathBuf,
    },
    /// Bags that cannot teach the classes.
    #[error(
        "training cannot work as it is: {reasons} (llp data inspect says more; llp train --anyway trains all the same)"
    )]
    CannotWork {
        /// Why.
        reasons: String,
    },
    /// Bags to draw from data that has its own.
    #[error("{key} is set, but the data has bags of its own: leave it out")]
    OwnBags {
        /// The key.
        key: &'static str,
    },
    /// Proportions, and no table that they belong to.
    #[error(
        "{path} has proportions, but the data is no table: give a CSV, Parquet or NumPy file with --data, or a folder \
         with instances.csv or instances.parquet"
    )]
    ProportionsAlone {
        /// The table of proportions.
        path: String,
    },
    /// The bags are in a file, and it is not said which.
    #[error("the bags of this run (hash {hash}) are in a file: give it with --bags FILE")]
    BagsPath {
        /// Hash of the bags.
        hash: String,
    },
    /// A network for images, and none.
    #[error("resnet18 needs images, the data set has feature columns: set network.name = mlp or linear")]
    NeedsImages,
    /// A method for features, and none.
    #[error(
        "the method {method} needs rows of features, the data set has images: give embeddings of the images as a table with \
         --data, or leave out --method"
    )]
    NeedsFeatures {
        /// The method.
        method: &'static str,
    },
    /// What a classical method finds wrong with bags.
    #[error(transparent)]
    Method(#[from] ClassicError),
    /// Shifts and mirrorings of what is no image.
    #[error(
        "the data set has feature columns, which cannot be augmented: set augment.shift = 0 and augment.mirror = false"
    )]
    AugmentedFeatures,
    /// Mirrored images would show another class.
    #[error("mirroring an image of {name:?} changes its class: set augment.mirror = false")]
    Mirror {
        /// Name of the data set.
        name: String,
    },
    /// The shift does not fit the images.
    #[error(
        "augment.shift is {shift}, the images have {height}x{width} pixels: it must be smaller than both"
    )]
    Shift {
        /// The configured shift.
        shift: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
    /// A checkpoint is not what it should be.
    #[error("{}: {reason}", .path.display())]
    Checkpoint {
        /// Its folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: CheckpointFault,
    },
    /// Weights to start from are not what they should be.
    #[error("{}: {reason}", .path.display())]
    Pretrained {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: PretrainedFault,
    },
    /// Weights to start from that are nowhere.
    #[error("{name} is neither a file nor the name OWNER/NAME of a network on the hub: give one with --init")]
    PretrainedName {
        /// What was given.
        name: String,
    },
    /// The weights to start from are in a file, and it is not said which.
    #[error(
        "the weights that this run starts from (hash {hash}) are in a file: start it again with llp train --init FILE"
    )]
    PretrainedPath {
        /// Hash of the file.
        hash: String,
    },
    /// A network that one file of ONNX cannot hold.
    #[error(
        "the network takes {bytes} bytes as ONNX, of which a file holds {max}: export it with --format torchvision"
    )]
    OnnxSize {
        /// Length of the file.
        bytes: usize,
        /// The most that is possible.
        max: usize,
    },
    /// Numbers that the processor does not train with.
    #[error("optim.precision is {precision}, which takes a GPU: add --device cuda, or leave it out")]
    NeedsGpu {
        /// The configured precision.
        precision: &'static str,
    },
    /// Memory does not hold a batch.
    #[error(
        "out of memory with up to {images} images in the network at once: try --set optim.images_per_chunk={chunk}, or a \
         smaller optim.images_per_step (either changes the result, so a run that has saved a checkpoint needs another \
         --out); with more memory free, llp resume {} goes on unchanged",
        run.display()
    )]
    OutOfMemory {
        /// The most images in the network at once.
        images: usize,
        /// Half of them.
        chunk: usize,
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
    /// A network that says nothing any more.
    #[error("the network's outputs are not finite: its training diverged, or its weights are damaged")]
    NotFinite,
    /// A run that has saved nothing.
    #[error("{} has no checkpoint yet: train it with llp resume {}", run.display(), run.display())]
    NoCheckpoint {
        /// Its directory.
        run: PathBuf,
    },
    /// The data is not the one that the run was started with.
    #[error(
        "the data has fingerprint {got}, this run was started with {expected}: give the original data with --data PATH"
    )]
    OtherData {
        /// Fingerprint in the checkpoint, its first 16 digits.
        expected: String,
        /// Fingerprint of the data that was found, its first 16 digits.
        got: String,
    },
}

impl TrainError {
    /// Whether another attempt on the same machine would fail as well: the cause is a mistake, or too little memory.
    pub fn fails_again(&self) -> bool {
        self.is_permanent() || matches!(self, Self::OutOfMemory { .. })
    }

    /// Whether the same command would fail everywhere: the cause is in the arguments, the configuration or the data,
    /// not in the machine.
    pub fn is_permanent(&self) -> bool {
        let unless_refused = |error: Option<&io::Error>| error.is_none_or(is_mistake);
        match self {
            Self::Sweep(SweepError::Io(error)) | Self::Io(error) => is_mistake(error),
            Self::Data(BagError::Data(error))
            | Self::Own(
                OwnError::Data(error)
                | OwnError::Bags(BagError::Data(error))
                | OwnError::Proportions(ProportionsError::Data(error)),
            ) => error.is_permanent(),
            // Memory that is short now may be free later.
            Self::Candle(_) | Self::OutOfMemory { .. } | Self::DeviceLost { .. } => false,
            Self::Data(error) => unless_refused(error.io_error()),
            Self::Own(error) => unless_refused(error.io_error()),
            Self::Sweep(error) => !matches!(
                error,
                SweepError::Claimed { .. } | SweepError::ClaimLost { .. } | SweepError::Slurm { .. }
            ),
            Self::Network(error) => !matches!(error, NnError::Candle(_)),
            Self::Loss(error) => !matches!(error, LossError::Candle(_)),
            Self::Posterior(_)
            | Self::DataPath { .. }
            | Self::NoLabels { .. }
            | Self::NoTruth { .. }
            | Self::UnknownShare { .. }
            | Self::NoBounds { .. }
            | Self::CannotWork { .. }
            | Self::OwnBags { .. }
            | Self::ProportionsAlone { .. }
            | Self::BagsPath { .. }
            | Self::NeedsImages
            | Self::NeedsFeatures { .. }
            | Self::Method(_)
            | Self::AugmentedFeatures
            | Self::Mirror { .. }
            | Self::Shift { .. }
            | Self::Checkpoint { .. }
            | Self::Pretrained { .. }
            | Self::PretrainedName { .. }
            | Self::PretrainedPath { .. }
            | Self::OnnxSize { .. }
            | Self::NeedsGpu { .. }
            | Self::NotFinite
            | Self::NoCheckpoint { .. }
            | Self::OtherData { .. } => true,
        }
    }
}

impl From<DataError> for TrainError {
    fn from(error: DataError) -> Self {
        BagError::from(error).into()
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
        let wrapped: [fn(io::Error) -> TrainError; 7] = [
            |error| error.into(),
            |error| SweepError::from(error).into(),
            |error| OwnError::from(DataError::from(error)).into(),
            |error| OwnError::from(ProportionsError::from(DataError::from(error))).into(),
            |error| OwnError::from(BagError::from(DataError::from(error))).into(),
            |error| BagError::from(DataError::from(error)).into(),
            |error| {
                let place = Place { path: "t.csv".into(), row: 1, line: None };
                let of_image = DataError::at(place, error.to_string()).because(Cause::Io(error));
                let several =
                    DataError::all(vec![DataError::from(io::Error::from_raw_os_error(5)), of_image]);
                OwnError::from(several.unwrap()).into()
            },
        ];
        for (at, wrap) in wrapped.into_iter().enumerate() {
            let refused = wrap(io::Error::from_raw_os_error(5)); // EIO
            assert!(!refused.is_permanent() && !refused.fails_again(), "{refused:?}");
            for kind in [io::ErrorKind::NotFound, io::ErrorKind::InvalidData] {
                let mistake = wrap(kind.into());
                let is_one = at < 6; // the last has an image that may be read later
                assert_eq!((mistake.is_permanent(), mistake.fails_again()), (is_one, is_one), "{mistake:?}");
            }
        }
        for passing in [Cause::Passing, Cause::Memory] {
            assert!(!TrainError::from(DataError::new("not now").because(passing)).is_permanent());
        }
        assert!(TrainError::from(DataError::new("no table")).is_permanent());
        assert!(TrainError::from(OwnError::from(BagError::NoBags)).is_permanent());
    }
}

/// What can be wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointFault {
    /// There is none.
    #[error("no checkpoint here")]
    Missing,
    /// A file differs from what was written.
    #[error("{file} is damaged: its content does not have the hash that was recorded with it")]
    Damaged {
        /// The file.
        file: String,
    },
    /// A file cannot be read as what it should be.
    #[error("{file} cannot be read: {message}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the parser says.
        message: String,
    },
    /// Another version of the format.
    #[error("schema {got} is not supported, this program reads schema {supported}")]
    Schema {
        /// Version of the file.
        got: u32,
        /// Version of this program.
        supported: u32,
    },
    /// It belongs to another run.
    #[error("it belongs to a run with configuration {got}, not {expected}")]
    OtherRun {
        /// Hash of this run's configuration.
        expected: String,
        /// Hash in the checkpoint.
        got: String,
    },
    /// Its tensors are not those of the network.
    #[error(transparent)]
    Network(#[from] NnError),
    /// A position that no run of this configuration and data has.
    #[error(
        "it stands at epoch {epoch} and step {step}, but says {total_steps} steps in all, {n_steps} an epoch"
    )]
    Position {
        /// Epochs done.
        epoch: usize,
        /// Steps done in the epoch that follows.
        step: usize,
        /// Steps done in all.
        total_steps: u64,
        /// Steps of an epoch.
        n_steps: usize,
    },
    /// The optimizer's state was dropped when the run was complete.
    #[error("the state of the optimizer was dropped when the run ended, so it cannot be continued")]
    NoOptimizer,
}
