//! What is wrong with a problem or a batch.

use thiserror::Error;

/// What can be wrong with the input of this crate.
///
/// A solver that stops before its threshold is not an error: see [`SolverOutcome`](crate::SolverOutcome).
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum OtError {
    /// A vector of proportions or counts has no entry.
    #[error("there is no class: expected at least one proportion")]
    NoClasses,
    /// A proportion is negative, infinite or not a number.
    #[error("proportion {value} of class {class} is not a finite number of at least 0")]
    InvalidProportion {
        /// Class of the offending entry.
        class: usize,
        /// The entry.
        value: f64,
    },
    /// The proportions do not add up to 1.
    #[error(
        "proportions add up to {sum}, expected 1 within {tolerance}: divide by the sum, or start from counts"
    )]
    ProportionSum {
        /// Their sum.
        sum: f64,
        /// Largest accepted distance from 1.
        tolerance: f64,
    },
    /// All counts are zero, so they have no proportions.
    #[error("all {n_classes} counts are 0: expected at least one instance")]
    ZeroCounts {
        /// Number of counts.
        n_classes: usize,
    },
    /// A standard error of a share is negative or not a number.
    #[error("standard error {value} of class {class} is not a number of at least 0")]
    InvalidStandardError {
        /// Class of the offending entry.
        class: usize,
        /// The entry.
        value: f64,
    },
    /// The bounds of a share are no interval of shares.
    #[error("the bounds {low} and {high} of class {class} are not in order within [0, 1]")]
    InvalidInterval {
        /// Class of the offending bounds.
        class: usize,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// No proportions are within the bounds.
    #[error(
        "no proportions lie within the bounds: lower bounds add up to {low_sum}, upper bounds to {high_sum}, expected 1 between them"
    )]
    EmptyIntervals {
        /// Sum of the lower bounds.
        low_sum: f64,
        /// Sum of the upper bounds.
        high_sum: f64,
    },
    /// Shares cannot be rounded to multiples of this.
    #[error("shares rounded to multiples of {step}: expected a step above 0 and at most 1")]
    InvalidStep {
        /// The step.
        step: f64,
    },
    /// The proportions of one bag of a batch are wrong.
    #[error("bag {bag}: {source}")]
    Bag {
        /// Index of the bag in the batch.
        bag: usize,
        /// What is wrong with it.
        source: Box<OtError>,
    },
    /// A slice does not have the length that the shape asks for.
    #[error("{name} has {got} entries, expected {expected} ({shape})")]
    Length {
        /// Name of the slice.
        name: &'static str,
        /// Its length.
        got: usize,
        /// The length that fits.
        expected: usize,
        /// The axes, such as `[instance, class]`.
        shape: &'static str,
    },
    /// A bag has no instance.
    #[error("bag {bag} is empty: expected at least one instance")]
    EmptyBag {
        /// Index of the bag in the batch.
        bag: usize,
    },
    /// A cost or logit is infinite, not a number, or beyond 1e30 (`f32`) or 1e100 (`f64`).
    #[error(
        "{name} of instance {instance} and class {class} is {value}: expected a finite number of moderate size"
    )]
    OutOfRange {
        /// Name of the slice.
        name: &'static str,
        /// Instance of the first offending entry, counted over the whole input.
        instance: usize,
        /// Class of the first offending entry.
        class: usize,
        /// The entry.
        value: f64,
    },
    /// The trade-off is outside its range.
    #[error("alpha is {got}, expected a number in [0, 1]")]
    InvalidAlpha {
        /// The value.
        got: f64,
    },
    /// The entropy weight is outside its range.
    #[error("epsilon is {got}, expected a number in [1e-6, 1e6]")]
    InvalidEpsilon {
        /// The value.
        got: f64,
    },
    /// A potential to start from is infinite or not a number.
    #[error(
        "potential {value} of class {class} is not finite: start from those of a solution with this class"
    )]
    InvalidPotential {
        /// Class of the offending entry.
        class: usize,
        /// The entry.
        value: f64,
    },
    /// Counts do not add up to the number of instances that they are to be given to.
    #[error(
        "counts add up to {got}, expected the {expected} instances: see Proportions::largest_remainder_counts"
    )]
    CountSum {
        /// Their sum.
        got: u64,
        /// Number of instances.
        expected: usize,
    },
    /// A tolerance is not a positive number.
    #[error("tolerance is {got}, expected a finite number above 0")]
    InvalidTolerance {
        /// The value.
        got: f64,
    },
    /// The exact likelihood of counts takes whole counts only.
    #[error(
        "bag {bag} has {count} instances of class {class}, the exact likelihood takes whole counts: use the saddlepoint approximation"
    )]
    BrokenCounts {
        /// The bag.
        bag: usize,
        /// The class.
        class: usize,
        /// Size of the bag times its proportion.
        count: f64,
    },
    /// A bag has too many smaller counts for the exact likelihood.
    #[error(
        "bag {bag} needs {states} states for the exact likelihood, at most {at_most} are possible: use the saddlepoint approximation"
    )]
    TooManyStates {
        /// The bag.
        bag: usize,
        /// Counts up to those of the bag, times its instances.
        states: usize,
        /// The limit.
        at_most: usize,
    },
}
