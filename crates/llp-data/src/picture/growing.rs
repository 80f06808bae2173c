//! Pixels that grow image by image.

use super::{PictureFacts, in_three_channels};
use crate::cache::Builder;
use crate::{DataError, Images, memory};

/// Pixels of images, `[image, height, width, channel]`, in memory or in a file of the cache.
#[derive(Debug)]
pub(super) enum Growing {
    Memory(Vec<u8>),
    File(Box<Builder>),
}

impl Growing {
    /// The bytes so far.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Memory(pixels) => pixels.len(),
            Self::File(builder) => builder.len(),
        }
    }

    /// Makes room for `n_images` images of this shape in all.
    ///
    /// # Errors
    /// Memory, or the disk, is too short.
    pub(super) fn reserve(&mut self, n_images: usize, shape: [usize; 3]) -> Result<(), DataError> {
        match self {
            Self::Memory(pixels) => memory::reserve(pixels, n_images, shape),
            Self::File(builder) => builder.expect(n_images, shape),
        }
    }

    /// Takes the pixels of an image of this shape, the last of `n_images`.
    ///
    /// # Errors
    /// Memory, or the disk, is too short.
    pub(super) fn push(&mut self, image: &[u8], n_images: usize, shape: [usize; 3]) -> Result<(), DataError> {
        match self {
            Self::Memory(pixels) => {
                memory::grow(pixels, n_images, shape)?;
                pixels.extend_from_slice(image);
                Ok(())
            }
            Self::File(builder) => builder.push(image),
        }
    }

    /// Gives all images three channels in place of one; they are of this shape then.
    ///
    /// # Errors
    /// Memory, or the disk, is too short.
    pub(super) fn widen(&mut self, shape: [usize; 3]) -> Result<(), DataError> {
        match self {
            Self::Memory(pixels) => {
                let n_images = pixels.capacity() / (shape[0] * shape[1]);
                let mut wide = Vec::new();
                memory::reserve(&mut wide, n_images, shape)?;
                wide.extend(in_three_channels(pixels));
                *pixels = wide;
                Ok(())
            }
            Self::File(builder) => builder.widen(in_three_channels),
        }
    }

    /// Says that some images are in files of their own.
    pub(super) fn has_files(&mut self) {
        if let Self::File(builder) = self {
            builder.has_files();
        }
    }

    /// All images.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn finish(self, shape: [usize; 3], facts: PictureFacts) -> Result<Images, DataError> {
        match self {
            Self::Memory(pixels) => Images::new(shape[0], shape[1], shape[2], pixels),
            Self::File(builder) => builder.finish(shape, facts),
        }
    }
}
