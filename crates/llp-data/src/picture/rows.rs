//! The images of the rows of a table, or of files, decoded in parallel and put on top of each other.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::fault::Fault;
use super::{Decoded, PictureFacts, Stack, decode, decode_square};
use crate::error::Cause;
use crate::table::Cell;
use crate::{DataError, DataNote, Images, Place};

/// Images that are decoded at once, in parallel, at most: files are in memory that long.
const N_AT_ONCE: usize = 256;

/// Bytes of pixels that are decoded at once, unless one image has more.
const BYTES_AT_ONCE: usize = 1 << 28;

/// An image of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoded<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// In a file of its own.
    File(PathBuf),
    /// Nothing, in the column of this name.
    Missing(&'a str),
}

impl<'a> Encoded<'a> {
    /// The image of a row with these `bytes`, else in the file that the cell beside them names, from `folder`; `column`
    /// is that of the bytes.
    pub fn of(bytes: Option<&'a [u8]>, beside: Option<Cell<'_>>, folder: &Path, column: &'a str) -> Self {
        match (bytes, beside) {
            (Some(bytes), _) => Self::Bytes(bytes),
            (None, Some(Cell::Text(path))) => Self::File(folder.join(path)),
            (None, _) => Self::Missing(column),
        }
    }
}

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
    stack: Option<Stack>, // none before the first image
    n_expected: usize,
    n_before: usize,                 // broken images before the first that is none
    broken: Vec<(usize, DataError)>, // by image
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
        let mut pictures = Self { fit, stack: None, n_expected, n_before: 0, broken: vec![] };
        if let Fit::Square { side, channels } = fit {
            pictures.begin([side, side], channels.unwrap_or(1))?;
        }
        Ok(pictures)
    }

    fn begin(&mut self, size: [usize; 2], channels: usize) -> Result<&mut Stack, DataError> {
        let fixed = if let Fit::Square { channels, .. } = self.fit { channels } else { None };
        let mut stack = Stack::new(size, fixed)?;
        stack.reserve(self.n_expected, channels)?;
        for _ in 0..self.n_before {
            stack.push_blank();
        }
        Ok(self.stack.insert(stack))
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.stack.as_ref().map_or(self.n_before, Stack::len)
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Height and width of the images, as soon as they are known.
    pub fn size(&self) -> Option<[usize; 2]> {
        self.stack.as_ref().map(Stack::size)
    }

    /// The number of channels so far.
    pub fn channels(&self) -> usize {
        self.stack.as_ref().map_or(1, Stack::channels)
    }

    /// Makes room for more images.
    ///
    /// # Errors
    /// Memory does not hold them.
    pub fn reserve(&mut self, n_more: usize) -> Result<(), DataError> {
        let channels = self.channels();
        self.stack.as_mut().map_or(Ok(()), |stack| stack.reserve(n_more, channels))
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
        let (fit, n_at_once) = (self.fit, self.n_at_once());
        for first in (0..n).step_by(n_at_once) {
            let chunk: Range<usize> = first..(first + n_at_once).min(n);
            let decoded: Vec<_> =
                chunk.clone().into_par_iter().map(|at| read(&encoded(at), fit, || place(at))).collect();
            for (at, decoded) in chunk.zip(decoded) {
                self.push(decoded, || place(at))?;
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
                match &mut self.stack {
                    Some(stack) => stack.push(decoded),
                    None => self.begin([height, width], channels)?.push(decoded),
                }
            }
            Err(error) => {
                self.broken.push((self.len(), error));
                match &mut self.stack {
                    Some(stack) => stack.push_blank(),
                    None => self.n_before += 1,
                }
                Ok(())
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
        self.stack.as_mut().map_or(Ok(()), |stack| stack.widen(channels))
    }

    /// What the images had.
    pub(crate) fn facts(&self) -> PictureFacts {
        self.stack.as_ref().map_or_else(PictureFacts::default, Stack::facts)
    }

    /// Says so if all images are the same.
    pub(crate) fn alike(&self) -> Option<DataNote> {
        self.stack.as_ref().and_then(Stack::alike)
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
        let notes = self.stack.as_ref().map_or(vec![], Stack::notes);
        Ok((self.images()?, notes))
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
            (Some(stack), _) => stack.into_images(),
            (None, Fit::Same { size: Some([height, width]) }) => Images::new(height, width, 1, vec![]),
            (None, _) => Images::new(1, 1, 1, vec![]),
        }
    }
}

fn read(
    encoded: &Encoded<'_>,
    fit: Fit,
    place: impl FnOnce() -> Option<Place>,
) -> Result<Decoded, DataError> {
    let decoded = |bytes: &[u8]| match fit {
        Fit::Square { side, channels } => decode_square(bytes, side, channels),
        Fit::Same { .. } => decode(bytes),
    };
    match encoded {
        Encoded::Bytes(bytes) => decoded(bytes).map_err(|fault| broken(place(), None, &fault)),
        Encoded::File(path) => match fs_err::read(path) {
            Ok(bytes) => decoded(&bytes).map_err(|fault| broken(place(), Some(path), &fault)),
            Err(error) => Err(not_there(place(), path, error)),
        },
        Encoded::Missing(column) => {
            let error = match place() {
                Some(place) => DataError::at(place, "is empty"),
                None => DataError::new("is empty"),
            };
            Err(error.in_column(column).remedy("fill it in, or drop the row"))
        }
    }
}

fn broken(place: Option<Place>, path: Option<&Path>, fault: &Fault) -> DataError {
    let Fault(fault) = fault;
    match (place, path) {
        (Some(place), path) => {
            let name = path.map_or(String::new(), |path| format!(" {}", path.display()));
            DataError::at(place, format!("the image{name} cannot be decoded: {fault}"))
                .remedy("replace it, or drop the row")
        }
        (None, path) => {
            let path = path.unwrap_or(Path::new("image"));
            DataError::of(path, format!("cannot be decoded: {fault}")).remedy("replace it, or leave it out")
        }
    }
}

fn not_there(place: Option<Place>, path: &Path, error: std::io::Error) -> DataError {
    let hint = if error.kind() == ErrorKind::NotFound { hint(path) } else { "" };
    match place {
        Some(place) => DataError::at(place, error.to_string())
            .remedy(format!("paths are taken from the folder of the table{hint}"))
            .because(Cause::Io(error)),
        None => error.into(),
    }
}

/// Why a file of this path is probably not found.
fn hint(path: &Path) -> &'static str {
    let path = path.to_string_lossy();
    if path.contains("://") || path.contains(":/") {
        "; addresses are not fetched: put the files beside the table"
    } else if path.contains('\\') {
        r"; separate folders by / in place of \"
    } else {
        ""
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
