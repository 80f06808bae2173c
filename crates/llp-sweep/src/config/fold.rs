//! Cross-validation over bags: which keys belong together.

use super::{DataConfig, missing};
use crate::error::{InvalidValue, Origin, SweepError};

impl DataConfig {
    /// A fold and the number of folds come together, and the fold is one of them.
    pub(super) fn check_fold(&self) -> Result<(), SweepError> {
        match (self.folds, self.fold) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(missing("data.folds", "a run with `data.fold`")),
            (Some(_), None) => Err(missing("data.fold", "a run with `data.folds`")),
            (Some(folds), Some(fold)) if fold < folds => Ok(()),
            (Some(folds), Some(fold)) => Err(Box::new(InvalidValue {
                origin: Origin::Program,
                key: "data.fold".to_owned(),
                expected: format!("one of the {folds} folds, from 0 to {}", folds - 1),
                got: fold.to_string(),
                nearest: None,
            })
            .into()),
        }
    }
}
