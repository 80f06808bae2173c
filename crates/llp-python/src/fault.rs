//! Errors and panics of the other crates as Python exceptions.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use llp_loss::LossError;
use llp_ot::OtError;
use llp_sweep::SweepError;
use llp_train::TrainError;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// An error on its way to Python.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The caller's: arguments or data.
    Value(String),
    /// The operating system's.
    Os(String),
    /// Anything else.
    Runtime(String),
}

impl Fault {
    /// The caller's mistake, in words.
    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::Value(message.into())
    }
}

impl From<OtError> for Fault {
    fn from(error: OtError) -> Self {
        Self::Value(error.to_string())
    }
}

impl From<LossError> for Fault {
    fn from(error: LossError) -> Self {
        match error {
            LossError::Candle(_) => Self::Runtime(error.to_string()),
            _ => Self::Value(error.to_string()),
        }
    }
}

impl From<SweepError> for Fault {
    fn from(error: SweepError) -> Self {
        Self::Value(error.to_string())
    }
}

impl From<TrainError> for Fault {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Io(_) => Self::Os(error.to_string()),
            _ if error.is_permanent() => Self::Value(error.to_string()),
            _ => Self::Runtime(error.to_string()),
        }
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Value(message) => PyValueError::new_err(message),
            Fault::Os(message) => PyOSError::new_err(message),
            Fault::Runtime(message) => PyRuntimeError::new_err(message),
        }
    }
}

/// Does some work, and makes an error of a panic.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Fault::Runtime(panic_message(&*panic))))
}

/// Does some work without the interpreter.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Fault> + Send,
) -> PyResult<T> {
    Ok(py.detach(|| guarded(work))?)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    format!("llp_rs has a bug, please report it with the call that led here: {text}")
}
