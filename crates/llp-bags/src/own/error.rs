//! What can be wrong with own data.

use std::path::PathBuf;

use llp_data::{DataError, Place, listed};

use super::ProportionsError;
use crate::BagError;

/// Why own data was refused. Every message says where, and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnError {
    /// Data that cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// What was read makes no data set.
    #[error(transparent)]
    Bags(#[from] BagError),
    /// A folder without a table.
    #[error(
        "{}: there is no table of instances: expected instances.csv, instances.parquet or train-*.parquet in it",
        folder.display()
    )]
    NoTable {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder with two tables of one kind.
    #[error("both {} and {} are there: name the one to read, or remove the other", first.display(), second.display())]
    TwoTables {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// There are no proportions.
    #[error(
        "{}: there is no table of proportions beside it: name one, or put proportions.csv or proportions.parquet there",
        table.display()
    )]
    NoProportions {
        /// The table of instances.
        table: PathBuf,
    },
    /// Images without a bag, a label or proportions.
    #[error(
        "{}: it holds images, but nothing says which bag each is in and what the bags hold: give each bag a folder of its own, or write instances.csv with the columns bag and path; and write proportions.csv with a column bag and one for each class",
        folder.display()
    )]
    NoProportionsOfFolders {
        /// The folder.
        folder: PathBuf,
    },
    /// An image beside the folders of bags.
    #[error(
        "{} is in no folder of a bag: move it into one, or write {} with the columns bag and path",
        path.display(),
        folder.join("instances.csv").display()
    )]
    LooseImage {
        /// The image.
        path: PathBuf,
        /// The folder of all.
        folder: PathBuf,
    },
    /// Instances without a bag, a label or proportions.
    #[error(
        "{}: there is no column of instances, only {}: give a column `path` of image files, or columns of features",
        path.display(),
        listed(found)
    )]
    NoFeatures {
        /// The table.
        path: PathBuf,
        /// Its columns.
        found: Vec<String>,
    },
    /// Two columns of images.
    #[error("{}: both the columns `path` and {column:?} hold images: remove one", path.display())]
    TwoImageColumns {
        /// The table.
        path: PathBuf,
        /// The other one.
        column: String,
    },
    /// An instance for training that is in no bag.
    #[error("{place}: column \"bag\" is empty: name the bag, drop the row, or give it the split `test`")]
    NoBag {
        /// Where.
        place: Place,
    },
    /// A split that is none.
    #[error("{place}: the split is {got:?}: expected train, held_out or test, or an empty cell for train")]
    Split {
        /// Where.
        place: Place,
        /// What is there.
        got: String,
    },
    /// A bag that is partly for training and partly for something else.
    #[error(
        "{place}: bag {bag:?} is in split {split} here and in split {other} in row {other_row}: give a bag one split, or two names"
    )]
    BagInTwoSplits {
        /// Where.
        place: Place,
        /// The bag.
        bag: String,
        /// The split of this row.
        split: &'static str,
        /// The split of the bag's first row.
        other: &'static str,
        /// The bag's first row.
        other_row: u64,
    },
    /// Nothing to train on.
    #[error("{}: no row is of split `train`: leave the split of what to train on empty, or write train", path.display())]
    NoTraining {
        /// The table.
        path: PathBuf,
    },
    /// An image that is listed twice.
    #[error(
        "{place}: {image:?} is in row {first_row} as well: an image is one instance, of one bag: drop one row"
    )]
    RepeatedImage {
        /// Where.
        place: Place,
        /// The image.
        image: String,
        /// Its first row.
        first_row: u64,
    },
    /// A cell that is no number in a column of numbers.
    #[error(
        "{place}: column {column:?} is {got:?}, but {n_numbers} of its cells are numbers: write a number, or drop the row; categories must not look like numbers"
    )]
    Mixed {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// What is there.
        got: String,
        /// How many cells are numbers.
        n_numbers: usize,
    },
    /// A number that no network can take.
    #[error(
        "{place}: column {column:?} is {got}, expected a finite number of no other magnitude than those of the training data: correct it, or drop the row"
    )]
    NotFinite {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// What is there.
        got: String,
    },
    /// Cells without a value.
    #[error(
        "{place}: column {column:?} is empty, and {n_missing} of its {n_rows} cells are: {hint}, or drop these rows"
    )]
    Missing {
        /// The first such row.
        place: Place,
        /// The column.
        column: String,
        /// How many cells have none.
        n_missing: usize,
        /// How many cells there are.
        n_rows: usize,
        /// What to write.
        hint: &'static str,
    },
    /// Texts that people read as numbers or dates.
    #[error("{}: column {column:?} holds {what}, such as {got:?}: {hint}, or remove the column", path.display())]
    NotNumbers {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it holds.
        what: &'static str,
        /// One of its texts.
        got: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// Names of image files in a column that is read as categories.
    #[error("{}: column {column:?} names image files, such as {got:?}: call it `path`, so that they are read as images, or remove it", path.display())]
    ImageNames {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// One of the files.
        got: String,
    },
    /// Text of which hardly any two cells are equal.
    #[error(
        "{place}: column {column:?} has more than {n_levels_max} different texts: group them, write numbers, or remove the column"
    )]
    TooManyLevels {
        /// The row of the first text too many.
        place: Place,
        /// The column.
        column: String,
        /// How many are possible.
        n_levels_max: usize,
    },
    /// Labels of some instances only.
    #[error(
        "{place}: the label is empty, but other rows of split {split} have one: label all of them or none"
    )]
    NoLabel {
        /// Where.
        place: Place,
        /// The split.
        split: &'static str,
    },
    /// A label that is no class.
    #[error(
        "{place}: the label is {label:?}, but the classes of {} are {}: correct it, or add the class there",
        proportions.display(),
        classes.join(", ")
    )]
    Label {
        /// Where.
        place: Place,
        /// The label.
        label: String,
        /// The table of proportions.
        proportions: PathBuf,
        /// Its classes.
        classes: Vec<String>,
    },
    /// A column that the network was trained with is missing.
    #[error("{}: there is no column {column:?}, which the network was trained with: add it", path.display())]
    MissingFeature {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A table of features where images are needed, or the reverse.
    #[error("{}: it holds {got}, but the network was trained with {expected}: give a table of these", path.display())]
    OtherInstances {
        /// The table.
        path: PathBuf,
        /// What it holds.
        got: &'static str,
        /// What is needed.
        expected: &'static str,
    },
    /// Something is wrong with a table of proportions.
    #[error(transparent)]
    Proportions(#[from] ProportionsError),
}

impl OwnError {
    /// What the operating system refused, if that is the cause: all else would fail again.
    pub fn io_error(&self) -> Option<&std::io::Error> {
        match self {
            Self::Data(error) | Self::Proportions(ProportionsError::Data(error)) => error.io_error(),
            Self::Bags(error) => error.io_error(),
            Self::Proportions(_)
            | Self::NoTable { .. }
            | Self::TwoTables { .. }
            | Self::NoProportions { .. }
            | Self::NoProportionsOfFolders { .. }
            | Self::LooseImage { .. }
            | Self::NoFeatures { .. }
            | Self::TwoImageColumns { .. }
            | Self::NoBag { .. }
            | Self::Split { .. }
            | Self::BagInTwoSplits { .. }
            | Self::NoTraining { .. }
            | Self::RepeatedImage { .. }
            | Self::Mixed { .. }
            | Self::NotFinite { .. }
            | Self::Missing { .. }
            | Self::NotNumbers { .. }
            | Self::ImageNames { .. }
            | Self::TooManyLevels { .. }
            | Self::NoLabel { .. }
            | Self::Label { .. }
            | Self::MissingFeature { .. }
            | Self::OtherInstances { .. } => None,
        }
    }
}
