//! Cross-validation over bags: which keys belong together.

use super::DataConfig;
use crate::error::{Origin, SweepError};

impl DataConfig {
    /// A fold and the number of folds come together, and the fold is one of them.
    pub(super) fn check_fold(&self) -> Result<(), SweepError> {
        match (self.folds, self.fold) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(SweepError::missing_key("data.folds", "a run with `data.fold`")),
            (Some(_), None) => Err(SweepError::missing_key("data.fold", "a run with `data.folds`")),
            (Some(folds), Some(fold)) if fold < folds => Ok(()),
            (Some(folds), Some(fold)) => {
                let expected = format!("one of the {folds} folds, from 0 to {}", folds - 1);
                Err(Origin::Program.invalid_value("data.fold", expected, fold, None))
            }
        }
    }
}
