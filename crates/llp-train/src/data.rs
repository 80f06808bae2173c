//! From a configuration to what a training needs of its data.

use std::path::Path;
use std::sync::Arc;

use llp_bags::source::{Dataset, Split, digits::digits, parquet};
use llp_bags::{BagSet, Images, LabelOracle, Normalization, hold_out, partition, subset};
use llp_sweep::config::{DataConfig, RunConfig};

use crate::TrainError;

/// Bags to train on, held-out bags to choose by, test images to evaluate on.
#[derive(Debug)]
pub struct TrainingData {
    /// All that training sees.
    pub bags: BagSet,
    /// Bags of the same size from instances that are set aside; none where there are fewer than one bag's.
    pub held_out: Option<BagSet>,
    /// Instances set aside for held-out bags.
    pub n_held_out: usize,
    /// Statistics of the training instances, held-out ones left out.
    pub normalization: Normalization,
    /// Test images.
    pub test_images: Arc<Images>,
    /// Their labels, where they exist: for evaluation alone.
    pub test_labels: Option<LabelOracle>,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Identifies the content of the data set.
    pub fingerprint: String,
}

/// Reads the data set that a configuration names: from its path if it has one, else one that is embedded.
///
/// # Errors
/// When the data set is not embedded and has no path, or cannot be read.
pub fn load_dataset(config: &DataConfig) -> Result<Dataset, TrainError> {
    match (&config.path, config.name.as_str()) {
        (Some(path), _) => Ok(parquet::read(Path::new(path))?),
        (None, "digits") => Ok(digits()),
        (None, name) => Err(TrainError::DataPath { name: name.to_owned() }),
    }
}

impl TrainingData {
    /// Makes the bags of section 4.1: from the training split (or a subset of it) some instances are set aside,
    /// the same for every bag size, and both parts are cut into bags.
    ///
    /// # Errors
    /// When the training split has no labels to count, or no bag can be made, or the augmentation does not suit
    /// the data.
    pub fn new(dataset: Dataset, config: &RunConfig) -> Result<Self, TrainError> {
        check_augmentation(&dataset, config)?;
        let fingerprint = dataset.fingerprint();
        let Dataset { name, class_names, train: Split { images, labels }, test, .. } = dataset;
        let labels = labels.ok_or(TrainError::NoLabels { name })?;
        let limit = config.data.train_limit.unwrap_or(images.len());
        let instances = subset(images.len() as u32, limit, config.data.split_seed);
        let split = hold_out(&instances, config.data.held_out, config.data.split_seed)?;
        let bags = |instances: &[u32]| -> Result<BagSet, TrainError> {
            let partition = partition(instances, config.bags.size, config.bags.seed)?;
            Ok(BagSet::from_partition(Arc::clone(&images), &partition, &labels)?)
        };
        Ok(Self {
            bags: bags(&split.train)?,
            held_out: (split.held_out.len() >= config.bags.size)
                .then(|| bags(&split.held_out))
                .transpose()?,
            n_held_out: split.held_out.len(),
            normalization: Normalization::from_instances(&images, &split.train)?,
            test_images: test.images,
            test_labels: test.labels,
            class_names,
            fingerprint,
        })
    }
}

fn check_augmentation(dataset: &Dataset, config: &RunConfig) -> Result<(), TrainError> {
    if config.augment.mirror && !dataset.mirror_preserves_class {
        return Err(TrainError::Mirror { name: dataset.name.clone() });
    }
    let [height, width, _] = dataset.train.images.shape();
    let shift = config.augment.shift;
    if shift >= height.min(width) || u8::try_from(shift).is_err() {
        return Err(TrainError::Shift { shift, height, width });
    }
    Ok(())
}
