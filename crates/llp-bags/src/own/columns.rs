//! Columns of features while a table is read, and the rows that networks see.

use std::borrow::Cow;

use llp_data::table::{Cell, Exact, Kind};
use llp_data::{DataError, Place, Sequence};

use super::codes::Codes;
use super::impute::Impute;
use super::numbers::{Numbers, Shift, value};
use super::schema::{FeatureColumn, FeatureSchema};
use super::suspects;
use super::words::{Storage, rows_at_once};
use crate::Features;

/// Texts of a column at most: every one of them is a value of each instance.
const N_LEVELS_MAX: usize = 1000;

/// A column of features.
#[derive(Debug)]
pub(super) struct FeatureCells {
    name: String,
    values: Values,
    takes_truths: bool, // as numbers
    missing: Option<Missing>,
}

#[derive(Debug)]
enum Values {
    /// With a shift, and a value for those that are missing, that are known before, or found when all are read.
    Numbers { numbers: Numbers, shift: Option<Shift>, fill: Option<f32>, is_known: bool },
    /// Levels that are not known before.
    Texts(Codes),
    /// The levels of a schema.
    Levels { levels: Vec<String>, codes: Vec<Option<u32>> },
}

/// Cells without a value.
#[derive(Debug)]
struct Missing {
    first: Place,
    rows: Vec<u32>, // ascending
}

impl FeatureCells {
    /// A column of a table that nothing is known of but the kind of its cells. Its numbers are kept where
    /// `storage` says.
    pub(super) fn new(name: String, kind: &Kind, storage: &Storage) -> Self {
        let values = if *kind == Kind::Text {
            Values::Texts(Codes::default())
        } else {
            let numbers = Numbers::new(storage);
            Values::Numbers { numbers, shift: None, fill: None, is_known: false }
        };
        Self { name, values, takes_truths: *kind != Kind::Reals, missing: None }
    }

    /// As [`new`](Self::new), of a known schema.
    pub(super) fn of_schema(column: &FeatureColumn, storage: &Storage) -> Self {
        let values = match column {
            FeatureColumn::Numeric { shift, fill, .. } => {
                let numbers = Numbers::new(storage);
                Values::Numbers { numbers, shift: *shift, fill: *fill, is_known: true }
            }
            FeatureColumn::Categorical { levels, .. } => {
                Values::Levels { levels: levels.clone(), codes: vec![] }
            }
        };
        Self { name: column.name().to_owned(), values, takes_truths: true, missing: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Numbers { numbers, .. } => numbers.len(),
            Values::Texts(codes) => codes.len(),
            Values::Levels { codes, .. } => codes.len(),
        }
    }

    /// The numbers, if it is a column of numbers.
    pub(super) fn numbers(&self) -> Option<&Numbers> {
        match &self.values {
            Values::Numbers { numbers, .. } => Some(numbers),
            Values::Texts(_) | Values::Levels { .. } => None,
        }
    }

    /// The different texts, if it is a column of categories.
    pub(super) fn levels(&self) -> Option<&[String]> {
        match &self.values {
            Values::Numbers { .. } => None,
            Values::Texts(codes) => Some(codes.texts()),
            Values::Levels { levels, .. } => Some(levels),
        }
    }

    /// Takes the next cell. Missing ones, in columns of numbers also `NA` and the like, are counted, and refused at the end:
    /// see [`check_complete`](Self::check_complete).
    pub(super) fn push(&mut self, cell: Cell<'_>, place: impl Fn() -> Place) -> Result<(), DataError> {
        let is_number = matches!(self.values, Values::Numbers { .. });
        let is_missing = cell.is_missing() || (is_number && cell.stands_for_missing());
        if is_missing {
            let row = self.len() as u32;
            self.missing.get_or_insert_with(|| Missing { first: place(), rows: vec![] }).rows.push(row);
        }
        match &mut self.values {
            Values::Numbers { numbers, .. } if is_missing => numbers.push(Exact::Integer(0))?,
            Values::Numbers { numbers, shift, is_known, .. } => {
                let Some(number) = cell.exact(self.takes_truths) else {
                    return Err(DataError::not_a_number(place(), &self.name, &cell.shown()));
                };
                if !number.is_finite() || (*is_known && !value(number, *shift).is_finite()) {
                    let expected =
                        "expected a finite number of no other magnitude than those of the training data";
                    let problem = format!("is {}, {expected}", cell.shown());
                    let error = DataError::at(place(), problem).in_column(&self.name);
                    return Err(error.remedy("correct it, or drop the row"));
                }
                numbers.push(number)?;
            }
            Values::Texts(codes) if is_missing => codes.push(None),
            Values::Texts(codes) => {
                codes.push(Some(&text(&cell, &place)?));
                if codes.texts().len() > N_LEVELS_MAX {
                    let place = place();
                    suspects::check_texts(&place.path, &self.name, codes.texts())?;
                    let problem = format!("has more than {N_LEVELS_MAX} different texts");
                    return Err(DataError::at(place, problem)
                        .in_column(&self.name)
                        .remedy("group them, write numbers, or remove the column"));
                }
            }
            Values::Levels { codes, .. } if is_missing => codes.push(None),
            Values::Levels { levels, codes } => {
                let text = text(&cell, &place)?;
                codes.push(
                    levels
                        .binary_search_by(|level| level.as_str().cmp(&*text))
                        .ok()
                        .map(|level| level as u32),
                );
            }
        }
        Ok(())
    }

    /// Refuses a column with missing cells, unless they are numbers that get a value, now or from a schema.
    pub(super) fn check_complete(&self, impute: Option<Impute>) -> Result<(), DataError> {
        let Some(Missing { first, rows }) = &self.missing else { return Ok(()) };
        let hint = match self.values {
            Values::Numbers { fill, .. } if fill.is_some() || impute.is_some() => return Ok(()),
            Values::Numbers { .. } => {
                "write what stands for them, train with --impute mean or median (data.impute)"
            }
            Values::Texts(_) | Values::Levels { .. } => "write a text such as `unknown`",
        };
        let problem = format!("is missing, and {} of its {} cells are", rows.len(), self.len());
        let error = DataError::at(first.clone(), problem).in_column(&self.name);
        Err(error.remedy(format!("{hint}, or drop these rows")))
    }

    /// How many numbers are missing.
    pub(super) fn n_missing_numbers(&self) -> usize {
        match (&self.values, &self.missing) {
            (Values::Numbers { .. }, Some(missing)) => missing.rows.len(),
            _ => 0,
        }
    }

    /// Those of some rows whose cells are not missing.
    pub(super) fn present(&self, rows: &[u32]) -> Vec<u32> {
        rows.iter().copied().filter(|&row| !self.is_missing(row)).collect()
    }

    fn is_missing(&self, row: u32) -> bool {
        self.missing.as_ref().is_some_and(|missing| missing.rows.binary_search(&row).is_ok())
    }

    /// How many cells hold a text that is no level of the schema.
    pub(super) fn n_unknown(&self) -> usize {
        match &self.values {
            Values::Levels { codes, .. } => codes.iter().filter(|code| code.is_none()).count(),
            _ => 0,
        }
    }

    /// Sorts the levels, so that they do not depend on the order of the rows, and finds the shift of the numbers in
    /// `training_rows`, and what stands for those that are missing.
    ///
    /// # Errors
    /// None of these rows has a number.
    pub(super) fn finish(self, training_rows: &[u32], impute: Option<Impute>) -> Result<Self, DataError> {
        let rows = self.present(training_rows);
        if rows.is_empty() && !training_rows.is_empty() {
            self.check_complete(None)?;
        }
        let values = match self.values {
            Values::Numbers { numbers, is_known: false, .. } if !training_rows.is_empty() => {
                let shift = numbers.shift(&rows)?;
                let fill = match impute {
                    Some(impute) => Some(impute.value(numbers.values(&rows, shift)?)),
                    None => None,
                };
                Values::Numbers { numbers, shift, fill, is_known: true }
            }
            Values::Texts(found) => {
                let mut levels = found.texts().to_vec();
                levels.sort_unstable();
                let place = |text: &String| levels.binary_search(text).ok().map(|level| level as u32);
                let places: Vec<Option<u32>> = found.texts().iter().map(place).collect();
                let codes =
                    (0..found.len()).map(|row| found.code(row).and_then(|code| places[code])).collect();
                Values::Levels { levels, codes }
            }
            values => values,
        };
        Ok(Self { values, ..self })
    }

    fn column(&self) -> FeatureColumn {
        let name = self.name.clone();
        match &self.values {
            Values::Levels { levels, .. } => FeatureColumn::Categorical { name, levels: levels.clone() },
            Values::Numbers { shift, fill, .. } => {
                FeatureColumn::Numeric { name, shift: *shift, fill: *fill }
            }
            Values::Texts(_) => FeatureColumn::Categorical { name, levels: vec![] },
        }
    }

    /// Writes the values of some rows, which are ascending, each to the beginning of a row of `n_values` in `out`.
    fn write(&self, rows: &[u32], out: &mut [f32], n_values: usize) -> Result<(), DataError> {
        let out = rows.iter().zip(out.chunks_mut(n_values));
        match &self.values {
            Values::Numbers { numbers, shift, fill, .. } => {
                for ((&row, out), value) in out.zip(numbers.values(rows, *shift)?) {
                    out[0] = fill.filter(|_| self.is_missing(row)).unwrap_or(value);
                }
            }
            Values::Texts(_) => {}
            Values::Levels { codes, .. } => {
                for (&row, out) in out {
                    if let Some(level) = codes[row as usize] {
                        out[level as usize] = 1.0;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The schema of finished columns.
pub(super) fn schema_of(columns: &[FeatureCells]) -> FeatureSchema {
    FeatureSchema { columns: columns.iter().map(FeatureCells::column).collect() }
}

/// The values of some rows of finished columns; the rows are ascending.
pub(super) fn features_of(columns: &[FeatureCells], rows: &[u32]) -> Result<Features, DataError> {
    let schema = schema_of(columns);
    let n_values = schema.n_values();
    if n_values == 0 {
        return Features::new(0, vec![]); // says what is wrong
    }
    let mut values = Sequence::new(rows.len() * n_values)?;
    let mut block = vec![];
    for rows in rows.chunks(rows_at_once(n_values)) {
        block.clear();
        block.resize(rows.len() * n_values, 0.0);
        let mut start = 0;
        for (cells, column) in columns.iter().zip(&schema.columns) {
            cells.write(rows, &mut block[start..], n_values)?;
            start += column.n_values();
        }
        values.extend(&block)?;
    }
    Features::of(n_values, values.finish()?)
}

fn text<'a>(cell: &Cell<'a>, place: impl Fn() -> Place) -> Result<Cow<'a, str>, DataError> {
    cell.name().ok_or_else(|| DataError::not_text(place()))
}
