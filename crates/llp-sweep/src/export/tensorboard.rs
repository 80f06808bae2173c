//! Learning curves for TensorBoard: an event file, which is a series of framed protocol buffers.
//!
//! A frame (of the format `TFRecord`) is the length of the data in eight bytes, a checksum of these, the data, and a
//! checksum of the data; all numbers are little-endian. The data is an `Event` of TensorFlow's `event.proto`, of which
//! the fields 1 (`wall_time`), 2 (`step`), 3 (`file_version`) and 5 (`summary`) are needed here.

use super::protobuf::Message;
use crate::record::EpochRecord;

/// TensorBoard finds files by this part of their name.
pub const FILE_NAME: &str = "events.out.tfevents.0.llp";

/// The event file of a run's epochs. The time of an epoch is the training time up to it: a run keeps no other.
pub fn events(records: &[EpochRecord]) -> Vec<u8> {
    let mut version = Message::default();
    version.double(1, 0.0);
    version.bytes(3, b"brain.Event:2");
    let mut file = framed(version.as_bytes());
    for record in records {
        file.extend(framed(event(record).as_bytes()));
    }
    file
}

fn event(record: &EpochRecord) -> Message {
    let scalars = [
        ("loss/train", Some(record.train_loss)),
        ("loss/held_out", record.held_out_loss),
        ("loss/held_out_kl", record.held_out_kl),
        ("loss/held_out_l1", record.held_out_l1),
        ("loss/held_out_count_l1", record.held_out_count_l1),
        ("loss/held_out_count_nll", record.held_out_count_nll),
        ("accuracy/test", record.test_accuracy),
        ("optim/lr", Some(record.lr)),
        ("speed/images_per_s", Some(record.images_per_s)),
    ];
    let mut summary = Message::default();
    for (tag, value) in scalars {
        if let Some(value) = value {
            let mut scalar = Message::default();
            scalar.text(1, tag);
            scalar.float(2, value as f32);
            summary.message(1, &scalar);
        }
    }
    let mut event = Message::default();
    event.double(1, record.elapsed_s);
    event.integer(2, record.epoch as u64);
    event.message(5, &summary);
    event
}

fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let checksum = |bytes: &[u8]| masked(crc32c(bytes)).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}

/// As the format stores checksums, so that a checksum of data with checksums in it stays a good one.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The cyclic redundancy check with Castagnoli's polynomial, bit by bit: event files are small.
fn crc32c(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0x82f6_3b78;
    let step = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { REVERSED_POLYNOMIAL } else { 0 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the catalogue of CRC algorithms, and the vectors of RFC 3720, section B.4.
    #[test]
    fn checksums_are_castagnoli() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    /// A file is frames and nothing else: each length leads to the next, and both checksums hold.
    #[test]
    fn frames_follow_each_other() {
        let record = |epoch| EpochRecord {
            epoch,
            lr: 0.1,
            train_loss: 2.5,
            held_out_loss: None,
            held_out_kl: Some(1.0),
            held_out_l1: None,
            held_out_count_l1: None,
            held_out_count_nll: None,
            test_accuracy: Some(0.5),
            images_per_s: 10.0,
            elapsed_s: 1.0,
        };
        let file = events(&[record(1), record(2)]);
        let (mut rest, mut n_frames) = (&file[..], 0);
        while !rest.is_empty() {
            let n = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            assert_eq!(rest[8..12], masked(crc32c(&rest[..8])).to_le_bytes());
            assert_eq!(rest[12 + n..16 + n], masked(crc32c(&rest[12..12 + n])).to_le_bytes());
            (rest, n_frames) = (&rest[16 + n..], n_frames + 1);
        }
        assert_eq!(n_frames, 3);
    }
}
