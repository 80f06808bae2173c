//! Why instances cannot be predicted.

use std::path::PathBuf;

use llp_bags::own::OwnError;
use llp_bags::{BagError, InstanceShape};
use llp_data::DataError;

use crate::disaggregate::DisaggregateError;
use crate::{EnsembleError, TrainError};

/// What can be wrong with the instances that a network is asked about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// Something about the network.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Networks that cannot be averaged.
    #[error(transparent)]
    Ensemble(#[from] EnsembleError),
    /// Something about a table of instances, or an image.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// Something about the table of proportions.
    #[error(transparent)]
    Disaggregate(#[from] DisaggregateError),
    /// Nothing to predict.
    #[error("{}: there is no such file or folder", path.display())]
    Missing {
        /// What was given.
        path: PathBuf,
    },
    /// A folder to look for images in.
    #[error("{}: there is no image in this folder (.png, .jpg, .jpeg, .webp, .tif, .tiff, .bmp, .gif)", folder.display())]
    NoImages {
        /// The folder.
        folder: PathBuf,
    },
    /// Images for a network of tables, or the other way round.
    #[error("{}: the network was trained on {expected}, this holds {got}", path.display())]
    Shape {
        /// What was given.
        path: PathBuf,
        /// What an instance of the network is.
        expected: InstanceShape,
        /// What an instance there is.
        got: String,
    },
    /// Proportions are of bags, and there are none.
    #[error("{}: the instances have no bags that the proportions could be of: give tables with a column bag", path.display())]
    NoBags {
        /// Where the instances are.
        path: PathBuf,
    },
    /// Some instances with bags and some without.
    #[error("{}: the instances have {}, those before them have {}: predict them apart", path.display(), bags(*has_bags), bags(!*has_bags))]
    SomeBags {
        /// The first that differs.
        path: PathBuf,
        /// Whether it has bags.
        has_bags: bool,
    },
    /// Files are resized to squares.
    #[error("{}: the network takes images of {height}x{width} pixels, and files can only be resized to squares", path.display())]
    NotSquare {
        /// What was given.
        path: PathBuf,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
    /// A table for a network that does not know what its columns were.
    #[error("{}: the network was trained on {expected} without names, which no table can be matched with", path.display())]
    NoSchema {
        /// What was given.
        path: PathBuf,
        /// What an instance of the network is.
        expected: InstanceShape,
    },
    /// A class whose columns have the names of other columns.
    #[error(
        "a class called {class:?} would make two columns {column:?}: predict without --probabilities, or train with another name"
    )]
    ReservedClass {
        /// The class.
        class: String,
        /// The column.
        column: String,
    },
    /// An instance of a bag whose proportions are not known.
    #[error("instance {instance:?}: its bag {bag:?} is not in {}: add its proportions or remove the instance", proportions.display())]
    UnknownBag {
        /// The instance.
        instance: String,
        /// Its bag.
        bag: String,
        /// The table of proportions.
        proportions: PathBuf,
    },
}

fn bags(has_bags: bool) -> &'static str {
    if has_bags { "bags" } else { "no bags" }
}

impl From<std::io::Error> for PredictError {
    fn from(error: std::io::Error) -> Self {
        TrainError::from(error).into()
    }
}

impl From<BagError> for PredictError {
    fn from(error: BagError) -> Self {
        TrainError::from(error).into()
    }
}

impl From<DataError> for PredictError {
    fn from(error: DataError) -> Self {
        TrainError::from(error).into()
    }
}
