//! The first byte chooses what the others are: an archive of NumPy arrays (0) or an image (any other). It is refused, or
//! gives images of the size that was asked for, with a label each in an archive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llp_bags::own::read_images;
use llp_bags::source::open;
use llp_data::Labels;

const SIDE: usize = 4;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, content)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(if *kind == 0 { "f.npz" } else { "f.image" });
    std::fs::write(&path, content).expect("a writable folder");
    if *kind == 0 {
        match open(&path, Labels::Fine) {
            Ok(data) => assert_eq!(data.train.labels.expect("labels").len(), data.train.instances.len()),
            Err(error) => drop(error.to_string()),
        }
        return;
    }
    let read = read_images(&[path], SIDE, 3).expect("a possible size");
    assert_eq!(read.images.pixels().len(), SIDE * SIDE * 3);
    assert_eq!(read.facts.n_images + read.broken.len(), 1);
    read.broken.iter().for_each(|(_, error)| drop(error.to_string()));
});
