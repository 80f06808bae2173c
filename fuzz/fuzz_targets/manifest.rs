//! A manifest is refused, or says the same after it was written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llp_bags::{BagManifest, DataError};

fuzz_target!(|bytes: &[u8]| {
    match BagManifest::parse(bytes) {
        Ok(manifest) => {
            manifest.train.variation();
            let again = BagManifest::parse(manifest.to_json().as_bytes()).expect("what was written can be read");
            assert_eq!(again, manifest);
        }
        // Formatting is part of what a user sees.
        Err(fault) => drop(DataError::to_string(&fault)),
    }
});
