//! What bags are made of: images, or rows of features.

use serde::{Deserialize, Serialize};

use crate::{Features, Images};

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
