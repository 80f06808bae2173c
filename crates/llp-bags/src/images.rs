//! Images of one size, as bytes.

use crate::BagError;

/// Images of one size, 8 bits a channel, in one block of memory: `[instance, height, width, channel]`.
///
/// The position of an image is its instance id: everything in this crate names instances by it.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    height: usize,
    width: usize,
    channels: usize,
    pixels: Vec<u8>, // [instance, height, width, channel]
}

impl Images {
    /// Images of `height` x `width` x `channels` from `pixels`, `[instance, height, width, channel]`.
    ///
    /// # Errors
    /// [`BagError::ImageShape`] if a side is zero, [`BagError::PixelCount`] if the pixels are not a whole number of
    /// images, [`BagError::TooManyInstances`] if instance ids would exceed 32 bits.
    ///
    /// ```
    /// let images = llp_bags::Images::new(2, 3, 1, vec![0; 12])?;
    /// assert_eq!((images.len(), images.shape()), (2, [2, 3, 1]));
    /// # Ok::<(), llp_bags::BagError>(())
    /// ```
    pub fn new(height: usize, width: usize, channels: usize, pixels: Vec<u8>) -> Result<Self, BagError> {
        let image_len = height.saturating_mul(width).saturating_mul(channels);
        if image_len == 0 {
            return Err(BagError::ImageShape { height, width, channels });
        }
        if !pixels.len().is_multiple_of(image_len) {
            return Err(BagError::PixelCount { height, width, channels, got: pixels.len() });
        }
        let n_instances = pixels.len() / image_len;
        if u32::try_from(n_instances).is_err() {
            return Err(BagError::TooManyInstances { n_instances });
        }
        Ok(Self { height, width, channels, pixels })
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.image_len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// `[height, width, channels]` of every image.
    pub fn shape(&self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }

    /// The bytes of one image, `height * width * channels`.
    pub fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The pixels of one image, `[height, width, channel]`.
    ///
    /// # Panics
    /// If there is no such instance, as for a slice.
    pub fn image(&self, instance: u32) -> &[u8] {
        let start = instance as usize * self.image_len();
        &self.pixels[start..start + self.image_len()]
    }

    /// The pixels of all images, `[instance, height, width, channel]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [height, width, channels] = self.shape();
        write!(f, "Images({} of {height}x{width}x{channels})", self.len())
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
