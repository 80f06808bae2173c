//! What the columns of features are: the same for training and for prediction.

use serde::{Deserialize, Serialize};

/// The columns of a table of features, in the order in which the network sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureSchema {
    /// At least one.
    pub columns: Vec<FeatureColumn>,
}

/// A column of a table of features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FeatureColumn {
    /// Numbers: one value.
    Numeric {
        /// The name.
        name: String,
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
            Self::Numeric { name } | Self::Categorical { name, .. } => name,
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

    /// The name of each value: that of a column of numbers, or `column=level`.
    pub fn value_names(&self) -> Vec<String> {
        let names = |column: &FeatureColumn| match column {
            FeatureColumn::Numeric { name } => vec![name.clone()],
            FeatureColumn::Categorical { name, levels } => {
                levels.iter().map(|level| format!("{name}={level}")).collect()
            }
        };
        self.columns.iter().flat_map(names).collect()
    }
}
