//! Losses with their gradients: the native side of `llp_rs.torch`.

use llp_loss::{BagTargets, Loss};
use llp_ot::{
    Imprecision, NewtonConfig, OtError, Proportions, Real, RotBatch, RotConfig, rot_loss_and_gradient,
};
use llp_sweep::config::LossName;
use llp_train::named_loss;
use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrays::{Floats, check_numbers, check_shape, matrix, rows, sizes, vector};
use crate::fault::{Fault, detached};
use crate::pool::pool;
use crate::transport::solver;

/// Entries of `[instance, class]` from which threads are worth the time that it takes to wake them.
const PARALLEL_ENTRIES: usize = 1 << 13;

/// What is known beside the proportions: their errors, `[bag, class]` each, and the class prior of the data.
struct Known<'a> {
    bounds: Option<(&'a [f64], &'a [f64])>,
    standard_errors: Option<&'a [f64]>,
    prior: Option<Proportions>,
}

/// The loss of each bag, and its gradient by the logits.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are those of the Python operator")]
pub(crate) fn bag_loss<'py>(
    py: Python<'py>,
    loss: &str,
    logits: Floats<'py>,
    bag_sizes: PyReadonlyArray1<'py, i64>,
    proportions: PyReadonlyArray2<'py, f64>,
    lower: Option<PyReadonlyArray2<'py, f64>>,
    upper: Option<PyReadonlyArray2<'py, f64>>,
    standard_errors: Option<PyReadonlyArray2<'py, f64>>,
    prior: Option<PyReadonlyArray1<'py, f64>>,
    alpha: f64,
    epsilon: f64,
    sweeps: Option<usize>,
    order: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let (n_instances, n_classes) = match &logits {
        Floats::Single(logits) => logits.as_array().dim(),
        Floats::Double(logits) => logits.as_array().dim(),
    };
    let sizes = sizes(&bag_sizes, n_instances)?;
    let proportions = of_bags("proportions", &proportions, sizes.len(), n_classes)?;
    let lower = lower.as_ref().map(|it| of_bags("lower", it, sizes.len(), n_classes)).transpose()?;
    let upper = upper.as_ref().map(|it| of_bags("upper", it, sizes.len(), n_classes)).transpose()?;
    let standard_errors = standard_errors
        .as_ref()
        .map(|it| of_bags("standard_errors", it, sizes.len(), n_classes))
        .transpose()?;
    let prior = prior.as_ref().map(|prior| class_prior(prior, n_classes)).transpose()?;
    let known = Known { bounds: lower.zip(upper), standard_errors, prior };
    let newton =
        if matches!(logits, Floats::Single(_)) { NewtonConfig::SINGLE } else { NewtonConfig::DOUBLE };
    let rot = RotConfig { alpha, epsilon, solver: solver(newton, sweeps) };
    let loss = named(loss, rot, order)?;
    match &logits {
        Floats::Single(logits) => evaluate(py, loss, logits, &sizes, proportions, &known),
        Floats::Double(logits) => evaluate(py, loss, logits, &sizes, proportions, &known),
    }
}

fn of_bags<'a>(
    name: &str,
    array: &'a PyReadonlyArray2<'_, f64>,
    n_bags: usize,
    n_classes: usize,
) -> PyResult<&'a [f64]> {
    let (values, shape) = matrix(name, array)?;
    check_shape(name, shape, n_bags, n_classes)?;
    Ok(values)
}

/// The shares of the classes in a data set, `[class]`.
fn class_prior(prior: &PyReadonlyArray1<'_, f64>, n_classes: usize) -> PyResult<Proportions> {
    let values: Vec<f64> = prior.as_array().to_vec();
    if values.len() != n_classes {
        let got = values.len();
        return Err(PyValueError::new_err(format!("prior has {got} classes, the logits have {n_classes}")));
    }
    Proportions::new(values).map_err(|error| PyValueError::new_err(format!("prior: {error}")))
}

/// The loss of this name, with the parameters of those that have some.
fn named(name: &str, rot: RotConfig, order: usize) -> PyResult<Loss> {
    let Ok(name) = name.parse() else {
        return Err(PyValueError::new_err(format!(
            "there is no loss {name:?}: use kl, rot, avg-kl, l1, l2, interval, marginal, saddlepoint, gaussian, \
             multinomial, moments, easyllp, gupm, dsq, llpfc or ci"
        )));
    };
    if name == LossName::Moments && !(1..=8).contains(&order) {
        return Err(PyValueError::new_err(format!("order is {order}: pass a number from 1 to 8")));
    }
    Ok(named_loss(name, || rot, order))
}

fn evaluate<'py, T: Real + Element>(
    py: Python<'py>,
    loss: Loss,
    logits: &PyReadonlyArray2<'py, T>,
    sizes: &[usize],
    proportions: &[f64],
    known: &Known<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let (logits, [_, n_classes]) = matrix("logits", logits)?;
    let pool = if logits.len() >= PARALLEL_ENTRIES { Some(pool(py)?) } else { None };
    let (losses, gradient) = detached(py, || {
        check_numbers("logits", logits, n_classes)?;
        let (mut losses, mut gradient) = (vec![T::ZERO; sizes.len()], vec![T::ZERO; logits.len()]);
        let mut work = || -> Result<(), Fault> {
            match loss {
                Loss::Rot { config } if !known.has_errors() => {
                    let proportions: Vec<T> = proportions.iter().map(|&z| T::from_f64(z)).collect();
                    let batch = RotBatch { logits, bag_sizes: sizes, proportions: &proportions, n_classes };
                    rot_loss_and_gradient(&batch, &config, &mut losses, &mut gradient)?;
                }
                _ => {
                    let targets = targets(sizes, proportions, n_classes, known)?;
                    loss.evaluate(logits, &targets, &mut losses, &mut gradient)?;
                }
            }
            Ok(())
        };
        match pool {
            Some(pool) => pool.install(work)?,
            None => work()?,
        }
        Ok((losses, gradient))
    })?;
    let answer = (vector(py, losses), rows(py, gradient, n_classes)?);
    Ok(answer.into_pyobject(py)?.into_any())
}

impl Known<'_> {
    /// Whether something is said of the errors.
    fn has_errors(&self) -> bool {
        self.bounds.is_some() || self.standard_errors.is_some()
    }

    /// What is known of a bag whose shares are written as `shares`, NaN for an unknown one.
    fn of_bag(&self, bag: usize, shares: &[f64]) -> Result<(Proportions, Imprecision), OtError> {
        let row = |values: &[f64]| values[bag * shares.len()..][..shares.len()].to_vec();
        if let Some((lower, upper)) = self.bounds {
            let imprecision = Imprecision::Intervals { low: row(lower), high: row(upper) };
            imprecision.check(shares.len())?;
            return Ok((within(&row(lower), &row(upper))?, imprecision));
        }
        if let Some(errors) = self.standard_errors {
            return Imprecision::noisy(shares, row(errors));
        }
        let shares: Vec<Option<f64>> = shares.iter().map(|&z| (!z.is_nan()).then_some(z)).collect();
        Imprecision::partial(&shares)
    }
}

/// Proportions within bounds that allow some: as far from the lower ones in every class, in parts of the width.
fn within(lower: &[f64], upper: &[f64]) -> Result<Proportions, OtError> {
    let (low, high): (f64, f64) = (lower.iter().sum(), upper.iter().sum());
    let part = if high > low { ((1.0 - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
    Proportions::new(lower.iter().zip(upper).map(|(low, high)| low + part * (high - low)).collect())
}

fn targets(
    sizes: &[usize],
    proportions: &[f64],
    n_classes: usize,
    known: &Known<'_>,
) -> Result<BagTargets, Fault> {
    let of_bag = |(bag, shares): (usize, &[f64])| {
        known.of_bag(bag, shares).map_err(|error| Fault::value(format!("proportions: bag {bag}: {error}")))
    };
    let of_bags: Vec<_> =
        proportions.chunks_exact(n_classes).enumerate().map(of_bag).collect::<Result<_, _>>()?;
    let (proportions, imprecision): (Vec<Proportions>, Vec<Imprecision>) = of_bags.into_iter().unzip();
    let targets = BagTargets::new(sizes.to_vec(), &proportions)?.with_imprecision(imprecision)?;
    Ok(match &known.prior {
        Some(prior) => targets.with_prior(prior.clone())?,
        None => targets,
    })
}
