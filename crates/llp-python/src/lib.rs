//! The native module of the Python package `llp_rs`: conversions and nothing else.
//!
//! The Python files beside it check the types of what users pass, so that messages name the argument; this crate
//! checks values, releases the interpreter and calls the other crates.

#![expect(clippy::needless_pass_by_value, reason = "PyO3 hands over arguments that it made")]

mod arrays;
mod bag_losses;
mod fault;
mod fit;
mod model;
mod pool;
mod program;
mod tables;
mod transport;

use pyo3::prelude::*;

/// The default allocator of the C library returns large blocks to the system after every step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Native functions behind `llp_rs`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::bag_losses::bag_loss;
    #[pymodule_export]
    use crate::fit::fit;
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::program::run_program;
    #[pymodule_export]
    use crate::transport::{assign, counts_of, disaggregate, rot_loss, rot_plan};
}
