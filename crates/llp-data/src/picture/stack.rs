//! Images of one size on top of each other, gray ones and color ones.

use super::growing::Growing;
use super::{Decoded, PictureFacts};
use crate::{DataError, DataNote, Images};

/// Images of one size. Gray ones get three channels as soon as one has color, unless the number of channels is fixed.
#[derive(Debug)]
pub(crate) struct Stack {
    size: [usize; 2], // height, width
    fixed_channels: Option<usize>,
    channels: usize, // so far
    pixels: Growing,
    facts: PictureFacts,
}

impl Stack {
    pub(super) fn new(
        size: [usize; 2],
        fixed_channels: Option<usize>,
        pixels: Growing,
    ) -> Result<Self, DataError> {
        let channels = fixed_channels.unwrap_or(1);
        Images::new(size[0], size[1], channels, vec![])?; // the sides are possible
        Ok(Self { size, fixed_channels, channels, pixels, facts: PictureFacts::default() })
    }

    /// Height and width.
    pub(crate) fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Makes room for this many more images with as many channels as the first of them has.
    ///
    /// # Errors
    /// Memory is too short.
    pub(crate) fn reserve(&mut self, n_more: usize, channels: usize) -> Result<(), DataError> {
        self.widen(channels)?;
        self.pixels.reserve(self.len() + n_more, self.shape())
    }

    /// Takes the next image, which has the size of the others.
    ///
    /// # Errors
    /// Memory is too short, if there is no room, or it is the first with color.
    pub(crate) fn push(&mut self, decoded: Decoded) -> Result<(), DataError> {
        self.widen(decoded.shape[2])?;
        self.facts = self.facts.and(decoded.facts);
        let (n_images, shape) = (self.len() + 1, self.shape());
        self.pixels.push(&decoded.with_channels(self.channels).pixels, n_images, shape)
    }

    /// Takes a black image for one that is missing.
    ///
    /// # Errors
    /// Memory is too short, if there is no room.
    pub(crate) fn push_blank(&mut self) -> Result<(), DataError> {
        let (n_images, shape) = (self.len() + 1, self.shape());
        self.pixels.push(&vec![0; self.image_len()], n_images, shape)
    }

    /// Says that some images are in files of their own.
    pub(crate) fn has_files(&mut self) {
        self.pixels.has_files();
    }

    /// The number of images.
    pub(crate) fn len(&self) -> usize {
        self.pixels.len() / self.image_len()
    }

    /// Channels so far.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// What the images had.
    pub(crate) fn facts(&self) -> PictureFacts {
        self.facts
    }

    /// All images, in the order in which they came.
    pub(crate) fn into_images(self) -> Result<Images, DataError> {
        let (shape, facts) = (self.shape(), self.facts);
        self.pixels.finish(shape, facts)
    }

    fn shape(&self) -> [usize; 3] {
        [self.size[0], self.size[1], self.channels]
    }

    fn image_len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Gives all images three channels if one that comes has them.
    ///
    /// # Errors
    /// Memory is too short.
    pub(crate) fn widen(&mut self, channels: usize) -> Result<(), DataError> {
        if self.fixed_channels.is_some() || channels <= self.channels {
            return Ok(());
        }
        self.pixels.widen([self.size[0], self.size[1], channels])?;
        self.channels = channels;
        Ok(())
    }
}

/// Says so if all images are the same, and there are several.
pub(crate) fn alike(images: &Images) -> Option<DataNote> {
    let n_images = images.len();
    let mut each = images.pixels().chunks_exact(images.image_len());
    let first = each.next();
    (n_images > 1 && each.all(|image| Some(image) == first)).then_some(DataNote::Alike { n_images })
}
