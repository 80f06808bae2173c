//! A trained network for Python.

use std::collections::BTreeMap;
use std::path::PathBuf;

use llp_bags::own::{FeatureSchema, OwnBag, instances_in_memory};
use llp_bags::{Imprecision, InstanceShape, Instances};
use llp_loss::Kl;
use llp_train::disaggregate::{Bag, BaggedPredictions};
use llp_train::scores::log_probabilities;
use llp_train::{ModelFiles, Predictor, TrainError};
use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::arrays::rows;
use crate::fault::{Fault, detached};
use crate::pool::pool;
use crate::tables::{Bagged, Table, instances};

/// A trained network and the files that it is saved as.
#[pyclass(frozen, module = "llp_rs._native")]
pub(crate) struct Model {
    files: ModelFiles,
    predictor: Predictor,
}

impl Model {
    pub(crate) fn new(files: ModelFiles) -> Result<Self, Fault> {
        let predictor = files.predictor()?;
        Ok(Self { files, predictor })
    }

    fn schema(&self) -> Option<&FeatureSchema> {
        self.predictor.state().features.as_ref()
    }

    fn check(&self, instances: &Instances) -> Result<(), Fault> {
        let (got, expected) = (instances.shape(), self.predictor.state().shape);
        if got == expected {
            return Ok(());
        }
        let hint = match expected {
            InstanceShape::Image(_) => "resize the images",
            InstanceShape::Features(_) => "pass the columns that the model was fitted on",
        };
        Err(Fault::value(format!("X has {got}, the model was fitted on {expected}: {hint}")))
    }
}

#[pymethods]
impl Model {
    /// Reads a checkpoint, or the newest one of a run.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        detached(py, || Self::new(ModelFiles::read(&path)?))
    }

    /// The model that these files describe.
    #[staticmethod]
    fn from_files(py: Python<'_>, files: BTreeMap<String, Vec<u8>>) -> PyResult<Self> {
        detached(py, || Self::new(ModelFiles(files)))
    }

    /// Writes a checkpoint.
    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, || Ok(self.files.write(&path)?))
    }

    /// The files by their names.
    fn files<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let files = PyDict::new(py);
        for (name, bytes) in &self.files.0 {
            files.set_item(name, PyBytes::new(py, bytes))?;
        }
        Ok(files)
    }

    /// The logits of instances, `[instance, class]`.
    fn logits<'py>(&self, py: Python<'py>, table: Table<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let table = instances(&table)?;
        let pool = pool(py)?;
        let logits = detached(py, || {
            let data = instances_in_memory(table, self.schema()).map_err(TrainError::from)?;
            self.check(&data)?;
            Ok(pool.install(|| self.predictor.logits(&data, &data.ids()))?)
        })?;
        rows(py, logits, self.predictor.state().class_names.len())
    }

    /// How to make it again, for pickle and copy.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((py.get_type::<Self>().getattr("from_files")?, (self.files(py)?,)))
    }

    /// The posteriors of instances in bags of known proportions, `[instance, class]`.
    #[expect(clippy::too_many_arguments, reason = "they are those of the Python method")]
    fn disaggregate<'py>(
        &self,
        py: Python<'py>,
        table: Table<'py>,
        bags: Vec<String>,
        names: Vec<String>,
        columns: Vec<(String, Vec<f64>)>,
        alpha: f64,
        epsilon: f64,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let bagged = Bagged { instances: instances(&table)?, bags, names, columns };
        let n_classes = self.predictor.state().class_names.len();
        let pool = pool(py)?;
        let posterior = detached(py, || {
            let own = bagged.join(self.schema(), None)?;
            let data = &own.data.train.instances;
            self.check(data)?;
            pool.install(|| {
                let logits = self.predictor.logits(data, &data.ids())?;
                let probabilities =
                    log_probabilities(&logits, n_classes, 1.0).into_iter().map(f64::exp).collect();
                let bags = own.bags.iter().map(known).collect();
                let names = own.data.class_names.clone();
                let predictions = BaggedPredictions::new(names, vec![], probabilities, bags);
                Ok(predictions.disaggregate(alpha, epsilon)?.posterior)
            })
        })?;
        rows(py, posterior, n_classes)
    }

    /// What some bags say of the network, without any label.
    fn score_bags<'py>(
        &self,
        py: Python<'py>,
        table: Table<'py>,
        bags: Vec<String>,
        names: Vec<String>,
        columns: Vec<(String, Vec<f64>)>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let bagged = Bagged { instances: instances(&table)?, bags, names, columns };
        let pool = pool(py)?;
        let losses = detached(py, || {
            let own = bagged.join(self.schema(), None)?;
            self.check(&own.data.train.instances)?;
            let bags = own.bag_set().map_err(TrainError::from)?;
            Ok(pool.install(|| self.predictor.evaluator().bag_losses(&bags, &Kl))?)
        })?;
        let scores = PyDict::new(py);
        scores.set_item("kl", losses.kl)?;
        scores.set_item("l1", losses.l1)?;
        scores.set_item("count-l1", losses.counts.l1)?;
        scores.set_item("count-likelihood", losses.counts.nll)?;
        Ok(scores)
    }
}

/// A bag and its most probable counts.
fn known(bag: &OwnBag) -> Bag {
    Bag {
        name: bag.name.clone(),
        instances: bag.instances.iter().map(|&instance| instance as usize).collect(),
        counts: bag.proportions.largest_remainder_counts(bag.instances.len() as u32),
        proportions: bag.proportions.clone(),
        is_exact: bag.imprecision == Imprecision::Exact,
    }
}
