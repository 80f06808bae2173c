//! What deserves a second look in the columns of features.

use std::fmt;

use llp_data::{DataError, DataNote};
use serde::Serialize;

use super::columns::FeatureCells;
use super::impute::Impute;
use super::rows::{Content, Rows};
use crate::Verdict;

/// Rows from which on a column that counts them, or hardly any two equal texts, are no accident.
const N_ROWS_MIN: usize = 10;

/// Something about a column of features that may be a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum ColumnNote {
    /// The index of a data frame, which is left out.
    RowNumbers {
        /// The column.
        column: String,
    },
    /// Numbers that count the rows.
    CountsRows {
        /// The column.
        column: String,
    },
    /// A category of which hardly any two cells are equal.
    ManyTexts {
        /// The column.
        column: String,
        /// Different texts.
        n_texts: usize,
        /// Rows.
        n_rows: usize,
    },
    /// One value in all rows for training.
    Constant {
        /// The column.
        column: String,
    },
    /// No column distinguishes rows and has values that rows share.
    NothingToLearnFrom,
}

impl ColumnNote {
    /// What it means for a training by itself.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::RowNumbers { .. } | Self::Constant { .. } => Verdict::Possible,
            Self::CountsRows { .. } | Self::ManyTexts { .. } => Verdict::Doubtful,
            Self::NothingToLearnFrom => Verdict::Impossible,
        }
    }
}

impl fmt::Display for ColumnNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RowNumbers { column } => {
                write!(
                    f,
                    "column {column:?} is the index of a data frame: it is left out; rename it if it is a feature"
                )
            }
            Self::CountsRows { column } => write!(
                f,
                "column {column:?} counts the rows: where rows are sorted, it gives the bag or the class away; remove it unless it means something"
            ),
            Self::ManyTexts { column, n_texts, n_rows } => write!(
                f,
                "column {column:?} has {n_texts} different texts in {n_rows} rows: as a category it says little; group them, write numbers, or remove the column (image files belong into a column `path`)"
            ),
            Self::Constant { column } => {
                write!(f, "column {column:?} has one value in all rows: it says nothing")
            }
            Self::NothingToLearnFrom => {
                write!(
                    f,
                    "every column is constant, or a category of which hardly any two rows are equal: there is nothing to learn from"
                )
            }
        }
    }
}

/// The notes on the columns of some rows, those that speak against a training last.
///
/// # Errors
/// The file that holds numbers cannot be read.
pub(super) fn notes(rows: &Rows) -> Result<Vec<ColumnNote>, DataError> {
    let Content::Features(columns) = &rows.content else { return Ok(vec![]) };
    let training_rows = rows.training_rows();
    let left_out = rows.left_out.iter().map(|column| ColumnNote::RowNumbers { column: column.clone() });
    let mut notes: Vec<ColumnNote> = left_out.collect();
    let found: Vec<Option<ColumnNote>> =
        columns.iter().map(|column| note(column, &training_rows)).collect::<Result<_, _>>()?;
    let is_useless = |note: &Option<ColumnNote>| {
        matches!(note, Some(ColumnNote::Constant { .. } | ColumnNote::ManyTexts { .. }))
    };
    let are_all_useless = found.iter().all(is_useless);
    notes.extend(found.into_iter().flatten());
    if are_all_useless {
        notes.push(ColumnNote::NothingToLearnFrom);
    }
    Ok(notes)
}

/// Says how many missing numbers got a value, if any did.
pub(super) fn imputed(rows: &Rows, impute: Option<Impute>) -> Option<DataNote> {
    let (Content::Features(columns), Some(impute)) = (&rows.content, impute) else { return None };
    let missing = columns.iter().filter(|column| column.n_missing_numbers() > 0);
    let (names, counts): (Vec<String>, Vec<usize>) =
        missing.map(|column| (column.name().to_owned(), column.n_missing_numbers())).unzip();
    let what = impute.name();
    (!names.is_empty()).then(|| DataNote::Imputed { n_cells: counts.iter().sum(), columns: names, what })
}

fn note(column: &FeatureCells, training_rows: &[u32]) -> Result<Option<ColumnNote>, DataError> {
    let (name, n_rows) = (column.name().to_owned(), column.len());
    if training_rows.len() < 2 {
        return Ok(None);
    }
    if let Some(numbers) = column.numbers() {
        if numbers.is_constant(&column.present(training_rows))? {
            return Ok(Some(ColumnNote::Constant { column: name }));
        }
        let counts_rows = n_rows >= N_ROWS_MIN && numbers.count_rows()?;
        return Ok(counts_rows.then_some(ColumnNote::CountsRows { column: name }));
    }
    let n_texts = column.levels().map_or(0, <[String]>::len);
    if n_texts == 1 {
        return Ok(Some(ColumnNote::Constant { column: name }));
    }
    let are_many = n_rows >= N_ROWS_MIN && n_texts > n_rows / 2;
    Ok(are_many.then_some(ColumnNote::ManyTexts { column: name, n_texts, n_rows }))
}
