//! Tables from Python: features column by column, or images, and proportions.

use llp_bags::Images;
use llp_bags::own::{
    FeatureSchema, Impute, InMemory, MemoryColumn, MemoryValues, OwnData, ProportionTable, join,
};
use llp_train::TrainError;
use numpy::{PyReadonlyArray1, PyReadonlyArray4};
use pyo3::prelude::*;

use crate::fault::Fault;

/// The cells of a column.
#[derive(FromPyObject)]
pub(crate) enum Cells<'py> {
    /// Whole numbers.
    Integers(PyReadonlyArray1<'py, i64>),
    /// Numbers.
    Reals(PyReadonlyArray1<'py, f64>),
    /// Categories.
    Texts(Vec<Option<String>>),
}

/// Instances: images `[instance, height, width, channel]`, or columns by name.
#[derive(FromPyObject)]
pub(crate) enum Table<'py> {
    /// Images.
    Images(PyReadonlyArray4<'py, u8>),
    /// Columns.
    Columns(Vec<(String, Cells<'py>)>),
}

/// Bags of instances, as Python has them.
pub(crate) struct Bagged {
    pub(crate) instances: InMemory,
    /// `[instance]`.
    pub(crate) bags: Vec<String>,
    /// The names of the bags of the proportions.
    pub(crate) names: Vec<String>,
    /// The columns of the proportions.
    pub(crate) columns: Vec<(String, Vec<f64>)>,
}

impl Bagged {
    /// The bags for a training, or for a network with this schema.
    pub(crate) fn join(
        self,
        schema: Option<&FeatureSchema>,
        impute: Option<Impute>,
    ) -> Result<OwnData, Fault> {
        let Self { instances, bags, names, columns } = self;
        let proportions = ProportionTable::from_columns("proportions", &names, &columns)
            .map_err(|error| Fault::value(error.to_string()))?;
        Ok(join(instances, &bags, &proportions, schema, impute).map_err(TrainError::from)?)
    }
}

/// Copies a table, so that Python may change it meanwhile.
pub(crate) fn instances(table: &Table<'_>) -> Result<InMemory, Fault> {
    match table {
        Table::Images(images) => {
            let images = images.as_array();
            let (_, height, width, channels) = images.dim();
            let pixels = images.iter().copied().collect();
            let images = Images::new(height, width, channels, pixels)
                .map_err(|error| Fault::value(format!("X: {error}")))?;
            Ok(InMemory::Images(images))
        }
        Table::Columns(columns) => {
            let column = |(name, cells): &(String, Cells<'_>)| MemoryColumn {
                name: name.clone(),
                values: match cells {
                    Cells::Integers(values) => MemoryValues::Integers(values.as_array().to_vec()),
                    Cells::Reals(values) => MemoryValues::Reals(values.as_array().to_vec()),
                    Cells::Texts(values) => MemoryValues::Texts(values.clone()),
                },
            };
            Ok(InMemory::Columns(columns.iter().map(column).collect()))
        }
    }
}
