//! What the columns of features are: the same for training and for prediction.

use std::path::Path;

use llp_data::DataError;
use serde::{Deserialize, Serialize};

use super::Shift;

/// The columns of a table of features, in the order in which the network sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSchema {
    /// At least one.
    pub columns: Vec<FeatureColumn>,
}

/// A column of a table of features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FeatureColumn {
    /// Numbers: one value.
    Numeric {
        /// The name.
        name: String,
        /// What is taken from the numbers before they become single precision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shift: Option<Shift>,
        /// What a network sees where the number is missing; `None` if such rows are refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<f32>,
    },
    /// Text: a value for each level, 1 for the one that is there and 0 for the others. A text that is no level makes
    /// all of them 0.
    Categorical {
        /// The name.
        name: String,
        /// The texts of the training data, in ascending order.
        levels: Vec<String>,
    },
}

impl FeatureColumn {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Numeric { name, .. } | Self::Categorical { name, .. } => name,
        }
    }

    /// The number of values that the network sees.
    pub fn n_values(&self) -> usize {
        match self {
            Self::Numeric { .. } => 1,
            Self::Categorical { levels, .. } => levels.len(),
        }
    }
}

impl FeatureSchema {
    /// The number of values of an instance.
    pub fn n_values(&self) -> usize {
        self.columns.iter().map(FeatureColumn::n_values).sum()
    }

    /// The shifts of all columns as a text that identifies them. Returns `None` if there is none.
    pub(super) fn shifts(&self) -> Option<String> {
        let shift = |column: &FeatureColumn| match column {
            FeatureColumn::Numeric { shift, .. } => *shift,
            FeatureColumn::Categorical { .. } => None,
        };
        let shifts: Vec<Option<Shift>> = self.columns.iter().map(shift).collect();
        shifts.iter().any(Option::is_some).then(|| format!("{shifts:?}"))
    }

    /// The name of each value: that of a column of numbers, or `column=level`.
    pub fn value_names(&self) -> Vec<String> {
        let names = |column: &FeatureColumn| match column {
            FeatureColumn::Numeric { name, .. } => vec![name.clone()],
            FeatureColumn::Categorical { name, levels } => {
                levels.iter().map(|level| format!("{name}={level}")).collect()
            }
        };
        self.columns.iter().flat_map(names).collect()
    }
}

/// A column that the network was trained with is missing.
pub(super) fn missing_feature(path: &Path, column: &str) -> DataError {
    DataError::of(path, format!("there is no column {column:?}, which the network was trained with"))
        .remedy("add it")
}

/// Features where images are needed, or the reverse.
pub(super) fn other_instances(path: &Path, got: &str, expected: &str) -> DataError {
    DataError::of(path, format!("it holds {got}, but the network was trained with {expected}"))
        .remedy("give a table of these")
}
