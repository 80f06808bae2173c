//! The embedded data set: real images without a network or a file.

use std::io::Read;

use flate2::read::GzDecoder;
use llp_data::DataError;

use crate::source::{Dataset, Split};
use crate::{Images, LabelOracle};

const PACKED: &[u8] = include_bytes!("../../data/digits.bin.gz");
const SIDE: usize = 8;
const RECORD_LEN: usize = SIDE * SIDE + 1; // pixels in 0..=16, then the label
const N_CLASSES: usize = 10;
const N_TRAIN: usize = 1437;

/// Scikit-learn's 8x8 digits: 1,437 images for training and 360 for testing, 36 of each class.
///
/// Real handwriting by 13 people, scanned, and reduced to 8x8 counts of 0 to 16, which become bytes. Origin, licence
/// (CC BY 4.0) and the rule of the split are in `data/README.md` of this crate. A mirrored digit is not a digit.
///
/// # Panics
/// Never: tests read every byte of the embedded data.
pub fn digits() -> Dataset {
    unpack(PACKED).unwrap_or_else(|error| panic!("the embedded digits are intact: {error}"))
}

fn unpack(packed: &[u8]) -> Result<Dataset, Box<dyn std::error::Error>> {
    let mut records = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut records)?;
    let (train, test) = records.split_at_checked(N_TRAIN * RECORD_LEN).ok_or("too few records")?;
    Ok(Dataset {
        name: "digits".to_owned(),
        class_names: (0..N_CLASSES).map(|digit| digit.to_string()).collect(),
        mirror_preserves_class: false,
        train: split(train)?,
        test: split(test)?,
        notes: vec![],
    })
}

fn split(records: &[u8]) -> Result<Split, DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for record in records.chunks_exact(RECORD_LEN) {
        let (image, label) = record.split_at(SIDE * SIDE);
        pixels.extend(image.iter().map(|&count| to_byte(count)));
        labels.push(u32::from(label[0]));
    }
    Split::labeled(Images::new(SIDE, SIDE, 1, pixels)?, LabelOracle::new(labels, N_CLASSES)?)
}

/// Scales 0..=16 to 0..=255, rounded.
fn to_byte(count: u8) -> u8 {
    ((u32::from(count) * 255 + 8) / 16) as u8
}
