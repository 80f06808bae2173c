//! The threads that calls from Python share.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The pool and the process that its threads are in.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// The pool of this process: a fork has none of its parent's threads, so it gets its own.
///
/// Takes the lock with the interpreter held, as every fork does, so that no fork finds it locked.
pub(crate) fn pool(_py: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    let mut slot = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let here = std::process::id();
    if let Some((process, pool)) = &*slot
        && *process == here
    {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new().thread_name(|thread| format!("llp-{thread}")).build();
    let pool = Arc::new(pool.map_err(|error| {
        PyRuntimeError::new_err(format!("threads cannot be started: {error}; see RAYON_NUM_THREADS"))
    })?);
    let of_parent = slot.replace((here, Arc::clone(&pool)));
    // Dropping it would wait for threads that are not in this process.
    std::mem::forget(of_parent);
    Ok(pool)
}
