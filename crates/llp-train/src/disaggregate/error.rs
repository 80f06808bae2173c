//! What can be wrong with probabilities and proportions.

use std::path::PathBuf;

use llp_bags::own::ProportionsError;
use llp_data::{DataError, Place};
use llp_ot::OtError;

/// Why probabilities and proportions do not make a problem.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DisaggregateError {
    /// One of the two tables cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The table of proportions.
    #[error(transparent)]
    Proportions(#[from] ProportionsError),
    /// The solver's parameters.
    #[error(transparent)]
    Solver(#[from] OtError),
    /// A class that only one of the tables has.
    #[error(
        "{}: there is no column for class {class:?}, which {} has: both tables need one column per class",
        path.display(),
        other.display()
    )]
    MissingClass {
        /// The table without it.
        path: PathBuf,
        /// The class.
        class: String,
        /// The table that has it.
        other: PathBuf,
    },
    /// A plain matrix with another number of classes than the proportions.
    #[error(
        "{}: {got} columns after instance and bag, expected {expected}: one per class, in the order of {}",
        path.display(),
        other.display()
    )]
    ClassCount {
        /// The matrix.
        path: PathBuf,
        /// Its columns.
        got: usize,
        /// The classes of the proportions.
        expected: usize,
        /// The table of proportions.
        other: PathBuf,
    },
    /// A class with the name of a column of the output.
    #[error("{}: a class cannot be called {class:?}, that is a column of the output: rename it", path.display())]
    ReservedClass {
        /// The table of proportions.
        path: PathBuf,
        /// The name.
        class: String,
    },
    /// Two rows for one instance.
    #[error("{place}: instance {instance:?} is already in row {first_row}: give it once")]
    Repeated {
        /// The second row.
        place: Place,
        /// Its identifier.
        instance: String,
        /// The first row of it, from 1.
        first_row: u64,
    },
    /// An instance of a bag whose proportions are not known.
    #[error("{place}: bag {bag:?} is not in {}: add its proportions or remove the instance", proportions.display())]
    UnknownBag {
        /// The instance.
        place: Place,
        /// Its bag.
        bag: String,
        /// The table of proportions.
        proportions: PathBuf,
    },
    /// A bag without instances.
    #[error("{place}: bag {bag:?} has no instance in {}: add its instances or remove the bag", probabilities.display())]
    EmptyBag {
        /// The bag.
        place: Place,
        /// Its name.
        bag: String,
        /// The table of probabilities.
        probabilities: PathBuf,
    },
    /// A negative probability.
    #[error("{place}: probability of class {class:?} is {value}, expected at least 0")]
    Negative {
        /// The row.
        place: Place,
        /// The class.
        class: String,
        /// The value.
        value: f64,
    },
    /// Probabilities that do not add up to 1.
    #[error("{place}: probabilities add up to {sum}, expected 1 within {tolerance}")]
    ProbabilitySum {
        /// The instance.
        place: Place,
        /// Their sum.
        sum: f64,
        /// Largest accepted distance from 1.
        tolerance: f64,
    },
}
