//! A file of tensors is refused, or every tensor is inside it and has as many bytes as its shape says.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/llp-train/src/checkpoint/tensors.rs"]
mod tensors;

fuzz_target!(|bytes: &[u8]| {
    match tensors::open(bytes) {
        Ok(file) => {
            for (_, view) in file.iter() {
                let n: usize = view.shape().iter().product();
                assert_eq!(view.data().len() * 8, n * view.dtype().bitsize());
            }
        }
        Err(fault) => drop(fault.to_string()),
    }
});
