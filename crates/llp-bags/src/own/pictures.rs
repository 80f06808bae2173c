//! Images of any size and color, as squares of one size with one number of channels.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{OwnError, ReadImages};
use crate::picture::{Decoded, PictureError, Stack, decode_square};
use crate::table::{Place, TableError};
use crate::{DataNote, Images};

/// Images that are decoded at once, in parallel, at most: encoded ones are in memory that long.
const N_AT_ONCE: usize = 256;

/// Bytes of pixels that are decoded at once, unless one image has more.
const BYTES_AT_ONCE: usize = 1 << 28;

/// Decoded images. Those that cannot be read are black, and are listed.
#[derive(Debug)]
pub(super) struct Pictures {
    stack: Stack,
    fixed_channels: Option<usize>,
    waiting: Vec<(Place, Vec<u8>)>,
    elsewhere: Vec<(usize, Place)>, // images without bytes, whose paths may be known
    paths: HashMap<usize, String>,  // by image
    broken: Vec<(usize, OwnError)>, // by image
}

impl Pictures {
    pub(super) fn new(side: usize, fixed_channels: Option<usize>) -> Result<Self, OwnError> {
        Ok(Self {
            stack: Stack::new([side, side], fixed_channels)?,
            fixed_channels,
            waiting: vec![],
            elsewhere: vec![],
            paths: HashMap::new(),
            broken: vec![],
        })
    }

    /// Takes the next image, encoded.
    pub(super) fn push(&mut self, place: Place, encoded: &[u8]) -> Result<(), OwnError> {
        self.paths.remove(&self.len());
        self.waiting.push((place, encoded.to_owned()));
        if self.waiting.len() == self.n_at_once() { self.decode_waiting() } else { Ok(()) }
    }

    /// Takes the next image, whose bytes are missing: they are in the file whose path comes with [`path`](Self::path).
    pub(super) fn push_elsewhere(&mut self, place: Place) -> Result<(), OwnError> {
        self.decode_waiting()?;
        self.elsewhere.push((self.len(), place));
        self.stack.push_blank();
        Ok(())
    }

    /// Takes the path of an image, by its number, before or after its bytes.
    pub(super) fn path(&mut self, image: usize, path: &str) {
        let is_wanted = image >= self.len() || self.elsewhere.binary_search_by_key(&image, |it| it.0).is_ok();
        if is_wanted {
            self.paths.insert(image, path.to_owned());
        }
    }

    /// Takes the files `paths`, which the rows at `places` name.
    pub(super) fn read(
        &mut self,
        paths: &[PathBuf],
        places: impl Fn(usize) -> Place + Sync,
    ) -> Result<(), OwnError> {
        self.decode_waiting()?;
        self.stack.reserve(paths.len(), 1)?;
        let (side, channels) = (self.side(), self.fixed_channels);
        let n_at_once = self.n_at_once();
        for first in (0..paths.len()).step_by(n_at_once) {
            let last = (first + n_at_once).min(paths.len());
            let decoded =
                (first..last).into_par_iter().map(|at| read_file(&paths[at], side, channels, || places(at)));
            self.append_all(decoded.collect())?;
        }
        Ok(())
    }

    /// The number of images, those included that are not decoded yet.
    pub(super) fn len(&self) -> usize {
        self.stack.len() + self.waiting.len()
    }

    /// All images, in the order in which they came, and what people should know of them.
    ///
    /// # Errors
    /// [`OwnError::BrokenImages`], or the error of the only broken one.
    pub(super) fn into_images(self) -> Result<(Images, Vec<DataNote>), OwnError> {
        let (stack, broken) = self.finish()?;
        let mut all: Vec<OwnError> = broken.into_iter().map(|(_, error)| error).collect();
        match all.pop() {
            None => {
                let notes = stack.notes();
                Ok((stack.into_images()?, notes))
            }
            Some(only) if all.is_empty() => Err(only),
            Some(last) => {
                all.push(last);
                Err(OwnError::BrokenImages { all })
            }
        }
    }

    /// All images with the broken ones, which are black, by their numbers; and what all had.
    pub(super) fn into_read(self) -> Result<ReadImages, OwnError> {
        let (stack, broken) = self.finish()?;
        let facts = stack.facts();
        Ok(ReadImages { images: stack.into_images()?, broken, facts })
    }

    fn finish(mut self) -> Result<(Stack, Vec<(usize, OwnError)>), OwnError> {
        self.decode_waiting()?;
        self.read_elsewhere()?;
        self.broken.sort_by_key(|(image, _)| *image);
        Ok((self.stack, self.broken))
    }

    fn n_at_once(&self) -> usize {
        let side = self.side();
        (BYTES_AT_ONCE / side.saturating_mul(side).saturating_mul(3).max(1)).clamp(1, N_AT_ONCE)
    }

    fn side(&self) -> usize {
        self.stack.size()[0]
    }

    fn decode_waiting(&mut self) -> Result<(), OwnError> {
        let (side, channels) = (self.side(), self.fixed_channels);
        let waiting = std::mem::take(&mut self.waiting);
        let decoded = waiting.into_par_iter().map(|(place, encoded)| {
            decode_square(&encoded, side, channels).map_err(|source| broken(place, None, source))
        });
        self.append_all(decoded.collect())
    }

    /// Errors are kept in the order of the images, whichever thread was faster.
    fn append_all(&mut self, decoded: Vec<Result<Decoded, OwnError>>) -> Result<(), OwnError> {
        for decoded in decoded {
            match decoded {
                Ok(decoded) => self.stack.push(decoded)?,
                Err(error) => {
                    self.broken.push((self.stack.len(), error));
                    self.stack.push_blank();
                }
            }
        }
        Ok(())
    }

    /// Reads the images that are not where their bytes should be.
    fn read_elsewhere(&mut self) -> Result<(), OwnError> {
        let (side, channels) = (self.side(), self.fixed_channels);
        for (image, place) in std::mem::take(&mut self.elsewhere) {
            let decoded = match self.paths.get(&image) {
                None => Err(TableError::EmptyCell { place, column: "image".to_owned() }.into()),
                Some(path) => {
                    let path = place.path.parent().unwrap_or(Path::new("")).join(path);
                    read_file(&path, side, channels, || place)
                }
            };
            match decoded {
                Ok(decoded) => self.stack.replace(image, decoded)?,
                Err(error) => self.broken.push((image, error)),
            }
        }
        Ok(())
    }
}

fn read_file(
    path: &Path,
    side: usize,
    channels: Option<usize>,
    place: impl FnOnce() -> Place,
) -> Result<Decoded, OwnError> {
    match fs_err::read(path) {
        Ok(encoded) => {
            decode_square(&encoded, side, channels).map_err(|source| broken(place(), Some(path), source))
        }
        Err(source) => {
            let hint = if source.kind() == ErrorKind::NotFound { hint(path) } else { "" };
            Err(OwnError::ImageFile { place: place(), source, hint })
        }
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

fn broken(place: Place, path: Option<&Path>, source: PictureError) -> OwnError {
    let name = path.map_or(String::new(), |path| format!(" {}", path.display()));
    OwnError::Image { place, name, source }
}
