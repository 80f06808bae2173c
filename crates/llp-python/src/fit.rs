//! Training from Python.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use llp_sweep::config::{Layers, RunConfig};
use llp_sweep::record::EpochRecord;
use llp_train::{FitHooks, Fitted, TrainerOutcome};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::fault::{Fault, guarded};
use crate::model::Model;
use crate::pool::pool;
use crate::tables::{Bagged, Table, instances};

/// Between two looks at whether the user has interrupted.
const SIGNAL_LOOK: Duration = Duration::from_millis(50);

/// A setting: the argument that it comes from, its key and its value as text.
type Setting = (String, String, String);

/// Trains a network; its model, the records of its epochs and warnings.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are those of the Python method")]
pub(crate) fn fit<'py>(
    py: Python<'py>,
    table: Table<'py>,
    bags: Vec<String>,
    names: Vec<String>,
    columns: Vec<(String, Vec<f64>)>,
    preset: &str,
    settings: Vec<Setting>,
    trains_anyway: bool,
    version: &str,
    callback: Option<Py<PyAny>>,
) -> PyResult<(Model, Vec<Bound<'py, PyDict>>, Vec<String>)> {
    let config = configuration(preset, &settings).map_err(PyErr::from)?;
    let bagged = Bagged { instances: instances(&table)?, bags, names, columns };
    let caller = Caller { callback, stop: AtomicBool::new(false), error: Mutex::new(None) };
    let warnings = Mutex::new(vec![]);
    let pool = pool(py)?;
    let fitted = py.detach(|| {
        pool.in_place_scope(|scope| {
            let (send, receive) = channel();
            let (caller, warnings, config) = (&caller, &warnings, &config);
            scope.spawn(move |_| {
                let end = guarded(|| train(bagged, config, trains_anyway, version, caller, warnings));
                // The receiver waits until then.
                let _ = send.send(end);
            });
            caller.wait(&receive)
        })
    });
    if let Some(error) = caller.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let Fitted { outcome, model, records } = fitted?;
    check_outcome(&outcome)?;
    let records = records.iter().map(|record| dictionary(py, record)).collect::<PyResult<_>>()?;
    let warnings = warnings.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((Model::new(model)?, records, warnings))
}

fn configuration(preset: &str, settings: &[Setting]) -> Result<RunConfig, Fault> {
    let mut layers = Layers::new();
    for (argument, key, text) in settings {
        layers.argument(argument, key, text)?;
    }
    Ok(layers.resolve(preset)?)
}

fn train(
    bagged: Bagged,
    config: &RunConfig,
    trains_anyway: bool,
    version: &str,
    caller: &Caller,
    warnings: &Mutex<Vec<String>>,
) -> Result<Fitted, Fault> {
    let own = bagged.join(None, llp_train::imputation(&config.data))?;
    let start = Instant::now();
    let n_epochs = Cell::new(0);
    let hooks = FitHooks {
        seconds: &|| start.elapsed().as_secs_f64(),
        should_stop: &|| caller.stop.load(Ordering::Relaxed),
        begun: &mut |plan| n_epochs.set(plan.epochs),
        epoch_ended: &mut |record| caller.tell(n_epochs.get(), record),
        trains_anyway,
        warn: &mut |message| {
            warnings.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
        },
        version,
    };
    Ok(llp_train::fit(own, config, hooks)?)
}

/// The Python side of a training.
struct Caller {
    callback: Option<Py<PyAny>>,
    stop: AtomicBool,
    /// The first exception of the callback or of a signal.
    error: Mutex<Option<PyErr>>,
}

impl Caller {
    /// Waits for the end, on the thread that runs Python's handlers of signals.
    fn wait(&self, end: &Receiver<Result<Fitted, Fault>>) -> Result<Fitted, Fault> {
        loop {
            match end.recv_timeout(SIGNAL_LOOK) {
                Ok(end) => return end,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Fault::Runtime("the training ended without a result".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) => {
                    #[expect(
                        clippy::redundant_closure_for_method_calls,
                        reason = "the method itself is not general enough over lifetimes"
                    )]
                    let looked = Python::attach(|py| py.check_signals());
                    if let Err(error) = looked {
                        self.fail(error);
                    }
                }
            }
        }
    }

    fn tell(&self, n_epochs: usize, record: &EpochRecord) {
        let Some(callback) = &self.callback else { return };
        let reported = Python::attach(|py| -> PyResult<()> {
            callback.call1(py, (n_epochs, dictionary(py, record)?))?;
            Ok(())
        });
        if let Err(error) = reported {
            self.fail(error);
        }
    }

    fn fail(&self, error: PyErr) {
        self.stop.store(true, Ordering::Relaxed);
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

fn check_outcome(outcome: &TrainerOutcome) -> PyResult<()> {
    match outcome {
        TrainerOutcome::Complete => Ok(()),
        TrainerOutcome::Stopped => Err(PyRuntimeError::new_err("the training was stopped")),
        TrainerOutcome::Diverged(at) => Err(PyRuntimeError::new_err(format!(
            "the training diverged in epoch {}, between steps {} and {}: try a smaller learning_rate",
            at.epoch, at.first_step, at.last_step
        ))),
    }
}

fn dictionary<'py>(py: Python<'py>, record: &EpochRecord) -> PyResult<Bound<'py, PyDict>> {
    let numbers = PyDict::new(py);
    numbers.set_item("epoch", record.epoch)?;
    numbers.set_item("learning_rate", record.lr)?;
    numbers.set_item("train_loss", record.train_loss)?;
    let held_out = [
        ("held_out_loss", record.held_out_loss),
        ("held_out_kl", record.held_out_kl),
        ("held_out_l1", record.held_out_l1),
        ("held_out_count_l1", record.held_out_count_l1),
        ("held_out_count_nll", record.held_out_count_nll),
    ];
    for (name, number) in held_out.into_iter().filter(|(_, number)| number.is_some()) {
        numbers.set_item(name, number)?;
    }
    numbers.set_item("seconds", record.elapsed_s)?;
    Ok(numbers)
}
