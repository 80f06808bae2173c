//! Which failures of a device are which.
//!
//! CUDA's libraries report a failure as a code, which candle and cudarc wrap in several ways, some of them as text
//! only. Every wrapper shows the name of the code, so the name is what is looked for.

/// The memory of a device, or of a library on it, did not hold something.
const OUT_OF_MEMORY: [&str; 6] = [
    "CUDA_ERROR_OUT_OF_MEMORY",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "CURAND_STATUS_ALLOCATION_FAILED",
];

/// The device is gone, or this process can do nothing more on it: only another process can, perhaps on another device.
const DEVICE_LOST: [&str; 24] = [
    "CUDA_ERROR_ASSERT",
    "CUDA_ERROR_CONTAINED",
    "CUDA_ERROR_CONTEXT_IS_DESTROYED",
    "CUDA_ERROR_DEVICE_UNAVAILABLE",
    "CUDA_ERROR_ECC_UNCORRECTABLE",
    "CUDA_ERROR_EXTERNAL_DEVICE",
    "CUDA_ERROR_HARDWARE_STACK_ERROR",
    "CUDA_ERROR_ILLEGAL_ADDRESS",
    "CUDA_ERROR_ILLEGAL_INSTRUCTION",
    "CUDA_ERROR_INVALID_ADDRESS_SPACE",
    "CUDA_ERROR_INVALID_PC",
    "CUDA_ERROR_LAUNCH_FAILED",
    "CUDA_ERROR_LAUNCH_TIMEOUT",
    "CUDA_ERROR_MISALIGNED_ADDRESS",
    "CUDA_ERROR_MPS_CLIENT_TERMINATED",
    "CUDA_ERROR_MPS_CONNECTION_FAILED",
    "CUDA_ERROR_MPS_RPC_FAILURE",
    "CUDA_ERROR_NOT_PERMITTED",
    "CUDA_ERROR_NO_DEVICE",
    "CUDA_ERROR_NVLINK_UNCORRECTABLE",
    "CUDA_ERROR_SYSTEM_NOT_READY",
    "CUDA_ERROR_UNKNOWN",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUDNN_STATUS_EXECUTION_FAILED",
];

/// Whether the memory of the device was too small: the same work on the same device fails again, less of it may not.
pub fn is_out_of_memory(error: &candle_core::Error) -> bool {
    names_any(error, &OUT_OF_MEMORY)
}

/// Whether the device was lost: the same work may succeed in another process, or on another device.
pub fn is_device_lost(error: &candle_core::Error) -> bool {
    !is_out_of_memory(error) && names_any(error, &DEVICE_LOST)
}

fn names_any(error: &candle_core::Error, codes: &[&str]) -> bool {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    chain.map(ToString::to_string).any(|text| codes.iter().any(|code| text.contains(code)))
}

#[cfg(test)]
mod tests {
    use candle_core::Error;

    use super::*;

    /// As cudarc shows its errors.
    #[derive(Debug)]
    struct DriverError(&'static str);

    impl std::fmt::Display for DriverError {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "DriverError({})", self.0)
        }
    }

    impl std::error::Error for DriverError {}

    /// The wrappings that candle and callers give an error on its way.
    fn wrapped(code: &'static str) -> Vec<Error> {
        let bare = || Error::Cuda(Box::new(DriverError(code)));
        vec![
            bare(),
            bare().context("in a step"),
            bare().with_path("weights"),
            Error::wrap(DriverError(code)),
            Error::msg(DriverError(code)),
            Error::WrappedContext { wrapped: Box::new(DriverError(code)), context: "in a step".to_owned() },
        ]
    }

    /// However an error is wrapped, it is what its code says, and never both.
    #[test]
    fn codes_are_found_in_every_wrapping() {
        for error in ["CUDA_ERROR_OUT_OF_MEMORY", "CUDNN_STATUS_ALLOC_FAILED"].into_iter().flat_map(wrapped) {
            assert!(is_out_of_memory(&error) && !is_device_lost(&error), "{error}");
        }
        for error in
            ["CUDA_ERROR_ILLEGAL_ADDRESS", "CUDA_ERROR_ECC_UNCORRECTABLE"].into_iter().flat_map(wrapped)
        {
            assert!(is_device_lost(&error) && !is_out_of_memory(&error), "{error}");
        }
    }

    /// A mistake of the program is neither.
    #[test]
    fn other_errors_are_neither() {
        for error in wrapped("CUDA_ERROR_INVALID_VALUE").into_iter().chain([Error::UnwrapNone]) {
            assert!(!is_out_of_memory(&error) && !is_device_lost(&error), "{error}");
        }
    }
}
