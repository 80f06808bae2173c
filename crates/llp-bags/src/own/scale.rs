//! Whether a table of proportions holds shares or counts, and what each row says of its bag.

use std::path::Path;

use llp_data::DataError;
use llp_ot::{Imprecision, OtError, Proportions};

use super::column_hints::hint;
use super::proportion_columns::classes_of;
use super::proportion_table::{Entry, ProportionTable, Row};

/// Standard errors by which noisy shares may miss their sum.
const N_STANDARD_ERRORS: f64 = 6.0;
/// Sums of floating-point numbers are this far off at most.
const SUM_SLACK: f64 = 1e-6;
/// Rounded shares of many classes may miss 1 by much, but not by more than this: a forgotten class would not be seen.
const SUM_SLACK_MAX: f64 = 0.1;
/// Shares of different numbers of decimals may each be off by this, as if all were printed with three digits...
const THREE_DIGITS: f64 = 5e-4;
/// ...as long as their sum misses 1 by no more than this.
const THREE_DIGITS_MAX: f64 = 0.01;

/// Whatever adds up to more than this is meant as counts.
const SHARE_SUM_BELOW: f64 = 1.5;

/// If all rows add up to more than this and hold no counts, they are meant as percentages.
const PERCENT_SUM_ABOVE: f64 = 50.0;

/// What the cells of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Shares of a bag: they add up to 1.
    Shares,
    /// Numbers of instances: they add up to the size of the bag.
    Counts,
    /// Shares of a hundred: they add up to 100.
    Percentages,
}

/// A table's unit, and how finely its shares are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) unit: Unit,
    /// The least difference of two shares or percentages as they are written, 0.01 for two decimals; `None` for counts.
    pub(super) step: Option<f64>,
    /// Whether decimals were cut off, not rounded.
    pub(super) is_cut: bool,
    /// By how much a share may be smaller than what is written.
    below: f64,
    /// By how much a share may be larger than what is written.
    above: f64,
}

impl ProportionTable {
    /// The proportions of the bags of which `sizes`, `[row]`, says how many instances there are in the table at
    /// `instances`; `None` for a bag of unknown size.
    ///
    /// # Errors
    /// With the row: neither shares nor counts of that many instances.
    pub fn resolve(
        &self,
        sizes: &[Option<usize>],
        instances: &Path,
    ) -> Result<Vec<Option<(Proportions, Imprecision)>>, DataError> {
        let scale = Scale::of(self, sizes, instances)?;
        let resolved = self
            .rows
            .iter()
            .zip(sizes)
            .map(|(row, size)| size.map(|size| scale.resolve(row, size)).transpose());
        resolved.collect()
    }
}

impl Scale {
    /// The unit in which every row adds up; `sizes` are the numbers of instances, `[row]`, of the table at `instances`,
    /// nothing for a bag whose instances are not all there.
    pub(super) fn of(
        table: &ProportionTable,
        sizes: &[Option<usize>],
        instances: &Path,
    ) -> Result<Self, DataError> {
        let (shares, counts) = (Self::rounded(table, Unit::Shares), Self::counts());
        let misfit =
            |scale: Self| table.rows.iter().zip(sizes).position(|(row, &size)| !scale.fits(row, size));
        match (misfit(shares), misfit(counts)) {
            // Noise may hide the unit: the one is taken whose totals are nearer.
            (None, None) if counts.distance(table, sizes) < shares.distance(table, sizes) => Ok(counts),
            (None, _) => Ok(shares),
            (Some(_), None) => Ok(counts),
            (Some(_), Some(count)) => {
                let share = match Self::written(table, Unit::Shares, misfit) {
                    Ok(scale) => return Ok(scale),
                    Err(row) => row,
                };
                // A row with an unknown class fits any whole.
                let shows_the_whole = table.rows.iter().any(|row| !row.classes.contains(&Entry::Unknown));
                let percent = match Self::written(table, Unit::Percentages, misfit) {
                    Ok(scale) if shows_the_whole => return Ok(scale),
                    Ok(_) => share,
                    Err(row) => row,
                };
                let sum_of = |row: &Row| sums(row, 0.0, 0.0).0;
                let seem_counts = table.rows.iter().all(are_whole)
                    && table.rows.iter().any(|row| sum_of(row) > SHARE_SUM_BELOW);
                let seem_percentages = table.rows.iter().all(|row| sum_of(row) > PERCENT_SUM_ABOVE);
                let (scale, row) = match (seem_counts, seem_percentages) {
                    (true, _) => (counts, count),
                    (false, true) => (Self::cut(table, Unit::Percentages), percent),
                    (false, false) => (Self::cut(table, Unit::Shares), share),
                };
                Err(scale.refusal(table, row, sizes[row], instances))
            }
        }
    }

    /// The strictest rule of writing shares of a whole by which every row adds up, or the first row that does not by any.
    fn written(
        table: &ProportionTable,
        unit: Unit,
        misfit: impl Fn(Self) -> Option<usize>,
    ) -> Result<Self, usize> {
        let rules = [Self::rounded(table, unit), Self::printed(table, unit), Self::cut(table, unit)];
        let mut first = 0;
        for scale in rules {
            match misfit(scale) {
                None => return Ok(scale),
                Some(row) => first = row,
            }
        }
        Err(first)
    }

    fn counts() -> Self {
        Self { unit: Unit::Counts, step: None, is_cut: false, below: 0.0, above: 0.0 }
    }

    /// Shares or percentages that were rounded to the decimals that are written.
    fn rounded(table: &ProportionTable, unit: Unit) -> Self {
        let scale = Self { unit, step: Some(step_of(table, unit)), ..Self::counts() };
        let half_step = scale.half_step(table.class_names.len());
        Self { below: half_step, above: half_step, ..scale }
    }

    /// Shares that were rounded to three digits at least.
    fn printed(table: &ProportionTable, unit: Unit) -> Self {
        let (scale, n_classes) = (Self::rounded(table, unit), table.class_names.len() as f64);
        let digits = scale.whole() * (THREE_DIGITS * n_classes.max(2.0)).min(THREE_DIGITS_MAX) / n_classes;
        Self { below: scale.below.max(digits), above: scale.above.max(digits), ..scale }
    }

    /// Shares whose further decimals were cut off, if no row adds up to more than the whole.
    fn cut(table: &ProportionTable, unit: Unit) -> Self {
        let scale = Self::printed(table, unit);
        let whole = scale.whole();
        let step = scale.step.unwrap_or(0.0).min(whole * SUM_SLACK_MAX / table.class_names.len() as f64);
        let is_above = |row: &Row| sums(row, 0.0, 0.0).0 > whole * (1.0 + SUM_SLACK);
        if step <= scale.above || table.rows.iter().any(is_above) {
            return scale;
        }
        Self { above: step, is_cut: true, ..scale }
    }

    /// The sum over rows of the square by which complete ones miss their total.
    fn distance(self, table: &ProportionTable, sizes: &[Option<usize>]) -> f64 {
        let missed = |(row, &size): (&Row, &Option<usize>)| {
            let sum: Option<f64> = row.classes.iter().map(middle).sum();
            sum.zip(size).map_or(0.0, |(sum, size)| (sum - self.total(size)).powi(2))
        };
        table.rows.iter().zip(sizes).map(missed).sum()
    }

    fn total(self, size: usize) -> f64 {
        if self.unit == Unit::Counts { size as f64 } else { self.whole() }
    }

    /// What shares add up to.
    fn whole(self) -> f64 {
        if self.unit == Unit::Percentages { 100.0 } else { 1.0 }
    }

    /// How far a share may be from what is written.
    fn half_step(self, n_classes: usize) -> f64 {
        self.step.map_or(0.0, |step| (step / 2.0).min(self.whole() * SUM_SLACK_MAX / n_classes as f64))
    }

    fn fits(self, row: &Row, size: Option<usize>) -> bool {
        match (self.unit, size) {
            (Unit::Shares | Unit::Percentages, _) => self.adds_up_to(row, self.whole()),
            (Unit::Counts, Some(size)) => are_whole(row) && self.adds_up_to(row, size as f64),
            (Unit::Counts, None) => are_whole(row) && sums(row, 0.0, 0.0).1 > 0.0,
        }
    }

    fn adds_up_to(self, row: &Row, total: f64) -> bool {
        let (low, high) = sums(row, self.below, self.above);
        low <= total + SUM_SLACK && total <= high + SUM_SLACK
    }

    /// Why the row does not fit.
    fn refusal(
        self,
        table: &ProportionTable,
        row: usize,
        size: Option<usize>,
        instances: &Path,
    ) -> DataError {
        let Row { place, bag, .. } = table.rows[row].clone();
        let size = size.unwrap_or(0);
        let (low_sum, high_sum) = sums(&table.rows[row], 0.0, 0.0);
        let (low_sum, high_sum) = (rounded(low_sum), rounded(high_sum));
        let is_imprecise = |entry: &Entry| matches!(entry, Entry::Within { .. } | Entry::Noisy { .. });
        if table.rows[row].classes.iter().any(is_imprecise) {
            let (total, sums) = (self.total(size), format!("{low_sum}, the upper ones to {high_sum}"));
            let problem = format!("the bounds of bag {bag:?} cannot add up to {total}");
            return DataError::at(place, format!("{problem}: the lower ones add up to {sums}"))
                .remedy("widen them");
        }
        let (classes, mut hint) = (classes_of(&table.class_names), hint(table));
        if self.unit == Unit::Counts {
            let problem = format!(
                "the counts of bag {bag:?} add up to {low_sum}, but it has {size} instances in {} ({classes})",
                instances.display()
            );
            let remedy = format!("correct them, or divide each row by its sum to give shares{hint}");
            return DataError::at(place, problem).remedy(remedy);
        }
        let tolerance = rounded((self.above * table.class_names.len() as f64).max(SUM_SLACK));
        if self.unit == Unit::Shares && low_sum > SHARE_SUM_BELOW {
            hint.push_str("; counts must be whole numbers that add up to the size of the bag");
        }
        let whole = self.whole();
        let expected = format!("expected {whole} within {tolerance} ({classes})");
        let problem = format!("the shares of bag {bag:?} add up to {low_sum}, {expected}");
        DataError::at(place, problem).remedy(format!("correct them{hint}"))
    }

    /// The proportions of a bag of `size` instances, and what is known of their errors. The row fits.
    pub(super) fn resolve(self, row: &Row, size: usize) -> Result<(Proportions, Imprecision), DataError> {
        self.shares(row, size).map_err(|error| DataError::at(row.place.clone(), error.to_string()))
    }

    fn shares(self, row: &Row, size: usize) -> Result<(Proportions, Imprecision), OtError> {
        let total = self.total(size);
        if row.classes.iter().any(|entry| matches!(entry, Entry::Within { .. })) {
            return within(row, total, self.half_step(row.classes.len()) / self.whole());
        }
        if row.classes.iter().any(|entry| matches!(entry, Entry::Noisy { .. })) {
            return noisy(row, total);
        }
        let known: Vec<Option<f64>> =
            row.classes.iter().map(|entry| middle(entry).map(|value| value / total)).collect();
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

/// The distance of two neighbors among numbers of as many decimals as the table's cells have at most. Shares without
/// decimals are exact, percentages without decimals are rounded.
fn step_of(table: &ProportionTable, unit: Unit) -> f64 {
    let decimals = |value: f64| value.to_string().split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let cells = table.rows.iter().flat_map(|row| &row.classes);
    let value = |entry: &Entry| if let Entry::Value(value) = entry { Some(*value) } else { None };
    match (cells.filter_map(value).map(decimals).max(), unit) {
        (None | Some(0), Unit::Shares | Unit::Counts) | (None, Unit::Percentages) => 0.0,
        (Some(decimals), _) => 10.0_f64.powi(-(decimals as i32)),
    }
}

/// Whether all values without an error are whole numbers.
fn are_whole(row: &Row) -> bool {
    row.classes.iter().all(|entry| !matches!(entry, Entry::Value(value) if value.fract() != 0.0))
}

/// The least and the largest sum that a row allows; values without an error may be larger than what is right by `below`,
/// and smaller by `above`.
fn sums(row: &Row, below: f64, above: f64) -> (f64, f64) {
    let bounds = row.classes.iter().map(|entry| match *entry {
        Entry::Unknown => (0.0, f64::INFINITY),
        Entry::Value(value) => (value - below, value + above),
        Entry::Within { low, high, .. } => (low, high),
        Entry::Noisy { value, error } => {
            (value - N_STANDARD_ERRORS * error, value + N_STANDARD_ERRORS * error)
        }
    });
    bounds.fold((0.0, 0.0), |sums, bounds| (sums.0 + bounds.0, sums.1 + bounds.1))
}

/// Without the last digits, for people.
fn rounded(sum: f64) -> f64 {
    (sum * 1e9).round() / 1e9
}

fn middle(entry: &Entry) -> Option<f64> {
    match *entry {
        Entry::Unknown => None,
        Entry::Value(value) | Entry::Noisy { value, .. } => Some(value),
        Entry::Within { low, high, value } => Some(value.unwrap_or(f64::midpoint(low, high))),
    }
}

/// Noisy shares; a class without a value is unknown and gets an equal part of the rest.
fn noisy(row: &Row, total: f64) -> Result<(Proportions, Imprecision), OtError> {
    let known: f64 = row.classes.iter().filter_map(middle).sum();
    let n_unknown = row.classes.iter().filter(|entry| **entry == Entry::Unknown).count();
    let rest = (total - known).max(0.0) / n_unknown.max(1) as f64;
    let shares: Vec<f64> = row.classes.iter().map(|entry| middle(entry).unwrap_or(rest) / total).collect();
    let errors = row.classes.iter().map(|entry| match entry {
        Entry::Noisy { error, .. } => error / total,
        Entry::Unknown => f64::INFINITY,
        _ => 0.0,
    });
    Imprecision::noisy(&shares, errors.collect())
}

/// Intervals; the proportions are the given values or the middles, moved towards the bounds until they add up to 1.
/// Values without bounds are good to `half_step`.
fn within(row: &Row, total: f64, half_step: f64) -> Result<(Proportions, Imprecision), OtError> {
    let bounds = row.classes.iter().map(|entry| match *entry {
        Entry::Within { low, high, .. } => (low / total, high / total),
        Entry::Value(value) | Entry::Noisy { value, .. } => {
            (value / total - half_step, value / total + half_step)
        }
        Entry::Unknown => (0.0, 1.0),
    });
    let (low, high): (Vec<f64>, Vec<f64>) =
        bounds.map(|(low, high)| (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0))).unzip();
    let start: Vec<f64> = (row.classes.iter().zip(low.iter().zip(&high)))
        .map(|(entry, (&low, &high))| middle(entry).map_or(low, |value| (value / total).clamp(low, high)))
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
