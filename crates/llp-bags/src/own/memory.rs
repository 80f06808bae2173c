//! Instances that another program holds in memory, read as if they stood in a table.

use std::path::{Path, PathBuf};

use llp_data::table::{Cell, Kind};
use llp_data::{DataError, Images, Place};

use super::assemble::assemble;
use super::codes::Codes;
use super::columns::{FeatureCells, features_of};
use super::impute::Impute;
use super::rows::{Content, Places, Purpose, Rows, SplitName};
use super::schema::{FeatureSchema, missing_feature};
use super::words::Storage;
use super::{OwnData, ProportionTable, notes};
use crate::Instances;

/// What messages call the table of instances.
const NAME: &str = "X";

/// A column of features.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryColumn {
    /// Its name.
    pub name: String,
    /// Its cells.
    pub values: MemoryValues,
}

/// The cells of a column, `[row]`.
#[derive(Debug, Clone, PartialEq)]
pub enum MemoryValues {
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Numbers; NaN is a missing cell.
    Reals(Vec<f64>),
    /// Categories; `None` is a missing cell.
    Texts(Vec<Option<String>>),
}

impl MemoryValues {
    fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Reals(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Integers(values) => Cell::Integer(values[row].into()),
            Self::Reals(values) => Cell::Number(values[row]),
            Self::Texts(values) => values[row].as_deref().map_or(Cell::Empty, Cell::of_text),
        }
    }
}

/// Instances in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum InMemory {
    /// Rows of features.
    Columns(Vec<MemoryColumn>),
    /// Images.
    Images(Images),
}

/// Joins instances, whose bags are `bags`, `[instance]`, with the proportions of these bags: the same as
/// [`read`](super::read) of a table with these columns. With a `schema` the columns are those of a network. `impute` says
/// what stands for missing numbers.
///
/// # Errors
/// What is wrong, with the row; the table is called `X`.
///
/// # Panics
/// If there are not as many bags as instances, or columns of different lengths.
pub fn join(
    instances: InMemory,
    bags: &[String],
    proportions: &ProportionTable,
    schema: Option<&FeatureSchema>,
    impute: Option<Impute>,
) -> Result<OwnData, DataError> {
    let rows = rows(instances, bags, schema, impute)?;
    let note = notes::imputed(&rows, impute);
    let mut data = assemble(NAME.to_owned(), rows, proportions)?;
    data.data.notes.extend(note);
    Ok(data)
}

/// The instances alone, for prediction.
///
/// # Errors
/// What is wrong, with the row; the table is called `X`.
///
/// # Panics
/// If columns have different lengths.
pub fn instances_in_memory(
    instances: InMemory,
    schema: Option<&FeatureSchema>,
) -> Result<Instances, DataError> {
    match instances {
        InMemory::Images(images) => Ok(images.into()),
        InMemory::Columns(columns) => {
            let columns = cells(&columns, schema)?;
            columns.iter().try_for_each(|column| column.check_complete(None))?;
            let n_rows = columns.first().map_or(0, FeatureCells::len);
            let rows: Vec<u32> = (0..n_rows as u32).collect();
            Ok(features_of(&columns, &rows)?.into())
        }
    }
}

fn rows(
    instances: InMemory,
    bags: &[String],
    schema: Option<&FeatureSchema>,
    impute: Option<Impute>,
) -> Result<Rows, DataError> {
    let content = match instances {
        InMemory::Images(images) => Content::Images(images),
        InMemory::Columns(columns) => Content::Features(cells(&columns, schema)?),
    };
    let (mut places, mut codes, mut labels) = (Places::default(), Codes::default(), Codes::default());
    places.push(PathBuf::from(NAME), 0);
    for bag in bags {
        codes.push(Some(bag));
        labels.push(None);
    }
    let splits = vec![SplitName::Train; bags.len()];
    let rows = Rows { places, splits, bags: codes, labels, ids: None, content, left_out: vec![] };
    assert_eq!(rows.len(), bags.len(), "every instance has a bag");
    if rows.len() == 0 {
        return Err(DataError::no_rows(Path::new(NAME)));
    }
    rows.canonical(schema.map_or(Purpose::Train { image_side: 0, impute }, Purpose::Features))
}

/// The columns, or those of a schema by their names.
fn cells(columns: &[MemoryColumn], schema: Option<&FeatureSchema>) -> Result<Vec<FeatureCells>, DataError> {
    let Some(schema) = schema else {
        let of = |column: &MemoryColumn| {
            let is_text = matches!(column.values, MemoryValues::Texts(_));
            let kind = if is_text { Kind::Text } else { Kind::Reals };
            fill(FeatureCells::new(column.name.clone(), &kind, &Storage::in_memory()), column)
        };
        return columns.iter().map(of).collect();
    };
    let of = |wanted: &super::FeatureColumn| {
        let found = columns.iter().find(|column| column.name == wanted.name());
        let column = found.ok_or_else(|| missing_feature(Path::new(NAME), wanted.name()))?;
        fill(FeatureCells::of_schema(wanted, &Storage::in_memory()), column)
    };
    schema.columns.iter().map(of).collect()
}

fn fill(mut cells: FeatureCells, column: &MemoryColumn) -> Result<FeatureCells, DataError> {
    for row in 0..column.values.len() {
        let place = || Place { path: Path::new(NAME).to_owned(), row: row as u64 + 1, line: None };
        cells.push(column.values.cell(row), place)?;
    }
    Ok(cells)
}
