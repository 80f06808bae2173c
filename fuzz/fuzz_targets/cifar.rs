//! Files of CIFAR are refused, or hold as many images as their length says, with these pixels and labels. Archives are
//! refused, or their splits have an image for each label.
//!
//! The first byte chooses what the others are: records of CIFAR-10 (0) or CIFAR-100 (1), or a tar archive, with fine (2)
//! or coarse (3) labels.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use llp_data::{Labels, cifar};

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((0, records)) => check_records(records, "test_batch.bin", 1),
        Some((1, records)) => check_records(records, "test.bin", 2),
        Some((2, tar)) => check_archive(tar, Labels::Fine),
        Some((3, tar)) => check_archive(tar, Labels::Coarse),
        _ => {}
    }
});

fn check_records(bytes: &[u8], name: &str, n_labels: usize) {
    let split = match cifar::read_records(bytes, name, Labels::Fine) {
        Ok(split) => split,
        Err(error) => return drop(error.to_string()),
    };
    let record_len = n_labels + 3072;
    assert_eq!(split.images.len() * record_len, bytes.len());
    let labels: Vec<u32> = bytes.chunks(record_len).map(|record| record[n_labels - 1].into()).collect();
    assert_eq!(split.labels, labels);
    for (record, image) in bytes.chunks(record_len).zip(split.images.pixels().chunks(3072)) {
        let planes = &record[n_labels..];
        assert!((0..3072).all(|place| image[place] == planes[1024 * (place % 3) + place / 3]));
    }
}

fn check_archive(tar: &[u8], labels: Labels) {
    match cifar::read_tar(tar, Path::new("a.tar"), labels) {
        Ok(data) => {
            for split in [data.train, data.test] {
                assert_eq!(split.labels.len(), split.images.len());
            }
        }
        Err(error) => drop(error.to_string()),
    }
}
