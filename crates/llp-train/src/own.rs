//! One's own bags: nothing is drawn, and no label is needed anywhere.

use std::path::Path;

use llp_bags::own::{self, InstanceNames, OwnData};
use llp_sweep::config::{DataConfig, Impute};

use crate::TrainError;

/// Pixels in each direction that images are resized to where `data.image_size` does not say.
const IMAGE_SIZE: usize = 32;

/// The location of the user's own data, if the configuration names any.
pub(crate) fn place(config: &DataConfig) -> Option<&Path> {
    config.path.as_deref().map(Path::new).filter(|path| own::is_own(path))
}

/// Reads one's own data at `path`.
///
/// # Errors
/// What is wrong with its tables or images.
pub fn read_own(path: &Path, config: &DataConfig) -> Result<OwnData, TrainError> {
    let proportions = config.proportions.as_deref().map(Path::new);
    let image_size = config.image_size.unwrap_or(IMAGE_SIZE);
    Ok(own::read_imputed(path, proportions, image_size, imputation(config))?)
}

/// What stands for missing numbers in the rows for training. Returns `None` if they are refused.
pub fn imputation(config: &DataConfig) -> Option<own::Impute> {
    config.impute.map(|impute| match impute {
        Impute::Mean => own::Impute::Mean,
        Impute::Median => own::Impute::Median,
    })
}

/// The names of bags and instances of one's own data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnNames {
    /// Instances of training and held-out bags.
    pub train: InstanceNames,
    /// Test instances.
    pub test: InstanceNames,
    /// Training bags, `[bag]`.
    pub bags: Vec<String>,
    /// Held-out bags, `[bag]`.
    pub held_out: Vec<String>,
}
