//! What is wrong with bags or with a setting.

use thiserror::Error;

/// What can be wrong with the input of this crate.
///
/// A solver that stops before its threshold is not an error: see [`Fit::converged`](crate::Fit::converged).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClassicError {
    /// Bags or a setting: what is wrong, what was expected, what helps.
    #[error("{0}")]
    Input(String),
    /// The bags' proportions are so alike that class means cannot be estimated from them; other methods may do.
    #[error("{0}")]
    BagsAlike(String),
    /// The caller of a method wants no more of it: for closures that are called back.
    #[error("stopped by the caller")]
    Stopped,
}

/// Refuses a setting that is not finite and at least `least`.
pub(crate) fn at_least(name: &str, got: f64, least: f64, expected: &str) -> Result<(), ClassicError> {
    if got.is_finite() && got >= least { Ok(()) } else { Err(setting(name, got, expected)) }
}

/// Refuses a setting that is not finite and above 0.
pub(crate) fn positive(name: &str, got: f64) -> Result<(), ClassicError> {
    if got.is_finite() && got > 0.0 { Ok(()) } else { Err(setting(name, got, "a finite number above 0")) }
}

fn setting(name: &str, got: f64, expected: &str) -> ClassicError {
    ClassicError::Input(format!("{name} is {got}, expected {expected}"))
}

/// Refuses fewer than `least` of something.
pub(crate) fn check_count(what: &str, got: usize, least: usize) -> Result<(), ClassicError> {
    if got >= least {
        return Ok(());
    }
    Err(ClassicError::Input(format!("there are {got} {what}, expected at least {least}")))
}

/// Refuses a slice of another length; `shape` are the axes, such as `[instance, column]`.
pub(crate) fn check_length(name: &str, got: usize, expected: usize, shape: &str) -> Result<(), ClassicError> {
    if got == expected {
        return Ok(());
    }
    Err(ClassicError::Input(format!("{name} has {got} entries, expected {expected} ({shape})")))
}
