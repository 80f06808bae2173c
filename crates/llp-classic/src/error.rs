//! What is wrong with bags or with a setting.

use thiserror::Error;

/// What can be wrong with the input of this crate.
///
/// A solver that stops before its threshold is not an error: see [`Fit::converged`](crate::Fit::converged).
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ClassicError {
    /// A slice does not have the length that the shape asks for.
    #[error("{name} has {got} entries, expected {expected} ({shape})")]
    Length {
        /// Name of the slice.
        name: &'static str,
        /// Its length.
        got: usize,
        /// The length that fits.
        expected: usize,
        /// The axes, such as `[instance, column]`.
        shape: &'static str,
    },
    /// There are no bags, no columns, or fewer than two classes.
    #[error("there are {got} {what}, expected at least {least}")]
    TooFew {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many are needed.
        least: usize,
    },
    /// A feature is infinite or not a number, or so large that its square is not finite.
    #[error(
        "feature {value} of instance {instance}, column {column} is no number of moderate size: fill in or leave out what is missing"
    )]
    Feature {
        /// Instance of the first offending entry.
        instance: usize,
        /// Its column.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// An instance names a bag that has no proportions.
    #[error(
        "instance {instance} is in bag {bag}, but there are proportions of {n_bags} bags: count bags from 0"
    )]
    UnknownBag {
        /// The instance.
        instance: usize,
        /// Its bag.
        bag: u32,
        /// Number of bags.
        n_bags: usize,
    },
    /// A bag has a row that does not exist.
    #[error("bag {bag} has row {row}, but there are {n_rows} rows: count rows from 0")]
    UnknownRow {
        /// The bag.
        bag: usize,
        /// The row.
        row: u32,
        /// Number of rows.
        n_rows: usize,
    },
    /// More instances than a method compares with each other.
    #[error(
        "{method} compares all pairs of {got} instances, expected at most {most}: raise max_instances, or train on fewer"
    )]
    TooMany {
        /// The method.
        method: &'static str,
        /// How many there are.
        got: usize,
        /// The most that it takes.
        most: usize,
    },
    /// A bag has no instance.
    #[error("bag {bag} is empty: leave it out together with its proportions")]
    EmptyBag {
        /// The bag.
        bag: usize,
    },
    /// Bags do not have the same classes.
    #[error("bag {bag} has proportions of {got} classes, bag 0 of {expected}: give every class in every bag")]
    Classes {
        /// The first bag that differs.
        bag: usize,
        /// Its number of classes.
        got: usize,
        /// That of the first bag.
        expected: usize,
    },
    /// The bags' proportions are so alike that class means cannot be estimated from them.
    #[error(
        "the proportions of the bags are too much alike for {method} (reciprocal condition number {rcond:e}, expected above {least:e}): use bags that differ, merge classes that always occur together, or take a method without class means, such as KL"
    )]
    BagsAlike {
        /// The method.
        method: &'static str,
        /// Smallest over largest singular value of the matrix of proportions.
        rcond: f64,
        /// What is needed.
        least: f64,
    },
    /// The caller of a method wants no more of it: for closures that are called back.
    #[error("stopped by the caller")]
    Stopped,
    /// A setting is outside its range.
    #[error("{name} is {got}, expected {expected}")]
    Setting {
        /// Name of the field.
        name: &'static str,
        /// The value.
        got: f64,
        /// The range.
        expected: &'static str,
    },
}

/// Refuses a setting that is not finite and at least `least`.
pub(crate) fn at_least(
    name: &'static str,
    got: f64,
    least: f64,
    expected: &'static str,
) -> Result<(), ClassicError> {
    if got.is_finite() && got >= least { Ok(()) } else { Err(ClassicError::Setting { name, got, expected }) }
}

/// Refuses a setting that is not finite and above 0.
pub(crate) fn positive(name: &'static str, got: f64) -> Result<(), ClassicError> {
    let expected = "a finite number above 0";
    if got.is_finite() && got > 0.0 { Ok(()) } else { Err(ClassicError::Setting { name, got, expected }) }
}

/// Refuses a slice of another length.
pub(crate) fn check_length(
    name: &'static str,
    got: usize,
    expected: usize,
    shape: &'static str,
) -> Result<(), ClassicError> {
    if got == expected { Ok(()) } else { Err(ClassicError::Length { name, got, expected, shape }) }
}
