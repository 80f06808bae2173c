//! Where images and labels come from.

pub mod digits;

#[cfg(feature = "table")]
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "table")]
use llp_data::{DataError, ImageSet, LabeledImages, Labels};

use crate::check::check_labels;
use crate::{DataNote, Instances, LabelOracle};

/// A data set for classification: images or features for training and for testing.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// A short name for people.
    pub name: String,
    /// The name of each class.
    pub class_names: Vec<String>,
    /// Whether an image mirrored left to right still shows its class: true of animals, false of digits.
    pub mirror_preserves_class: bool,
    /// What bags are made of.
    pub train: Split,
    /// What accuracy is measured on.
    pub test: Split,
    /// What people should know of it.
    pub notes: Vec<DataNote>,
}

/// Reads the data set at `path`, whatever it is: see [`ImageSet::open`].
///
/// # Errors
/// Files that cannot be read, or hold no such data.
#[cfg(feature = "table")]
pub fn open(path: &Path, labels: Labels) -> Result<Dataset, DataError> {
    ImageSet::open(path, labels)?.try_into()
}

/// From here on, labels are kept by oracles. A split without images has none.
#[cfg(feature = "table")]
impl TryFrom<ImageSet> for Dataset {
    type Error = DataError;

    fn try_from(set: ImageSet) -> Result<Self, DataError> {
        let n_classes = set.class_names.len();
        let split = |LabeledImages { images, labels }: LabeledImages| {
            if images.is_empty() {
                Ok(Split::unlabeled(images))
            } else {
                Split::labeled(images, LabelOracle::new(labels, n_classes)?)
            }
        };
        Ok(Self {
            name: set.name,
            mirror_preserves_class: set.mirror_preserves_class,
            train: split(set.train)?,
            test: split(set.test)?,
            class_names: set.class_names,
            notes: set.notes,
        })
    }
}

/// One part of a data set.
#[derive(Clone, Debug)]
pub struct Split {
    /// Images, or rows of features.
    pub instances: Arc<Instances>,
    /// Their labels, where they exist.
    pub labels: Option<LabelOracle>,
}

impl Split {
    /// Instances with a label each.
    ///
    /// # Errors
    /// There is not one label for each instance.
    pub fn labeled(instances: impl Into<Instances>, labels: LabelOracle) -> Result<Self, DataError> {
        let instances = instances.into();
        check_labels(instances.len(), labels.len())?;
        Ok(Self { instances: Arc::new(instances), labels: Some(labels) })
    }

    /// Instances alone.
    pub fn unlabeled(instances: impl Into<Instances>) -> Self {
        Self { instances: Arc::new(instances.into()), labels: None }
    }
}

impl Dataset {
    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.class_names.len()
    }

    /// A hash of the content that identifies the data wherever it is stored: class names, and shape, pixels or
    /// numbers, and labels of both splits. 64 hexadecimal digits of BLAKE3.
    ///
    /// Reads all of them, at about the speed of memory.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("llp-bags data set fingerprint, version 1");
        hash_len(&mut hasher, self.class_names.len());
        for name in &self.class_names {
            hash_len(&mut hasher, name.len());
            hasher.update(name.as_bytes());
        }
        for split in [&self.train, &self.test] {
            hash_split(&mut hasher, split);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Every part is preceded by its length, so that different contents never make equal streams.
fn hash_split(hasher: &mut blake3::Hasher, split: &Split) {
    match &*split.instances {
        Instances::Images(images) => {
            for side in images.shape() {
                hash_len(hasher, side);
            }
            hash_len(hasher, images.len());
            hasher.update(images.pixels());
        }
        Instances::Features(features) => {
            hash_len(hasher, 0); // no image has such a height
            hash_len(hasher, features.n_columns());
            hash_len(hasher, features.len());
            for row in features.values().chunks(features.n_columns()) {
                let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
                hasher.update(&bytes);
            }
        }
    }
    match &split.labels {
        None => hash_len(hasher, 0),
        Some(oracle) => {
            hash_len(hasher, oracle.len());
            let bytes: Vec<u8> = oracle.labels().iter().flat_map(|label| label.to_le_bytes()).collect();
            hasher.update(&bytes);
        }
    }
}

pub(crate) fn hash_len(hasher: &mut blake3::Hasher, len: usize) {
    hasher.update(&(len as u64).to_le_bytes());
}
