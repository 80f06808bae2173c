//! Columns of features while a table is read, and the rows that networks see.

use std::borrow::Cow;

use super::OwnError;
use super::codes::Codes;
use super::schema::{FeatureColumn, FeatureSchema};
use crate::table::scan::{Cell, Kind};
use crate::table::{Place, TableError};
use crate::{BagError, Features};

/// Texts of a column at most: every one of them is a value of each instance.
const N_LEVELS_MAX: usize = 1000;

/// A column of features.
#[derive(Debug)]
pub(super) struct FeatureCells {
    name: String,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Numbers(Vec<f32>),
    /// Levels that are not known before.
    Texts(Codes),
    /// The levels of a schema.
    Levels {
        levels: Vec<String>,
        codes: Vec<Option<u32>>,
    },
}

impl FeatureCells {
    /// A column of a table that nothing is known of but the kind of its cells.
    pub(super) fn new(name: String, kind: &Kind) -> Self {
        let values = match kind {
            Kind::Text => Values::Texts(Codes::default()),
            _ => Values::Numbers(vec![]),
        };
        Self { name, values }
    }

    /// A column of a known schema.
    pub(super) fn of_schema(column: &FeatureColumn) -> Self {
        let values = match column {
            FeatureColumn::Numeric { .. } => Values::Numbers(vec![]),
            FeatureColumn::Categorical { levels, .. } => {
                Values::Levels { levels: levels.clone(), codes: vec![] }
            }
        };
        Self { name: column.name().to_owned(), values }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(numbers) => numbers.len(),
            Values::Texts(codes) => codes.len(),
            Values::Levels { codes, .. } => codes.len(),
        }
    }

    pub(super) fn push(&mut self, cell: Cell<'_>, place: impl Fn() -> Place) -> Result<(), OwnError> {
        if cell == Cell::Empty {
            return Err(TableError::EmptyCell { place: place(), column: self.name.clone() }.into());
        }
        match &mut self.values {
            Values::Numbers(numbers) => {
                let Some(number) = cell.number() else {
                    let (place, column, got) = (place(), self.name.clone(), cell.shown());
                    return Err(TableError::NotANumber { place, column, got }.into());
                };
                if !(number as f32).is_finite() {
                    let (place, column, got) = (place(), self.name.clone(), cell.shown());
                    return Err(OwnError::NotFinite { place, column, got });
                }
                numbers.push(number as f32);
            }
            Values::Texts(codes) => {
                codes.push(Some(&text(&cell, &place)?));
                if codes.texts().len() > N_LEVELS_MAX {
                    let (place, column) = (place(), self.name.clone());
                    return Err(OwnError::TooManyLevels { place, column, n_levels_max: N_LEVELS_MAX });
                }
            }
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

    /// How many cells hold a text that is no level of the schema.
    pub(super) fn n_unknown(&self) -> usize {
        match &self.values {
            Values::Levels { codes, .. } => codes.iter().filter(|code| code.is_none()).count(),
            _ => 0,
        }
    }

    /// Sorts the levels, so that they do not depend on the order of the rows.
    pub(super) fn finish(self) -> Self {
        let Values::Texts(found) = &self.values else { return self };
        let mut levels = found.texts().to_vec();
        levels.sort_unstable();
        let place = |text: &String| levels.binary_search(text).ok().map(|level| level as u32);
        let places: Vec<Option<u32>> = found.texts().iter().map(place).collect();
        let codes = (0..found.len()).map(|row| found.code(row).and_then(|code| places[code])).collect();
        Self { values: Values::Levels { levels, codes }, name: self.name }
    }

    fn column(&self) -> FeatureColumn {
        let name = self.name.clone();
        match &self.values {
            Values::Levels { levels, .. } => FeatureColumn::Categorical { name, levels: levels.clone() },
            Values::Numbers(_) | Values::Texts(_) => FeatureColumn::Numeric { name },
        }
    }

    fn append_to(&self, values: &mut Vec<f32>, row: usize) {
        match &self.values {
            Values::Numbers(numbers) => values.push(numbers[row]),
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
    cell.name().ok_or_else(|| TableError::Encoding { place: place() }.into())
}
