//! Data sets of labelled images.

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

/// Whether a class of this name is a sign, whose mirror image is another one.
pub fn is_sign(class_name: &str) -> bool {
    class_name.parse::<f64>().is_ok() || class_name.chars().count() == 1
}
