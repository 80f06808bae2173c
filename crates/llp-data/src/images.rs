//! Images of one size, as bytes.

use std::ops::Range;

use crate::{DataError, Shared};

/// Images of one size, 8 bits a channel, in one block: `[instance, height, width, channel]`. The block is in memory, or
/// in a file that is mapped into it; clones share it.
///
/// The position of an image is its id: everything names images by it.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    height: usize,
    width: usize,
    channels: usize,
    pixels: Shared<u8>, // [instance, height, width, channel]
}

impl Images {
    /// Images of `height` x `width` x `channels` from `pixels`, `[instance, height, width, channel]`.
    ///
    /// # Errors
    /// A side is zero, the pixels are not a whole number of images, or ids of images would exceed 32 bits.
    ///
    /// ```
    /// let images = llp_data::Images::new(2, 3, 1, vec![0; 12])?;
    /// assert_eq!((images.len(), images.shape()), (2, [2, 3, 1]));
    /// # Ok::<(), llp_data::DataError>(())
    /// ```
    pub fn new(height: usize, width: usize, channels: usize, pixels: Vec<u8>) -> Result<Self, DataError> {
        Self::of([height, width, channels], pixels.into())
    }

    /// As [`new`](Self::new), wherever the pixels are.
    pub(crate) fn of([height, width, channels]: [usize; 3], pixels: Shared<u8>) -> Result<Self, DataError> {
        let image_len = height.saturating_mul(width).saturating_mul(channels);
        if image_len == 0 {
            return Err(DataError::new(format!("images of {height}x{width}x{channels} have no pixels"))
                .remedy("height, width and channels must be at least 1"));
        }
        if !pixels.len().is_multiple_of(image_len) {
            let got = pixels.len();
            return Err(DataError::new(format!(
                "{got} bytes of pixels are not a whole number of images of {height}x{width}x{channels}"
            )));
        }
        let n_images = pixels.len() / image_len;
        if u32::try_from(n_images).is_err() {
            return Err(DataError::new(format!("{n_images} instances in one split"))
                .remedy(format!("at most {} are possible", u32::MAX)));
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

    /// Says that some images will be read now, so that the system fetches them, if they are in a large file.
    ///
    /// # Panics
    /// If there is no such instance in that file, as for a slice.
    pub fn will_need(&self, instances: &[u32]) {
        self.pixels.will_need_parts(instances, self.image_len());
    }

    /// Some images that follow each other, in the same memory. Ids of their own count from 0.
    ///
    /// # Panics
    /// If there are no such images, as for a slice.
    #[must_use]
    pub fn part(&self, instances: Range<u32>) -> Self {
        let byte = |instance: u32| instance as usize * self.image_len();
        let pixels = self.pixels.part(byte(instances.start)..byte(instances.end));
        Self { pixels, ..*self }
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
