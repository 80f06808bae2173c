//! A table of instances and one of proportions, apart by a byte 0 (CSV): refused, or bags that hold together.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llp_bags::own;

fuzz_target!(|bytes: &[u8]| {
    let Some(end) = bytes.iter().position(|&byte| byte == 0) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in [("instances.csv", &bytes[..end]), ("proportions.csv", &bytes[end + 1..])] {
        std::fs::write(folder.path().join(name), content).expect("a writable folder");
    }
    match own::read(folder.path(), None, 2) {
        Ok(data) => {
            let bags = data.bag_set().expect("bags that were read make a set");
            assert!((0..bags.len()).all(|bag| bags.proportions(bag).n_classes() == data.data.n_classes()));
        }
        Err(error) => drop(error.to_string()),
    }
});
