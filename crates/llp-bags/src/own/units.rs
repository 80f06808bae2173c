//! Whether a table of proportions holds shares or counts, and what each row says of its bag.

use std::path::Path;

use llp_ot::{Imprecision, OtError, Proportions};

use super::ProportionsError;
use super::proportions::{ProportionTable, Row, Told};

/// Standard errors by which noisy shares may miss their sum.
const N_STANDARD_ERRORS: f64 = 6.0;
/// Sums of floating-point numbers are this far off at most.
const SUM_SLACK: f64 = 1e-6;
/// Rounded shares of many classes may miss 1 by much, but not by more than this: a forgotten class would not be seen.
const SUM_SLACK_MAX: f64 = 0.1;

/// Whatever adds up to more than this is meant as counts.
const SHARE_SUM_BELOW: f64 = 1.5;

/// What the cells of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Shares of a bag: they add up to 1.
    Shares,
    /// Numbers of instances: they add up to the size of the bag.
    Counts,
}

/// A table's unit, and how finely its shares are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) unit: Unit,
    /// The least difference of two shares as they are written, 0.01 for two decimals; nothing for counts.
    pub(super) step: Option<f64>,
}

impl Scale {
    /// The unit in which every row adds up; `sizes` are the numbers of instances, `[row]`, of the table at `instances`.
    pub(super) fn of(
        table: &ProportionTable,
        sizes: &[usize],
        instances: &Path,
    ) -> Result<Self, ProportionsError> {
        let step = step_of(table);
        let shares = Self { unit: Unit::Shares, step: Some(step) };
        let counts = Self { unit: Unit::Counts, step: None };
        let fits = |scale: Self| table.rows.iter().zip(sizes).position(|(row, &size)| !scale.fits(row, size));
        match (fits(shares), fits(counts)) {
            // Noise may hide the unit: the one is taken whose totals are nearer.
            (None, None) if counts.distance(table, sizes) < shares.distance(table, sizes) => Ok(counts),
            (None, _) => Ok(shares),
            (Some(_), None) => Ok(counts),
            (Some(share), Some(count)) => {
                let seem_counts = table.rows.iter().all(are_whole)
                    && table.rows.iter().any(|row| sums(row, 0.0).0 > SHARE_SUM_BELOW);
                let (scale, row) = if seem_counts { (counts, count) } else { (shares, share) };
                Err(scale.refusal(table, row, sizes[row], instances))
            }
        }
    }

    /// The sum over rows of the square by which complete ones miss their total.
    fn distance(self, table: &ProportionTable, sizes: &[usize]) -> f64 {
        let missed = |(row, &size): (&Row, &usize)| {
            let sum: Option<f64> = row.classes.iter().map(middle).sum();
            sum.map_or(0.0, |sum| (sum - self.total(size)).powi(2))
        };
        table.rows.iter().zip(sizes).map(missed).sum()
    }

    fn total(self, size: usize) -> f64 {
        if self.unit == Unit::Counts { size as f64 } else { 1.0 }
    }

    /// How far a share may be from what is written.
    fn half_step(self, n_classes: usize) -> f64 {
        self.step.map_or(0.0, |step| (step / 2.0).min(SUM_SLACK_MAX / n_classes as f64))
    }

    fn fits(self, row: &Row, size: usize) -> bool {
        (self.unit == Unit::Shares || are_whole(row)) && self.adds_up_to(row, self.total(size))
    }

    fn adds_up_to(self, row: &Row, total: f64) -> bool {
        let (low, high) = sums(row, self.half_step(row.classes.len()) * total.max(1.0));
        low <= total + SUM_SLACK && total <= high + SUM_SLACK
    }

    /// Why the row does not fit.
    fn refusal(self, table: &ProportionTable, row: usize, size: usize, instances: &Path) -> ProportionsError {
        let Row { place, bag, .. } = table.rows[row].clone();
        let (low_sum, high_sum) = sums(&table.rows[row], 0.0);
        let (low_sum, high_sum) = (rounded(low_sum), rounded(high_sum));
        let is_percent = |row: &Row| sums(row, 0.0).1.is_finite() && self.adds_up_to(row, 100.0);
        if self.unit == Unit::Shares && table.rows.iter().all(is_percent) {
            return ProportionsError::Percent { place, bag };
        }
        if table.rows[row].classes.iter().any(|told| matches!(told, Told::Within { .. } | Told::Noisy { .. }))
        {
            return ProportionsError::BoundSum { place, bag, total: self.total(size), low_sum, high_sum };
        }
        if self.unit == Unit::Counts {
            let table = instances.to_owned();
            return ProportionsError::CountSum { place, bag, sum: low_sum, n_instances: size, table };
        }
        let n_classes = table.class_names.len();
        let tolerance = rounded((self.half_step(n_classes) * n_classes as f64).max(SUM_SLACK));
        let hint = if low_sum > SHARE_SUM_BELOW {
            "; counts must be whole numbers that add up to the size of the bag"
        } else {
            ""
        };
        ProportionsError::ShareSum { place, bag, sum: low_sum, tolerance, hint }
    }

    /// The proportions of a bag of `size` instances, and what is known of their errors. The row fits.
    pub(super) fn resolve(self, row: &Row, size: usize) -> Result<(Proportions, Imprecision), OtError> {
        let total = self.total(size);
        if row.classes.iter().any(|told| matches!(told, Told::Within { .. })) {
            return within(row, total, self.half_step(row.classes.len()));
        }
        if row.classes.iter().any(|told| matches!(told, Told::Noisy { .. })) {
            return noisy(row, total);
        }
        let known: Vec<Option<f64>> =
            row.classes.iter().map(|told| middle(told).map(|value| value / total)).collect();
        let sum: f64 = known.iter().flatten().sum();
        let is_complete = known.iter().all(Option::is_some);
        // Rounding is divided out; with a single unknown class, that class has the rest.
        let scale = if is_complete || sum > 1.0 { sum } else { 1.0 };
        let known: Vec<Option<f64>> = known.iter().map(|share| share.map(|share| share / scale)).collect();
        let (proportions, imprecision) = Imprecision::partial(&known)?;
        let n_unknown = known.iter().filter(|share| share.is_none()).count();
        Ok((proportions, if n_unknown < 2 { Imprecision::Exact } else { imprecision }))
    }
}

/// The distance of two neighbors among numbers of as many decimals as the table's cells have at most.
fn step_of(table: &ProportionTable) -> f64 {
    let decimals = |value: f64| value.to_string().split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let cells = table.rows.iter().flat_map(|row| &row.classes);
    let value = |told: &Told| if let Told::Value(value) = told { Some(*value) } else { None };
    match cells.filter_map(value).map(decimals).max() {
        None | Some(0) => 0.0,
        Some(decimals) => 10.0_f64.powi(-(decimals as i32)),
    }
}

/// Whether all values without an error are whole numbers.
fn are_whole(row: &Row) -> bool {
    row.classes.iter().all(|told| !matches!(told, Told::Value(value) if value.fract() != 0.0))
}

/// The least and the largest sum that a row allows; values without an error are good to `half_step`.
fn sums(row: &Row, half_step: f64) -> (f64, f64) {
    let bounds = row.classes.iter().map(|told| match *told {
        Told::Nothing => (0.0, f64::INFINITY),
        Told::Value(value) => (value - half_step, value + half_step),
        Told::Within { low, high, .. } => (low, high),
        Told::Noisy { value, error } => {
            (value - N_STANDARD_ERRORS * error, value + N_STANDARD_ERRORS * error)
        }
    });
    bounds.fold((0.0, 0.0), |sums, bounds| (sums.0 + bounds.0, sums.1 + bounds.1))
}

/// Without the last digits, for people.
fn rounded(sum: f64) -> f64 {
    (sum * 1e9).round() / 1e9
}

fn middle(told: &Told) -> Option<f64> {
    match *told {
        Told::Nothing => None,
        Told::Value(value) | Told::Noisy { value, .. } => Some(value),
        Told::Within { low, high, value } => Some(value.unwrap_or(f64::midpoint(low, high))),
    }
}

/// Noisy shares; a class without a value is unknown and gets an equal part of the rest.
fn noisy(row: &Row, total: f64) -> Result<(Proportions, Imprecision), OtError> {
    let known: f64 = row.classes.iter().filter_map(middle).sum();
    let n_unknown = row.classes.iter().filter(|told| **told == Told::Nothing).count();
    let rest = (total - known).max(0.0) / n_unknown.max(1) as f64;
    let shares: Vec<f64> = row.classes.iter().map(|told| middle(told).unwrap_or(rest) / total).collect();
    let errors = row.classes.iter().map(|told| match told {
        Told::Noisy { error, .. } => error / total,
        Told::Nothing => f64::INFINITY,
        _ => 0.0,
    });
    Imprecision::noisy(&shares, errors.collect())
}

/// Intervals; the proportions are the given values or the middles, moved towards the bounds until they add up to 1.
/// Values without bounds are good to `half_step`.
fn within(row: &Row, total: f64, half_step: f64) -> Result<(Proportions, Imprecision), OtError> {
    let bounds = row.classes.iter().map(|told| match *told {
        Told::Within { low, high, .. } => (low / total, high / total),
        Told::Value(value) | Told::Noisy { value, .. } => {
            (value / total - half_step, value / total + half_step)
        }
        Told::Nothing => (0.0, 1.0),
    });
    let (low, high): (Vec<f64>, Vec<f64>) =
        bounds.map(|(low, high)| (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0))).unzip();
    let start: Vec<f64> = (row.classes.iter().zip(low.iter().zip(&high)))
        .map(|(told, (&low, &high))| middle(told).map_or(low, |value| (value / total).clamp(low, high)))
        .collect();
    let missing = 1.0 - start.iter().sum::<f64>();
    let ends = if missing > 0.0 { &high } else { &low };
    let room: f64 = start.iter().zip(ends).map(|(value, end)| (end - value).abs()).sum();
    let part = if room > 0.0 { (missing.abs() / room).min(1.0) } else { 0.0 };
    let moved: Vec<f64> = start.iter().zip(ends).map(|(value, end)| value + part * (end - value)).collect();
    let sum: f64 = moved.iter().sum();
    let proportions = Proportions::new(moved.iter().map(|value| value / sum).collect())?;
    let imprecision = Imprecision::Intervals { low, high };
    imprecision.check(row.classes.len())?;
    Ok((proportions, imprecision))
}
