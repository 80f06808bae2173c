//! Records: label bytes and planes of pixels, one after the other to the end of the file.

use std::io::{self, Read};
use std::path::Path;

use super::layout::{CHANNELS, PIXELS_LEN, Part, SIDE};
use super::unreadable;
use crate::{DataError, Images, LabeledImages, Labels};

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
) -> Result<Records, DataError> {
    let label_bytes = part.version.label_bytes();
    let mut bytes = vec![0; label_bytes.len() + PIXELS_LEN];
    let mut records = Records::default();
    loop {
        let record = records.labels.len();
        let got = fill(&mut reader, &mut bytes).map_err(|source| unreadable(path, source))?;
        if got == 0 && record > 0 {
            return Ok(records);
        }
        let refused = |problem: String| DataError::of(path, problem);
        if got == 0 {
            return Err(
                refused("it is empty, expected at least one record".to_owned()).remedy("fetch it again")
            );
        }
        if record == part.n_max() {
            let problem = format!("it has more than {record} records, which are all that there should be");
            return Err(refused(problem).remedy("it is another file"));
        }
        if got < bytes.len() {
            let problem = format!("record {record} has {got} bytes, expected {}", bytes.len());
            return Err(refused(problem).remedy("the file is cut short, or another one"));
        }
        let (label_values, planes) = bytes.split_at(label_bytes.len());
        for (&label, (kind, classes)) in label_values.iter().zip(label_bytes) {
            if usize::from(label) >= classes.n {
                let largest = classes.n - 1;
                let problem = format!("record {record} has label {label}, but labels go from 0 to {largest}");
                return Err(refused(problem).remedy("the file is damaged, or another one"));
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

    pub(super) fn into_split(self) -> Result<LabeledImages, DataError> {
        Ok(LabeledImages { images: Images::new(SIDE, SIDE, CHANNELS, self.pixels)?, labels: self.labels })
    }
}
