//! Images of any size and color, as squares of one size with one number of channels.

use std::path::{Path, PathBuf};

use image::ImageError;
use rayon::prelude::*;

use super::OwnError;
use crate::picture::{Decoded, decode_square};
use crate::table::Place;
use crate::{BagError, Images};

/// Images that are decoded at once, in parallel: encoded ones are in memory that long.
const N_AT_ONCE: usize = 256;

/// Decoded images. Gray ones get three channels as soon as one has color, unless the number of channels is fixed.
#[derive(Debug)]
pub(super) struct Pictures {
    side: usize,
    fixed_channels: Option<usize>,
    channels: usize, // so far
    pixels: Vec<u8>, // [image, side, side, channel]
    waiting: Vec<(Place, Vec<u8>)>,
}

impl Pictures {
    pub(super) fn new(side: usize, fixed_channels: Option<usize>) -> Result<Self, BagError> {
        let channels = fixed_channels.unwrap_or(1);
        Images::new(side, side, channels, vec![])?; // the sides are possible
        Ok(Self { side, fixed_channels, channels, pixels: vec![], waiting: vec![] })
    }

    /// Takes the next image, encoded.
    pub(super) fn push(&mut self, place: Place, encoded: &[u8]) -> Result<(), OwnError> {
        self.waiting.push((place, encoded.to_owned()));
        if self.waiting.len() == N_AT_ONCE { self.decode_waiting() } else { Ok(()) }
    }

    /// Takes the files `paths`, which the rows at `places` name.
    pub(super) fn read(
        &mut self,
        paths: &[PathBuf],
        places: impl Fn(usize) -> Place + Sync,
    ) -> Result<(), OwnError> {
        self.decode_waiting()?;
        let side = self.side;
        for first in (0..paths.len()).step_by(N_AT_ONCE) {
            let last = (first + N_AT_ONCE).min(paths.len());
            let decoded = (first..last).into_par_iter().map(|at| {
                let encoded = fs_err::read(&paths[at])
                    .map_err(|source| OwnError::ImageFile { place: places(at), source })?;
                decode_square(&encoded, side).map_err(|source| broken(places(at), Some(&paths[at]), source))
            });
            self.append_all(decoded.collect())?;
        }
        Ok(())
    }

    /// The number of images, those included that are not decoded yet.
    pub(super) fn len(&self) -> usize {
        self.pixels.len() / (self.side * self.side * self.channels) + self.waiting.len()
    }

    /// All images, in the order in which they came.
    pub(super) fn into_images(mut self) -> Result<Images, OwnError> {
        self.decode_waiting()?;
        Ok(Images::new(self.side, self.side, self.channels, self.pixels)?)
    }

    fn decode_waiting(&mut self) -> Result<(), OwnError> {
        let (side, waiting) = (self.side, std::mem::take(&mut self.waiting));
        let decoded = waiting.into_par_iter().map(|(place, encoded)| {
            decode_square(&encoded, side).map_err(|source| broken(place, None, source))
        });
        self.append_all(decoded.collect())
    }

    /// The first error is that of the first image, whichever thread was faster.
    fn append_all(&mut self, decoded: Vec<Result<Decoded, OwnError>>) -> Result<(), OwnError> {
        for decoded in decoded {
            let decoded = decoded?;
            if self.fixed_channels.is_none() && decoded.shape[2] > self.channels {
                self.channels = 3;
                self.pixels = self.pixels.iter().flat_map(|&gray| [gray; 3]).collect();
            }
            self.pixels.extend(decoded.with_channels(self.channels).pixels);
        }
        Ok(())
    }
}

fn broken(place: Place, path: Option<&Path>, source: ImageError) -> OwnError {
    let name = path.map_or(String::new(), |path| format!(" {}", path.display()));
    OwnError::Image { place, name, source }
}
