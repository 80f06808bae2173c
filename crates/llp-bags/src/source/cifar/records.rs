//! Records: label bytes and planes of pixels, one after the other to the end of the file.

use std::io::{self, Read};
use std::path::Path;

use super::CifarError;
use super::layout::{CHANNELS, PIXELS_LEN, Part, SIDE};
use crate::source::{Labels, Split};
use crate::{BagError, Images, LabelOracle};

/// The records of a file, or of several.
#[derive(Default)]
pub(super) struct Records {
    labels: Vec<u32>, // [record]
    pixels: Vec<u8>,  // [record, row, column, channel]
}

/// Reads records to the end; at least one, and at most as many as the real data set has.
pub(super) fn read(
    mut reader: impl Read,
    part: Part,
    labels: Labels,
    path: &Path,
) -> Result<Records, CifarError> {
    let label_bytes = part.version.label_bytes();
    let mut bytes = vec![0; label_bytes.len() + PIXELS_LEN];
    let mut records = Records::default();
    loop {
        let record = records.labels.len();
        let got = fill(&mut reader, &mut bytes)
            .map_err(|source| CifarError::Unreadable { path: path.to_owned(), source })?;
        if got == 0 && record > 0 {
            return Ok(records);
        }
        let path = || path.to_owned();
        if got == 0 {
            return Err(CifarError::Empty { path: path() });
        }
        if record == part.n_max() {
            return Err(CifarError::TooMany { path: path(), n_max: record });
        }
        if got < bytes.len() {
            return Err(CifarError::Truncated { path: path(), record, expected: bytes.len(), got });
        }
        let (label_values, planes) = bytes.split_at(label_bytes.len());
        for (&label, (kind, classes)) in label_values.iter().zip(label_bytes) {
            if usize::from(label) >= classes.n {
                return Err(CifarError::Label { path: path(), record, label, n_classes: classes.n });
            }
            if *kind == labels {
                records.labels.push(label.into());
            }
        }
        records.push_planes(planes);
    }
}

/// Fills the buffer as far as the reader goes, and says how far.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl Records {
    /// Planes become pixels: `[channel, row, column]` to `[row, column, channel]`.
    fn push_planes(&mut self, planes: &[u8]) {
        let (red, rest) = planes.split_at(SIDE * SIDE);
        let (green, blue) = rest.split_at(SIDE * SIDE);
        let pixels = red.iter().zip(green).zip(blue);
        self.pixels.extend(pixels.flat_map(|((&red, &green), &blue)| [red, green, blue]));
    }

    /// All records of several files in their order; each file's memory is given back once it is copied.
    pub(super) fn concatenated(files: Vec<Self>) -> Self {
        let mut all = Self::default();
        all.labels.reserve_exact(files.iter().map(|file| file.labels.len()).sum());
        all.pixels.reserve_exact(files.iter().map(|file| file.pixels.len()).sum());
        for file in files {
            all.labels.extend(file.labels);
            all.pixels.extend_from_slice(&file.pixels);
        }
        all
    }

    pub(super) fn into_split(self, n_classes: usize) -> Result<Split, BagError> {
        let images = Images::new(SIDE, SIDE, CHANNELS, self.pixels)?;
        Split::labeled(images, LabelOracle::new(self.labels, n_classes)?)
    }
}
