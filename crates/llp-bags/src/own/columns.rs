//! Columns of features while a table is read, and the rows that networks see.

use std::borrow::Cow;

use llp_data::table::{Cell, Exact, Kind};
use llp_data::{DataError, Place};

use super::codes::Codes;
use super::numbers::{Numbers, Shift, value};
use super::schema::{FeatureColumn, FeatureSchema};
use super::{OwnError, suspects};
use crate::{BagError, Features};

/// Texts of a column at most: every one of them is a value of each instance.
const N_LEVELS_MAX: usize = 1000;

/// A column of features.
#[derive(Debug)]
pub(super) struct FeatureCells {
    name: String,
    values: Values,
    missing: Option<Missing>,
}

#[derive(Debug)]
enum Values {
    /// With a shift that is known before, or found when all are read.
    Numbers { numbers: Numbers, shift: Option<Shift>, is_known: bool },
    /// Levels that are not known before.
    Texts(Codes),
    /// The levels of a schema.
    Levels { levels: Vec<String>, codes: Vec<Option<u32>> },
}

/// Cells without a value.
#[derive(Debug)]
struct Missing {
    first: Place,
    n_cells: usize,
}

impl FeatureCells {
    /// A column of a table that nothing is known of but the kind of its cells.
    pub(super) fn new(name: String, kind: &Kind) -> Self {
        let values = match kind {
            Kind::Text => Values::Texts(Codes::default()),
            _ => Values::Numbers { numbers: Numbers::Integers(vec![]), shift: None, is_known: false },
        };
        Self { name, values, missing: None }
    }

    /// A column of a known schema.
    pub(super) fn of_schema(column: &FeatureColumn) -> Self {
        let values = match column {
            FeatureColumn::Numeric { shift, .. } => {
                Values::Numbers { numbers: Numbers::Integers(vec![]), shift: *shift, is_known: true }
            }
            FeatureColumn::Categorical { levels, .. } => {
                Values::Levels { levels: levels.clone(), codes: vec![] }
            }
        };
        Self { name: column.name().to_owned(), values, missing: None }
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

    /// Takes the next cell. Missing ones are counted, and refused at the end: see [`check_complete`](Self::check_complete).
    pub(super) fn push(&mut self, cell: Cell<'_>, place: impl Fn() -> Place) -> Result<(), OwnError> {
        let is_number = matches!(self.values, Values::Numbers { .. });
        let is_missing = cell.is_missing() || (is_number && cell.stands_for_missing());
        if is_missing {
            let missing = self.missing.get_or_insert_with(|| Missing { first: place(), n_cells: 0 });
            missing.n_cells += 1;
        }
        match &mut self.values {
            Values::Numbers { numbers, .. } if is_missing => numbers.push(Exact::Integer(0)),
            Values::Numbers { numbers, shift, is_known } => {
                let Some(number) = cell.exact() else {
                    return Err(DataError::not_a_number(place(), &self.name, &cell.shown()).into());
                };
                if !number.is_finite() || (*is_known && !value(number, *shift).is_finite()) {
                    let (place, column, got) = (place(), self.name.clone(), cell.shown());
                    return Err(OwnError::NotFinite { place, column, got });
                }
                numbers.push(number);
            }
            Values::Texts(codes) if is_missing => codes.push(None),
            Values::Texts(codes) => {
                codes.push(Some(&text(&cell, &place)?));
                if codes.texts().len() > N_LEVELS_MAX {
                    let place = place();
                    suspects::check_texts(&place.path, &self.name, codes.texts())?;
                    let column = self.name.clone();
                    return Err(OwnError::TooManyLevels { place, column, n_levels_max: N_LEVELS_MAX });
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

    /// Refuses a column with missing cells.
    pub(super) fn check_complete(&self) -> Result<(), OwnError> {
        let Some(Missing { first, n_cells }) = &self.missing else { return Ok(()) };
        let hint = match self.values {
            Values::Numbers { .. } => "write what stands for them (the mean of the column, say)",
            Values::Texts(_) | Values::Levels { .. } => "write a text such as `unknown`",
        };
        Err(OwnError::Missing {
            place: first.clone(),
            column: self.name.clone(),
            n_missing: *n_cells,
            n_rows: self.len(),
            hint,
        })
    }

    /// How many cells hold a text that is no level of the schema.
    pub(super) fn n_unknown(&self) -> usize {
        match &self.values {
            Values::Levels { codes, .. } => codes.iter().filter(|code| code.is_none()).count(),
            _ => 0,
        }
    }

    /// Sorts the levels, so that they do not depend on the order of the rows, and finds the shift of the numbers in
    /// `training_rows`.
    pub(super) fn finish(self, training_rows: &[u32]) -> Self {
        let values = match self.values {
            Values::Numbers { numbers, is_known: false, .. } if !training_rows.is_empty() => {
                let shift = numbers.shift(training_rows);
                Values::Numbers { numbers, shift, is_known: true }
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
        Self { values, ..self }
    }

    fn column(&self) -> FeatureColumn {
        let name = self.name.clone();
        match &self.values {
            Values::Levels { levels, .. } => FeatureColumn::Categorical { name, levels: levels.clone() },
            Values::Numbers { shift, .. } => FeatureColumn::Numeric { name, shift: *shift },
            Values::Texts(_) => FeatureColumn::Categorical { name, levels: vec![] },
        }
    }

    fn append_to(&self, values: &mut Vec<f32>, row: usize) {
        match &self.values {
            Values::Numbers { numbers, shift, .. } => values.push(numbers.value(row, *shift)),
            Values::Texts(_) => {}
            Values::Levels { levels, codes } => {
                let level = codes[row].map(|level| level as usize);
                values.extend((0..levels.len()).map(|at| f32::from(u8::from(Some(at) == level))));
            }
        }
    }
}

/// The schema of finished columns.
pub(super) fn schema_of(columns: &[FeatureCells]) -> FeatureSchema {
    FeatureSchema { columns: columns.iter().map(FeatureCells::column).collect() }
}

/// The values of some rows of finished columns, in the given order.
pub(super) fn features_of(columns: &[FeatureCells], rows: &[u32]) -> Result<Features, BagError> {
    let n_values = schema_of(columns).n_values();
    let mut values = Vec::with_capacity(rows.len() * n_values);
    for &row in rows {
        for column in columns {
            column.append_to(&mut values, row as usize);
        }
    }
    Features::new(n_values, values)
}

fn text<'a>(cell: &Cell<'a>, place: impl Fn() -> Place) -> Result<Cow<'a, str>, OwnError> {
    cell.name().ok_or_else(|| DataError::not_text(place()).into())
}
