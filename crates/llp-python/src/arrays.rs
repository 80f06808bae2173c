//! Arrays of either precision, and the bags of a batch.

use llp_ot::Real;
use numpy::{Element, IntoPyArray as _, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::fault::Fault;

/// A matrix in single or double precision, borrowed.
#[derive(FromPyObject)]
pub(crate) enum Floats<'py> {
    /// Single.
    Single(PyReadonlyArray2<'py, f32>),
    /// Double.
    Double(PyReadonlyArray2<'py, f64>),
}

/// The numbers of a matrix, row-major, where they are, and its shape.
pub(crate) fn matrix<'a, T: Element>(
    name: &str,
    array: &'a PyReadonlyArray2<'_, T>,
) -> PyResult<(&'a [T], [usize; 2])> {
    let shape = array.as_array().dim();
    let values = array.as_slice().ok().filter(|_| array.as_array().is_standard_layout());
    let values = values.ok_or_else(|| {
        PyValueError::new_err(format!("{name} is not contiguous: pass numpy.ascontiguousarray({name})"))
    })?;
    Ok((values, [shape.0, shape.1]))
}

/// The numbers of instances of the bags, which add up to `n_instances`.
pub(crate) fn sizes(bag_sizes: &PyReadonlyArray1<'_, i64>, n_instances: usize) -> PyResult<Vec<usize>> {
    let mut sizes = Vec::with_capacity(bag_sizes.as_array().len());
    for (bag, &size) in bag_sizes.as_array().iter().enumerate() {
        let size = usize::try_from(size).ok().filter(|&size| size > 0);
        sizes.push(size.ok_or_else(|| {
            let size = bag_sizes.as_array()[bag];
            PyValueError::new_err(format!(
                "bag_sizes: bag {bag} has {size} instances, expected at least 1: drop empty bags and their proportions"
            ))
        })?);
    }
    let total = sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size));
    if total != Some(n_instances) {
        let total = total.map_or("more than memory holds".to_owned(), |total| total.to_string());
        return Err(PyValueError::new_err(format!(
            "bag_sizes add up to {total}, expected {n_instances}, the number of rows: rows stand bag after bag, and every one is in a bag"
        )));
    }
    if sizes.is_empty() {
        return Err(PyValueError::new_err("bag_sizes is empty: pass at least one bag"));
    }
    Ok(sizes)
}

/// Refuses another shape than `[bag, class]`.
pub(crate) fn check_shape(name: &str, got: [usize; 2], n_bags: usize, n_classes: usize) -> PyResult<()> {
    if got == [n_bags, n_classes] {
        return Ok(());
    }
    let [rows, columns] = got;
    Err(PyValueError::new_err(format!(
        "{name} has shape [{rows}, {columns}], expected [{n_bags}, {n_classes}]: a row for each of bag_sizes, a column for each class"
    )))
}

/// Refuses the first number that is infinite, not a number or huge.
pub(crate) fn check_numbers<T: Real>(name: &str, values: &[T], n_classes: usize) -> Result<(), Fault> {
    let is_wrong = |value: &T| {
        let size = value.to_f64().abs();
        size.is_nan() || size > T::LARGEST.to_f64()
    };
    let Some(at) = values.iter().position(is_wrong) else { return Ok(()) };
    Err(Fault::value(format!(
        "{name} of instance {} and class {} is {}: expected a finite number of moderate size; look for a learning rate that is too large, or missing values in the features",
        at / n_classes,
        at % n_classes,
        values[at].to_f64()
    )))
}

/// A vector for Python, which takes its memory over.
pub(crate) fn vector<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    values.into_pyarray(py)
}

/// A matrix of `n_columns` for Python, which takes its memory over.
pub(crate) fn rows<T: Element>(
    py: Python<'_>,
    values: Vec<T>,
    n_columns: usize,
) -> PyResult<Bound<'_, PyArray2<T>>> {
    use numpy::PyArrayMethods as _;
    let n_rows = values.len() / n_columns.max(1);
    values.into_pyarray(py).reshape([n_rows, n_columns])
}
