//! The program `llp`, for the console script of the package.

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;

use crate::fault::detached;

/// Runs a command line, which starts with the program, and returns its exit code.
#[pyfunction]
pub(crate) fn run_program(py: Python<'_>, program: PathBuf, arguments: Vec<OsString>) -> PyResult<u8> {
    detached(py, || Ok(llp::run(&program, arguments)))
}
