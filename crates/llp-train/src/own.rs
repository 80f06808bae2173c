//! One's own bags: nothing is drawn, and no label is needed anywhere.

use std::path::Path;

use llp_bags::Normalization;
use llp_bags::own::{self, OwnData};
use llp_sweep::config::{DataConfig, RunConfig};

use crate::data::check_augmentation;
use crate::{TrainError, TrainingData};

/// Pixels in each direction that images are resized to where `data.image_size` does not say.
const IMAGE_SIZE: usize = 32;

/// Where one's own data lies, if the configuration names such.
pub(crate) fn place(config: &DataConfig) -> Option<&Path> {
    config.path.as_deref().map(Path::new).filter(|path| own::is_own(path))
}

/// Reads one's own data at `path`.
///
/// # Errors
/// What is wrong with its tables or images.
pub fn read_own(path: &Path, config: &DataConfig) -> Result<OwnData, TrainError> {
    let proportions = config.proportions.as_deref().map(Path::new);
    Ok(own::read(path, proportions, config.image_size.unwrap_or(IMAGE_SIZE))?)
}

impl TrainingData {
    /// The bags as they are. Held-out bags are the configured fold, else those that the tables name, else the
    /// configured fraction of the bags.
    ///
    /// # Errors
    /// When the configuration asks for bags that are drawn, or the augmentation does not suit the data.
    pub fn from_own(own: OwnData, config: &RunConfig) -> Result<Self, TrainError> {
        for (key, is_set) in [
            ("bags.manifest", config.bags.hash.is_some()),
            ("bags.noise", config.bags.noise.is_some()),
            ("data.train_limit", config.data.train_limit.is_some()),
        ] {
            if is_set {
                return Err(TrainError::OwnBags { key });
            }
        }
        check_augmentation(&own.data, config)?;
        let fingerprint = own.fingerprint();
        let own = match (config.data.folds, config.data.fold) {
            (Some(n_folds), Some(index)) => own.fold(n_folds, index, config.data.split_seed)?,
            _ => own.hold_out(config.data.held_out, config.data.split_seed)?,
        };
        let (bags, held_out) = (own.bag_set()?, own.held_out_bag_set()?);
        let instances: Vec<u32> = own.bags.iter().flat_map(|bag| bag.instances.iter().copied()).collect();
        let OwnData { data, schema, .. } = own;
        Ok(Self {
            normalization: Normalization::from_instances(&data.train.instances, &instances)?,
            bags,
            n_held_out: held_out.as_ref().map_or(0, llp_bags::BagSet::n_instances),
            held_out,
            test: data.test.instances,
            test_labels: data.test.labels,
            class_names: data.class_names,
            features: schema,
            fingerprint,
        })
    }
}
