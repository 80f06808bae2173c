//! Transport on NumPy arrays: the native side of `llp_rs.ot`.

use llp_loss::log_softmax;
use llp_ot::{
    NewtonConfig, Proportions, Real, RotBatch, RotBatchReport, RotConfig, RotProblem, RotSolver,
    SolverOutcome, rot_loss_and_gradient_with_reports, solve_newton, solve_sinkhorn,
};
use llp_train::disaggregate::{Bag, BaggedPredictions};
use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::arrays::{Floats, check_numbers, check_shape, matrix, rows, sizes, vector};
use crate::fault::{Fault, detached};
use crate::pool::pool;

/// Newton's method to the accuracy of the precision, or so many sweeps of Algorithm 1.
pub(crate) fn solver(newton: NewtonConfig, sweeps: Option<usize>) -> RotSolver {
    sweeps.map_or(RotSolver::Newton(newton), |n_iters| RotSolver::Sinkhorn { n_iters })
}

/// Losses, gradient, duality gaps, residuals, iterations and convergence.
#[pyfunction]
pub(crate) fn rot_loss<'py>(
    py: Python<'py>,
    logits: Floats<'py>,
    bag_sizes: PyReadonlyArray1<'py, i64>,
    proportions: PyReadonlyArray2<'py, f64>,
    alpha: f64,
    epsilon: f64,
    sweeps: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let of = |newton| RotConfig { alpha, epsilon, solver: solver(newton, sweeps) };
    match logits {
        Floats::Single(logits) => {
            rot_loss_of(py, &logits, &bag_sizes, &proportions, of(NewtonConfig::SINGLE))
        }
        Floats::Double(logits) => {
            rot_loss_of(py, &logits, &bag_sizes, &proportions, of(NewtonConfig::DOUBLE))
        }
    }
}

fn rot_loss_of<'py, T: Real + Element>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    bag_sizes: &PyReadonlyArray1<'py, i64>,
    proportions: &PyReadonlyArray2<'py, f64>,
    config: RotConfig,
) -> PyResult<Bound<'py, PyAny>> {
    let (logits, proportions) = (("logits", logits), ("proportions", proportions));
    let Bagged { rows: logits, sizes, of_bags: proportions, n_classes } =
        bagged(logits, bag_sizes, proportions)?;
    let pool = pool(py)?;
    let (loss, gradient, reports) = detached(py, || {
        check_numbers("logits", logits, n_classes)?;
        let proportions: Vec<T> = proportions.iter().map(|&share| T::from_f64(share)).collect();
        let batch = RotBatch { logits, bag_sizes: &sizes, proportions: &proportions, n_classes };
        let (mut loss, mut gradient) = (vec![T::ZERO; sizes.len()], vec![T::ZERO; logits.len()]);
        let mut reports = vec![NO_REPORT; sizes.len()];
        pool.install(|| {
            rot_loss_and_gradient_with_reports(&batch, &config, &mut loss, &mut gradient, &mut reports)
        })?;
        Ok((loss, gradient, reports))
    })?;
    let of = |value: fn(&RotBatchReport) -> f64| vector(py, reports.iter().map(value).collect());
    let n_iters = reports.iter().map(|report| report.n_iters_max as i64).collect();
    let converged = reports.iter().map(|report| report.n_not_converged == 0).collect();
    let answer = (
        vector(py, loss),
        rows(py, gradient, n_classes)?,
        of(|report| report.duality_gap_max),
        of(|report| report.residual_max),
        vector::<i64>(py, n_iters),
        vector::<bool>(py, converged),
    );
    Ok(answer.into_pyobject(py)?.into_any())
}

const NO_REPORT: RotBatchReport =
    RotBatchReport { n_not_converged: 0, n_iters_max: 0, duality_gap_max: 0.0, residual_max: 0.0 };

/// The coupling of every bag, and what each is worth: plan, losses, gaps, residuals, convergence.
#[pyfunction]
pub(crate) fn rot_plan<'py>(
    py: Python<'py>,
    logits: PyReadonlyArray2<'py, f64>,
    bag_sizes: PyReadonlyArray1<'py, i64>,
    proportions: PyReadonlyArray2<'py, f64>,
    alpha: f64,
    epsilon: f64,
    sweeps: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (logits, proportions) = (("logits", &logits), ("proportions", &proportions));
    let Bagged { rows: logits, sizes, of_bags: proportions, n_classes } =
        bagged(logits, &bag_sizes, proportions)?;
    let pool = pool(py)?;
    let solved = detached(py, || {
        check_numbers("logits", logits, n_classes)?;
        let z = proportions_of(proportions, n_classes)?;
        let bags: Vec<_> = bags_of(logits, &sizes, n_classes).into_iter().zip(&z).collect();
        pool.install(|| {
            let solve = |(logits, proportions): &(&[f64], &Proportions)| {
                let cost = transposed(&log_softmax(logits, n_classes), n_classes, |log_p| -log_p);
                let problem = RotProblem { cost: &cost, proportions, alpha, epsilon };
                let mut solution = match sweeps {
                    None => solve_newton(&problem, &NewtonConfig::DOUBLE)?,
                    Some(n_iters) => solve_sinkhorn(&problem, n_iters)?,
                };
                solution.coupling =
                    transposed(&solution.coupling, solution.coupling.len() / n_classes, |u| u);
                Ok(solution)
            };
            bags.par_iter().map(solve).collect::<Result<Vec<_>, Fault>>()
        })
    })?;
    let plan: Vec<f64> = solved.iter().flat_map(|bag| bag.coupling.iter().copied()).collect();
    let answer = (
        rows(py, plan, n_classes)?,
        vector(py, solved.iter().map(|bag| bag.objective).collect::<Vec<_>>()),
        vector(py, solved.iter().map(|bag| bag.duality_gap).collect::<Vec<_>>()),
        vector(py, solved.iter().map(|bag| bag.residual).collect::<Vec<_>>()),
        vector(py, solved.iter().map(|bag| bag.outcome != SolverOutcome::MaxIterations).collect::<Vec<_>>()),
    );
    Ok(answer.into_pyobject(py)?.into_any())
}

/// The cheapest labels with exact counts, and the mean cost of each bag.
#[pyfunction]
pub(crate) fn assign<'py>(
    py: Python<'py>,
    cost: PyReadonlyArray2<'py, f64>,
    bag_sizes: PyReadonlyArray1<'py, i64>,
    counts: PyReadonlyArray2<'py, i64>,
) -> PyResult<Bound<'py, PyAny>> {
    let Bagged { rows: cost, sizes, of_bags: counts, n_classes } =
        bagged(("cost", &cost), &bag_sizes, ("counts", &counts))?;
    let pool = pool(py)?;
    let solved = detached(py, || {
        check_numbers("cost", cost, n_classes)?;
        let bags: Vec<_> =
            bags_of(cost, &sizes, n_classes).into_iter().zip(counts.chunks_exact(n_classes)).collect();
        pool.install(|| {
            let solve = |(bag, (cost, counts)): (usize, &(&[f64], &[i64]))| {
                let counts = whole_counts(bag, counts, cost.len() / n_classes)?;
                Ok(llp_ot::assign(&transposed(cost, n_classes, |cost| cost), &counts)?)
            };
            bags.par_iter().enumerate().map(solve).collect::<Result<Vec<_>, Fault>>()
        })
    })?;
    let labels = solved.iter().flat_map(|bag| bag.labels.iter().map(|&label| label as i64));
    let answer = (
        vector(py, labels.collect::<Vec<_>>()),
        vector(py, solved.iter().map(|bag| bag.objective).collect::<Vec<_>>()),
    );
    Ok(answer.into_pyobject(py)?.into_any())
}

/// The whole counts nearest to the proportions of each bag.
#[pyfunction]
pub(crate) fn counts_of<'py>(
    py: Python<'py>,
    proportions: PyReadonlyArray2<'py, f64>,
    bag_sizes: PyReadonlyArray1<'py, i64>,
) -> PyResult<Bound<'py, PyAny>> {
    let (proportions, shape) = matrix("proportions", &proportions)?;
    let n_classes = shape[1];
    let total = bag_sizes.as_array().iter().filter_map(|&size| usize::try_from(size).ok()).sum();
    let sizes = sizes(&bag_sizes, total)?;
    check_shape("proportions", shape, sizes.len(), n_classes)?;
    let counts = detached(py, || {
        let of_bag = |(proportions, &size): (Proportions, &usize)| {
            let counts = proportions.largest_remainder_counts(size as u32);
            counts.into_iter().map(i64::from).collect::<Vec<_>>()
        };
        Ok(proportions_of(proportions, n_classes)?.into_iter().zip(&sizes).flat_map(of_bag).collect())
    })?;
    Ok(rows::<i64>(py, counts, n_classes)?.into_any())
}

/// Posteriors, labels with exact counts, losses, gaps, residuals and convergence.
#[pyfunction]
pub(crate) fn disaggregate<'py>(
    py: Python<'py>,
    probabilities: PyReadonlyArray2<'py, f64>,
    bag_sizes: PyReadonlyArray1<'py, i64>,
    proportions: PyReadonlyArray2<'py, f64>,
    alpha: f64,
    epsilon: f64,
) -> PyResult<Bound<'py, PyAny>> {
    let (probabilities, proportions) = (("probabilities", &probabilities), ("proportions", &proportions));
    let Bagged { rows: probabilities, sizes, of_bags: proportions, n_classes } =
        bagged(probabilities, &bag_sizes, proportions)?;
    let pool = pool(py)?;
    let answer = detached(py, || {
        let mut first = 0;
        let mut bags = Vec::with_capacity(sizes.len());
        for (&size, proportions) in sizes.iter().zip(proportions_of(proportions, n_classes)?) {
            let counts = proportions.largest_remainder_counts(size as u32);
            let instances = (first..first + size).collect();
            bags.push(Bag { name: String::new(), instances, proportions, counts, is_exact: true });
            first += size;
        }
        let probabilities = distributions(probabilities, n_classes)?;
        let predictions = BaggedPredictions::new(vec![String::new(); n_classes], vec![], probabilities, bags);
        Ok(pool.install(|| predictions.disaggregate(alpha, epsilon))?)
    })?;
    let of = |value: fn(&llp_train::disaggregate::BagOutcome) -> f64| {
        vector(py, answer.bags.iter().map(value).collect::<Vec<_>>())
    };
    let converged = answer.bags.iter().map(|bag| bag.outcome == SolverOutcome::Converged).collect::<Vec<_>>();
    let labels = answer.labels.iter().map(|&label| label as i64).collect::<Vec<_>>();
    let (losses, gaps, residuals) = (of(|bag| bag.loss), of(|bag| bag.duality_gap), of(|bag| bag.residual));
    let posteriors = rows(py, answer.posterior, n_classes)?;
    let answer = (posteriors, vector(py, labels), losses, gaps, residuals, vector(py, converged));
    Ok(answer.into_pyobject(py)?.into_any())
}

/// Arrays that were checked against each other.
struct Bagged<'a, T, U> {
    rows: &'a [T], // [instance, class]
    sizes: Vec<usize>,
    of_bags: &'a [U], // [bag, class]
    n_classes: usize,
}

/// Checks the named arrays of instances and of bags.
fn bagged<'a, T: Element, U: Element>(
    (name, rows): (&str, &'a PyReadonlyArray2<'_, T>),
    bag_sizes: &PyReadonlyArray1<'_, i64>,
    (name_of_bags, of_bags): (&str, &'a PyReadonlyArray2<'_, U>),
) -> PyResult<Bagged<'a, T, U>> {
    let (rows, [n_instances, n_classes]) = matrix(name, rows)?;
    let sizes = sizes(bag_sizes, n_instances)?;
    let (of_bags, shape) = matrix(name_of_bags, of_bags)?;
    check_shape(name_of_bags, shape, sizes.len(), n_classes)?;
    Ok(Bagged { rows, sizes, of_bags, n_classes })
}

/// The rows of each bag.
fn bags_of<'a>(values: &'a [f64], sizes: &[usize], n_classes: usize) -> Vec<&'a [f64]> {
    let mut rest = values;
    let bag = |&size: &usize| {
        let (bag, after) = rest.split_at(size * n_classes);
        rest = after;
        bag
    };
    sizes.iter().map(bag).collect()
}

/// The transpose of a row-major matrix of `n_columns`, each entry changed.
fn transposed(values: &[f64], n_columns: usize, change: impl Fn(f64) -> f64) -> Vec<f64> {
    let column = |column: usize| values.iter().skip(column).step_by(n_columns);
    (0..n_columns).flat_map(column).map(|&value| change(value)).collect()
}

fn proportions_of(values: &[f64], n_classes: usize) -> Result<Vec<Proportions>, Fault> {
    let of_bag = |(bag, row): (usize, &[f64])| {
        Proportions::new(row.to_vec())
            .map_err(|error| Fault::value(format!("proportions: bag {bag}: {error}")))
    };
    values.chunks_exact(n_classes).enumerate().map(of_bag).collect()
}

fn whole_counts(bag: usize, counts: &[i64], n_instances: usize) -> Result<Vec<u32>, Fault> {
    let of_class = |(class, &count): (usize, &i64)| {
        u32::try_from(count).map_err(|_| {
            Fault::value(format!("counts: bag {bag} has {count} of class {class}, expected at least 0"))
        })
    };
    let counts: Vec<u32> = counts.iter().enumerate().map(of_class).collect::<Result<_, _>>()?;
    let sum: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    if sum != n_instances as u64 {
        return Err(Fault::value(format!(
            "counts: those of bag {bag} add up to {sum}, expected its {n_instances} instances: round shares with llp_rs.ot.counts_of"
        )));
    }
    Ok(counts)
}

/// Rows that add up to 1: those that miss it by no more than rounding are divided by their sum.
fn distributions(values: &[f64], n_classes: usize) -> Result<Vec<f64>, Fault> {
    let mut all = values.to_vec();
    for (instance, row) in all.chunks_exact_mut(n_classes).enumerate() {
        if let Some(class) = row.iter().position(|p| !(p.is_finite() && *p >= 0.0)) {
            return Err(Fault::value(format!(
                "probabilities: instance {instance} has {} for class {class}, expected a number from 0 to 1: pass probabilities, not logits",
                row[class]
            )));
        }
        let sum: f64 = row.iter().sum();
        if (sum - 1.0).abs() > 0.01 {
            return Err(Fault::value(format!(
                "probabilities: those of instance {instance} add up to {sum}, expected 1: divide each row by its sum"
            )));
        }
        for p in row {
            *p /= sum;
        }
    }
    Ok(all)
}
