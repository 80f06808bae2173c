//! What bags are made of: images, or rows of features.

use serde::{Deserialize, Serialize};

use crate::augment::prepare_images;
use crate::{BagError, EpochAugmentation, Features, Images, Normalization};

/// Instances of one kind and shape. Everything in this crate names one by its position.
#[derive(Clone, Debug, PartialEq)]
pub enum Instances {
    /// Images of one size.
    Images(Images),
    /// Rows of numbers.
    Features(Features),
}

/// The shape of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceShape {
    /// An image: height, width, channels.
    #[serde(rename = "image_shape")]
    Image([usize; 3]),
    /// A row of this many numbers.
    #[serde(rename = "n_columns")]
    Features(usize),
}

impl InstanceShape {
    /// The values of one instance.
    pub fn n_values(self) -> usize {
        match self {
            Self::Image(sides) => sides.iter().product(),
            Self::Features(n_columns) => n_columns,
        }
    }
}

impl std::fmt::Display for InstanceShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image([height, width, channels]) => write!(f, "images of {height}x{width}x{channels}"),
            Self::Features(n_columns) => write!(f, "rows of {n_columns} columns"),
        }
    }
}

impl Instances {
    /// The number of instances.
    pub fn len(&self) -> usize {
        match self {
            Self::Images(images) => images.len(),
            Self::Features(features) => features.len(),
        }
    }

    /// Whether there is no instance.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of every instance.
    pub fn shape(&self) -> InstanceShape {
        match self {
            Self::Images(images) => InstanceShape::Image(images.shape()),
            Self::Features(features) => InstanceShape::Features(features.n_columns()),
        }
    }

    /// The ids of all instances, in order.
    pub fn ids(&self) -> Vec<u32> {
        (0..self.len() as u32).collect()
    }

    /// The images, if they are images.
    pub fn as_images(&self) -> Option<&Images> {
        match self {
            Self::Images(images) => Some(images),
            Self::Features(_) => None,
        }
    }

    /// The rows, if they are rows of features.
    pub fn as_features(&self) -> Option<&Features> {
        match self {
            Self::Images(_) => None,
            Self::Features(features) => Some(features),
        }
    }
}

impl From<Images> for Instances {
    fn from(images: Images) -> Self {
        Self::Images(images)
    }
}

impl From<Features> for Instances {
    fn from(features: Features) -> Self {
        Self::Features(features)
    }
}

/// Writes instances as a network sees them: augmented if asked for, normalized, as `f32`.
///
/// `out` holds one instance after the other, in the order of `instances`. Images become
/// `[instance, height, width, channel]`, with `(pixel / 255 - mean[channel]) / std[channel]`; features become
/// `[instance, column]`, with `(value - mean[column]) / std[column]`, and are not augmented. The draw of an instance
/// depends on the seed and the epoch of `augmentation` and on the instance id only, and the work is shared among
/// rayon's threads, so neither the batch nor the number of threads changes a value.
///
/// # Errors
/// [`BagError::ChannelCount`], [`BagError::InstanceOutOfRange`], [`BagError::BufferLength`].
pub fn prepare(
    data: &Instances,
    instances: &[u32],
    augmentation: Option<&EpochAugmentation>,
    normalization: &Normalization,
    out: &mut [f32],
) -> Result<(), BagError> {
    match data {
        Instances::Images(images) => prepare_images(images, instances, augmentation, normalization, out),
        Instances::Features(features) => features.prepare(instances, normalization, out),
    }
}

/// Checks that every instance id names one of `n_instances` instances.
///
/// # Errors
/// [`BagError::InstanceOutOfRange`] with the first offender.
pub(crate) fn check_instances(instances: &[u32], n_instances: usize) -> Result<(), BagError> {
    match instances.iter().find(|&&instance| instance as usize >= n_instances) {
        None => Ok(()),
        Some(&instance) => Err(BagError::InstanceOutOfRange { instance, n_instances }),
    }
}
