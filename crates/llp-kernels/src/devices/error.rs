//! Why a device cannot be used, and what to do about it.

use std::fmt;

/// A device that cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeviceError {
    /// The program has no CUDA part.
    NotCompiled,
    /// CUDA cannot begin: there is no driver, or none of its GPUs may be used.
    NoDriver {
        /// What CUDA says.
        message: String,
    },
    /// There are fewer GPUs.
    NoSuchGpu {
        /// The number that was asked for, from 0.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The GPU is there and cannot be used.
    Closed {
        /// Its number.
        index: usize,
        /// What CUDA or candle says.
        source: candle_core::Error,
    },
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCompiled => write!(
                f,
                "this program was built without CUDA: build it with --features cuda (docs/cuda.md), or use --device cpu"
            ),
            Self::NoDriver { message } => write!(
                f,
                "no GPU answers: {message}; does nvidia-smi list one, and does CUDA_VISIBLE_DEVICES hide it? Install \
                 NVIDIA's driver, or use --device cpu"
            ),
            Self::NoSuchGpu { index, count: 1 } => {
                write!(f, "there is no cuda:{index}: the only GPU is cuda:0")
            }
            Self::NoSuchGpu { index, count } => {
                write!(
                    f,
                    "there is no cuda:{index}: the {count} GPUs are cuda:0 to cuda:{}",
                    count.saturating_sub(1)
                )
            }
            Self::Closed { index, source } => write!(
                f,
                "cuda:{index} cannot be used: {source}; llp doctor says what is missing, and --device cpu does without"
            ),
        }
    }
}

impl std::error::Error for DeviceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Closed { source, .. } => Some(source),
            _ => None,
        }
    }
}
