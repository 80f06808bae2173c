//! Data sets of labelled images.

#[cfg(feature = "table")]
use std::path::Path;

#[cfg(feature = "table")]
use crate::{DataError, Labels, cifar, npz, shards};
use crate::{DataNote, Images};

/// Images with labels, for training and for testing.
#[derive(Debug, Clone)]
pub struct ImageSet {
    /// A short name for people.
    pub name: String,
    /// The name of each class.
    pub class_names: Vec<String>,
    /// Whether an image mirrored left to right still shows its class, as far as that is known.
    pub mirror_preserves_class: bool,
    /// The training split.
    pub train: LabeledImages,
    /// The test split; without images if there is none.
    pub test: LabeledImages,
    /// What people should know of it.
    pub notes: Vec<DataNote>,
}

/// Images, and the class of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabeledImages {
    /// The images.
    pub images: Images,
    /// One label for each, `[image]`.
    pub labels: Vec<u32>,
}

impl ImageSet {
    /// Reads the data set at `path`, whatever it is: an archive or folder of CIFAR's binary files, a folder of Parquet
    /// files, or an archive of NumPy arrays.
    ///
    /// # Errors
    /// Those of [`cifar::read`], [`shards::read`] and [`npz::read`].
    #[cfg(feature = "table")]
    pub fn open(path: &Path, labels: Labels) -> Result<Self, DataError> {
        if npz::is_npz(path) {
            npz::read(path)
        } else if !path.is_dir() || cifar::is_in(path)? {
            cifar::read(path, labels)
        } else {
            shards::read(path, labels)
        }
    }
}

/// Whether a class of this name is a sign, whose mirror image is another one.
pub fn is_sign(class_name: &str) -> bool {
    class_name.parse::<f64>().is_ok() || class_name.chars().count() == 1
}
