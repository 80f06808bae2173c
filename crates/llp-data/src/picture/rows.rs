//! The images of the rows of a table, or of files, decoded in parallel and put on top of each other.

use std::ops::Range;

use rayon::prelude::*;

use super::encoded::{Encoded, read};
use super::growing::Growing;
use super::stack::alike;
use super::{Decoded, PictureFacts, Stack};
use crate::cache::{self, Cache, Entry, Key, Slot};
use crate::{DataError, DataNote, Images, Place};

/// Images that are decoded at once, in parallel, at most: files are in memory that long.
const N_AT_ONCE: usize = 256;

/// Bytes of pixels that are decoded at once, unless one image has more.
const BYTES_AT_ONCE: usize = 1 << 28;

/// What sizes images get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// All are resized to squares; with a number of channels, 1 or 3, they get as many.
    Square {
        /// Height and width.
        side: usize,
        /// 1 or 3; else 3 if any has color.
        channels: Option<usize>,
    },
    /// All must have one height and width; that of the first if it is not given.
    Same {
        /// Height and width.
        size: Option<[usize; 2]>,
    },
}

/// Images on top of each other. Those that cannot be read are black, and are listed.
#[derive(Debug)]
pub struct Pictures {
    fit: Fit,
    stack: Stacked,
    n_expected: usize,
    broken: Vec<(usize, DataError)>, // by image
}

/// What there is of the images.
#[derive(Debug)]
enum Stacked {
    /// Nothing so far but broken ones, so many; and where the pixels will go.
    Nothing(usize, Growing),
    /// Their pixels.
    Some(Stack),
    /// All that will come, from the cache, and how many of them have come.
    Known(Entry, usize),
}

/// Images, those that can be read.
#[derive(Debug)]
pub struct ReadImages {
    /// One for each; black where it cannot be read.
    pub images: Images,
    /// What is wrong with those that cannot be read, by their numbers, ascending.
    pub broken: Vec<(usize, DataError)>,
    /// What the images had.
    pub facts: PictureFacts,
}

impl Pictures {
    /// No image so far, and room for `n_expected` of them.
    ///
    /// # Errors
    /// Images of such a size cannot be, or memory does not hold them.
    pub fn new(fit: Fit, n_expected: usize) -> Result<Self, DataError> {
        Self::growing(fit, n_expected, Growing::Memory(vec![]))
    }

    /// As [`new`](Self::new), but if this program has a cache ([`set_cache`](cache::set_cache)), the images of this `key`
    /// come from there, or go there. Then no image needs to be decoded, and [`is_known`](Self::is_known).
    ///
    /// # Errors
    /// Those of [`new`](Self::new); the cache cannot be used.
    pub fn cached(fit: Fit, n_expected: usize, key: Option<&Key>) -> Result<Self, DataError> {
        match (cache::current(), key) {
            (Some(cache), Some(key)) => Self::of_cache(fit, n_expected, cache, key),
            _ => Self::new(fit, n_expected),
        }
    }

    pub(crate) fn of_cache(fit: Fit, n_expected: usize, cache: &Cache, key: &Key) -> Result<Self, DataError> {
        let shape = match fit {
            Fit::Square { side, channels } => Some([side, side, channels.unwrap_or(3)]),
            Fit::Same { .. } => None,
        };
        match cache.open(key, n_expected, shape)? {
            Slot::Found(entry) => {
                Ok(Self { fit, stack: Stacked::Known(entry, 0), n_expected, broken: vec![] })
            }
            Slot::Empty(builder) => Self::growing(fit, n_expected, Growing::File(builder)),
            Slot::Unused => Self::new(fit, n_expected),
        }
    }

    fn growing(fit: Fit, n_expected: usize, pixels: Growing) -> Result<Self, DataError> {
        let mut pictures = Self { fit, stack: Stacked::Nothing(0, pixels), n_expected, broken: vec![] };
        if let Fit::Square { side, channels } = fit {
            pictures.begin([side, side], channels.unwrap_or(1))?;
        }
        Ok(pictures)
    }

    /// The stack, which begins now if it has not.
    fn begin(&mut self, size: [usize; 2], channels: usize) -> Result<Option<&mut Stack>, DataError> {
        if let Stacked::Nothing(n_before, pixels) = &mut self.stack {
            let fixed = if let Fit::Square { channels, .. } = self.fit { channels } else { None };
            let pixels = std::mem::replace(pixels, Growing::Memory(vec![]));
            let mut stack = Stack::new(size, fixed, pixels)?;
            stack.reserve(self.n_expected, channels)?;
            for _ in 0..*n_before {
                stack.push_blank()?;
            }
            self.stack = Stacked::Some(stack);
        }
        Ok(self.stack_mut())
    }

    fn stack(&self) -> Option<&Stack> {
        if let Stacked::Some(stack) = &self.stack { Some(stack) } else { None }
    }

    fn stack_mut(&mut self) -> Option<&mut Stack> {
        if let Stacked::Some(stack) = &mut self.stack { Some(stack) } else { None }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        match &self.stack {
            Stacked::Nothing(n, _) | Stacked::Known(_, n) => *n,
            Stacked::Some(stack) => stack.len(),
        }
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all images that will come are in the cache: what [`append`](Self::append) gets is only counted.
    pub fn is_known(&self) -> bool {
        matches!(self.stack, Stacked::Known(..))
    }

    /// Height and width of the images, as soon as they are known.
    pub fn size(&self) -> Option<[usize; 2]> {
        match &self.stack {
            Stacked::Known(entry, _) => {
                let [height, width, _] = entry.images.shape();
                Some([height, width])
            }
            _ => self.stack().map(Stack::size),
        }
    }

    /// The number of channels so far.
    pub fn channels(&self) -> usize {
        match &self.stack {
            Stacked::Known(entry, _) => entry.images.shape()[2],
            _ => self.stack().map_or(1, Stack::channels),
        }
    }

    /// Makes room for more images.
    ///
    /// # Errors
    /// Memory does not hold them.
    pub fn reserve(&mut self, n_more: usize) -> Result<(), DataError> {
        let channels = self.channels();
        self.stack_mut().map_or(Ok(()), |stack| stack.reserve(n_more, channels))
    }

    /// Decodes the next `n` images: what `encoded` has of each by its number from 0, at `place`. Files without a place
    /// are named by their paths alone.
    ///
    /// # Errors
    /// Memory does not hold them. Images that cannot be read are kept: see [`into_images`](Self::into_images).
    pub fn append<'a>(
        &mut self,
        n: usize,
        encoded: impl Fn(usize) -> Encoded<'a> + Sync,
        place: impl Fn(usize) -> Option<Place> + Sync,
    ) -> Result<(), DataError> {
        if let Stacked::Known(_, n_so_far) = &mut self.stack {
            *n_so_far += n;
            return Ok(());
        }
        let (fit, n_at_once) = (self.fit, self.n_at_once());
        for first in (0..n).step_by(n_at_once) {
            let chunk: Range<usize> = first..(first + n_at_once).min(n);
            let decoded: Vec<_> =
                chunk.clone().into_par_iter().map(|at| read(&encoded(at), fit, || place(at))).collect();
            for (at, decoded) in chunk.clone().zip(decoded) {
                self.push(decoded, || place(at))?;
            }
            if chunk.into_iter().any(|at| matches!(encoded(at), Encoded::File(_)))
                && let Some(stack) = self.stack_mut()
            {
                stack.has_files();
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        decoded: Result<Decoded, DataError>,
        place: impl Fn() -> Option<Place>,
    ) -> Result<(), DataError> {
        let expected = match self.fit {
            Fit::Square { side, .. } => Some([side, side]),
            Fit::Same { size } => self.size().or(size),
        };
        let fitting = decoded.and_then(|decoded| {
            let got = [decoded.shape[0], decoded.shape[1]];
            match expected.filter(|&expected| expected != got) {
                None => Ok(decoded),
                Some(expected) => Err(other_size(place(), expected, got)),
            }
        });
        match fitting {
            Ok(decoded) => {
                let [height, width, channels] = decoded.shape;
                self.begin([height, width], channels)?.map_or(Ok(()), |stack| stack.push(decoded))
            }
            Err(error) => {
                self.broken.push((self.len(), error));
                match &mut self.stack {
                    Stacked::Some(stack) => stack.push_blank(),
                    Stacked::Nothing(n, _) | Stacked::Known(_, n) => {
                        *n += 1;
                        Ok(())
                    }
                }
            }
        }
    }

    fn n_at_once(&self) -> usize {
        let side = if let Fit::Square { side, .. } = self.fit { side } else { 1 };
        (BYTES_AT_ONCE / side.saturating_mul(side).saturating_mul(3).max(1)).clamp(1, N_AT_ONCE)
    }

    /// Gives all images as many channels.
    ///
    /// # Errors
    /// Memory does not hold them.
    pub(crate) fn widen(&mut self, channels: usize) -> Result<(), DataError> {
        self.stack_mut().map_or(Ok(()), |stack| stack.widen(channels))
    }

    /// What the images had.
    pub(crate) fn facts(&self) -> PictureFacts {
        match &self.stack {
            Stacked::Known(entry, _) => entry.facts,
            _ => self.stack().map_or_else(PictureFacts::default, Stack::facts),
        }
    }

    /// The images that cannot be read, in their order, which are no longer kept here.
    pub(crate) fn take_broken(&mut self) -> Vec<DataError> {
        std::mem::take(&mut self.broken).into_iter().map(|(_, error)| error).collect()
    }

    /// All images, in the order in which they came, and what people should know of them.
    ///
    /// # Errors
    /// Every image that cannot be read, as [`DataError::several`].
    pub fn into_images(mut self) -> Result<(Images, Vec<DataNote>), DataError> {
        if let Some(error) = DataError::all(self.take_broken()) {
            return Err(error);
        }
        let (facts, channels) = (self.facts(), self.channels());
        let images = self.images()?;
        let notes = facts.notes(channels).into_iter().chain(alike(&images)).collect();
        Ok((images, notes))
    }

    /// All images with the broken ones, which are black, by their numbers; and what all had.
    ///
    /// # Errors
    /// None but those of [`Images::new`].
    pub fn into_read(mut self) -> Result<ReadImages, DataError> {
        let (broken, facts) = (std::mem::take(&mut self.broken), self.facts());
        Ok(ReadImages { images: self.images()?, broken, facts })
    }

    pub(crate) fn images(self) -> Result<Images, DataError> {
        match (self.stack, self.fit) {
            (Stacked::Some(stack), _) => stack.into_images(),
            (Stacked::Known(entry, n), _) => entry.into_images(n),
            (_, Fit::Same { size: Some([height, width]) }) => Images::new(height, width, 1, vec![]),
            _ => Images::new(1, 1, 1, vec![]),
        }
    }
}

fn other_size(place: Option<Place>, expected: [usize; 2], got: [usize; 2]) -> DataError {
    let problem = format!(
        "the image has {}x{} pixels (height x width), the first image {}x{}",
        got[0], got[1], expected[0], expected[1]
    );
    let error = match place {
        Some(place) => DataError::at(place, problem),
        None => DataError::new(problem),
    };
    error.remedy("all must have one size")
}
