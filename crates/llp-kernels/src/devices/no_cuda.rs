//! The answers of a program without a CUDA part.

use std::path::Path;

use candle_core::Device;

use super::{DeviceError, Diagnosis};

pub(super) fn count() -> Result<usize, DeviceError> {
    Err(DeviceError::NotCompiled)
}

pub(super) fn open(_: usize) -> Result<Device, DeviceError> {
    Err(DeviceError::NotCompiled)
}

/// Where the driver gives its version, and where distributions put its library.
const TRACES: [&str; 7] = [
    "/proc/driver/nvidia/version",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/usr/lib/aarch64-linux-gnu/libcuda.so.1",
    "/usr/lib64/libcuda.so.1",
    "/usr/lib/libcuda.so.1",
    "/usr/lib/wsl/lib/libcuda.so.1",
    "/usr/local/nvidia/lib64/libcuda.so.1",
];

pub(super) fn diagnose() -> Diagnosis {
    diagnosis(TRACES.iter().any(|trace| Path::new(trace).exists()))
}

/// Without a driver nothing is missing: no GPU is expected.
fn diagnosis(has_driver: bool) -> Diagnosis {
    let missing = has_driver.then(|| {
        "there is an NVIDIA driver, but this program was built without CUDA: build it with --features cuda \
         (docs/cuda.md)"
            .to_owned()
    });
    Diagnosis { has_driver, missing: missing.into_iter().collect(), ..Diagnosis::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An unused driver is reported; a machine without one lacks nothing.
    #[test]
    fn an_idle_driver_is_noticed() {
        assert!(diagnosis(true).missing[0].contains("built without CUDA"));
        assert!(diagnosis(false).missing.is_empty());
        assert!(!diagnosis(true).is_compiled);
    }
}
