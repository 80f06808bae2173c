//! What is wrong with a problem or a batch.

use thiserror::Error;

/// What is wrong with the input of this crate, in words: what, where, what was expected.
///
/// A solver that stops before its threshold is not an error: see [`SolverOutcome`](crate::SolverOutcome).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct OtError(Box<str>);

impl OtError {
    pub(crate) fn new(problem: impl Into<Box<str>>) -> Self {
        Self(problem.into())
    }

    /// A vector of proportions or counts without an entry.
    pub(crate) fn no_classes() -> Self {
        Self::new("there is no class: expected at least one proportion")
    }

    /// A proportion that is negative, infinite or not a number.
    pub(crate) fn proportion(class: usize, value: f64) -> Self {
        Self::new(format!("proportion {value} of class {class} is not a finite number of at least 0"))
    }

    /// A bag without an instance.
    pub(crate) fn empty_bag(bag: usize) -> Self {
        Self::new(format!("bag {bag} is empty: expected at least one instance"))
    }

    /// A cost or logit that is infinite, not a number, or beyond 1e30 (`f32`) or 1e100 (`f64`).
    pub(crate) fn out_of_range(name: &str, instance: usize, class: usize, value: f64) -> Self {
        let expected = "expected a finite number of moderate size";
        Self::new(format!("{name} of instance {instance} and class {class} is {value}: {expected}"))
    }
}
