//! Images of one size on top of each other, gray ones and color ones.

use super::{Decoded, PictureFacts, in_three_channels};
use crate::{DataError, DataNote, Images, memory};

/// Images of one size. Gray ones get three channels as soon as one has color, unless the number of channels is fixed.
#[derive(Debug)]
pub(crate) struct Stack {
    size: [usize; 2], // height, width
    fixed_channels: Option<usize>,
    channels: usize, // so far
    pixels: Vec<u8>, // [image, height, width, channel]
    facts: PictureFacts,
}

impl Stack {
    pub(crate) fn new(size: [usize; 2], fixed_channels: Option<usize>) -> Result<Self, DataError> {
        let channels = fixed_channels.unwrap_or(1);
        Images::new(size[0], size[1], channels, vec![])?; // the sides are possible
        Ok(Self { size, fixed_channels, channels, pixels: vec![], facts: PictureFacts::default() })
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
        let n_images = self.len() + n_more;
        let [height, width] = self.size;
        memory::reserve(&mut self.pixels, n_images, [height, width, self.channels])
    }

    /// Takes the next image, which has the size of the others.
    ///
    /// # Errors
    /// Memory is too short, if there is no room, or it is the first with color.
    pub(crate) fn push(&mut self, decoded: Decoded) -> Result<(), DataError> {
        self.widen(decoded.shape[2])?;
        self.facts = self.facts.and(decoded.facts);
        let ([height, width], n_images) = (self.size, self.len() + 1);
        memory::grow(&mut self.pixels, n_images, [height, width, self.channels])?;
        self.pixels.extend(decoded.with_channels(self.channels).pixels);
        Ok(())
    }

    /// Takes a black image for one that is missing.
    pub(crate) fn push_blank(&mut self) {
        let len = self.pixels.len() + self.image_len();
        self.pixels.resize(len, 0);
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

    /// What people should know of them.
    pub(crate) fn notes(&self) -> Vec<DataNote> {
        let mut notes = self.facts.notes(self.channels);
        notes.extend(self.alike());
        notes
    }

    /// All images, in the order in which they came.
    pub(crate) fn into_images(self) -> Result<Images, DataError> {
        let [height, width] = self.size;
        Images::new(height, width, self.channels, self.pixels)
    }

    fn image_len(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }

    /// Says so if all images are the same.
    pub(crate) fn alike(&self) -> Option<DataNote> {
        alike(&self.pixels, self.image_len())
    }

    /// Gives all images three channels if one that comes has them.
    ///
    /// # Errors
    /// Memory is too short.
    pub(crate) fn widen(&mut self, channels: usize) -> Result<(), DataError> {
        if self.fixed_channels.is_some() || channels <= self.channels {
            return Ok(());
        }
        let [height, width] = self.size;
        let n_images = self.pixels.capacity() / self.image_len();
        memory::check(n_images, [height, width, channels])?;
        let mut wide = Vec::new();
        memory::reserve(&mut wide, n_images, [height, width, channels])?;
        wide.extend(in_three_channels(&self.pixels));
        (self.channels, self.pixels) = (channels, wide);
        Ok(())
    }
}

/// Says so if all images of `image_len` values each are the same, and there are several.
pub(crate) fn alike(pixels: &[u8], image_len: usize) -> Option<DataNote> {
    let mut images = pixels.chunks_exact(image_len);
    let (n_images, first) = (images.len(), images.next());
    (n_images > 1 && images.all(|image| Some(image) == first)).then_some(DataNote::Alike { n_images })
}
