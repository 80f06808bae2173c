//! The images of the shards of a split, decoded and put on each other.

use std::path::{Path, PathBuf};

use parquet::data_type::ByteArray;
use rayon::prelude::*;

use super::ParquetError;
use crate::picture::{Decoded, PictureError, Stack, decode};
use crate::{BagError, DataNote, Images, PictureFacts};

/// Images that are decoded at once, in parallel.
const N_AT_ONCE: usize = 1024;

/// An image as a row has it.
pub(super) enum Encoded {
    Bytes(ByteArray),
    /// In a file of its own.
    File(PathBuf),
}

impl Encoded {
    fn decode(&self, path: &Path, row: usize) -> Result<Decoded, ParquetError> {
        let broken = |source: PictureError| ParquetError::BrokenImage { path: path.to_owned(), row, source };
        match self {
            Self::Bytes(bytes) => decode(bytes.data()).map_err(broken),
            Self::File(file) => {
                let source = match fs_err::read(file) {
                    Ok(bytes) => return decode(&bytes).map_err(broken),
                    Err(source) => source,
                };
                Err(ParquetError::ImageFile { path: path.to_owned(), row, source })
            }
        }
    }
}

/// Images of one split after the other, of one size; those that cannot be read are listed.
#[derive(Default)]
pub(super) struct PictureRows {
    stacks: Vec<Stack>, // [split]; none before its first image
    n_expected: usize,
    is_new_split: bool,
    broken: Vec<ParquetError>,
}

impl PictureRows {
    /// Begins with the next split, of this many images.
    pub(super) fn begin_split(&mut self, n_expected: usize) {
        (self.n_expected, self.is_new_split) = (n_expected, true);
    }

    /// Decodes rows of the file `path`, of which the first is `first_row`.
    pub(super) fn append(
        &mut self,
        path: &Path,
        first_row: usize,
        encoded: &[Encoded],
    ) -> Result<(), BagError> {
        for (chunk, first) in encoded.chunks(N_AT_ONCE).zip((first_row..).step_by(N_AT_ONCE)) {
            let images = chunk.par_iter().enumerate();
            let decoded: Vec<_> = images.map(|(at, image)| image.decode(path, first + at)).collect();
            for (decoded, row) in decoded.into_iter().zip(first..) {
                self.push(path, row, decoded)?;
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        path: &Path,
        row: usize,
        decoded: Result<Decoded, ParquetError>,
    ) -> Result<(), BagError> {
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => {
                self.broken.push(error);
                return Ok(());
            }
        };
        let got = [decoded.shape[0], decoded.shape[1]];
        let expected = self.stacks.first().map_or(got, Stack::size);
        if got != expected {
            self.broken.push(ParquetError::ImageSize { path: path.to_owned(), row, expected, got });
            return Ok(());
        }
        if std::mem::take(&mut self.is_new_split) {
            let mut stack = Stack::new(got, None)?;
            stack.reserve(self.n_expected, decoded.shape[2])?;
            self.stacks.push(stack);
        }
        if let Some(stack) = self.stacks.last_mut() {
            stack.push(decoded)?;
        }
        Ok(())
    }

    /// The images of each split that has some, all with equally many channels, and what people should know of them.
    ///
    /// # Errors
    /// [`ParquetError::BrokenRows`], or the error of the only broken one.
    pub(super) fn into_images(mut self) -> Result<(Vec<Images>, Vec<DataNote>), BagError> {
        match self.broken.pop() {
            None => {}
            Some(only) if self.broken.is_empty() => return Err(only.into()),
            Some(last) => {
                self.broken.push(last);
                return Err(ParquetError::BrokenRows { all: self.broken }.into());
            }
        }
        let channels = self.stacks.iter().map(Stack::channels).max().unwrap_or(1);
        let mut facts = PictureFacts::default();
        for stack in &mut self.stacks {
            stack.widen(channels)?;
            facts = facts.and(stack.facts());
        }
        let mut notes = facts.notes(channels);
        notes.extend(self.stacks.first().and_then(Stack::alike));
        Ok((self.stacks.into_iter().map(Stack::into_images).collect::<Result<_, _>>()?, notes))
    }
}
