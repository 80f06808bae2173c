//! What there is of CUDA, and what is missing.

use super::gpu;

/// What a program finds out about GPUs without training on them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// Whether the program has a CUDA part.
    pub is_compiled: bool,
    /// Whether NVIDIA's driver seems to be installed.
    pub has_driver: bool,
    /// The newest CUDA that the driver knows, such as `13.0`.
    pub driver_cuda: Option<String>,
    /// The CUDA whose interface the program was built for.
    pub built_cuda: Option<String>,
    /// The version of cuDNN that was found, such as `9.21.0`.
    pub cudnn: Option<String>,
    /// The GPUs that can be used, in the order of their numbers.
    pub gpus: Vec<Gpu>,
    /// What prevents training on a GPU, and how to fix it.
    pub missing: Vec<String>,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its number: `cuda:INDEX`.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// What it can do, major and minor.
    pub compute_capability: (i32, i32),
    /// Its memory.
    pub total_bytes: usize,
    /// The part of its memory that is free.
    pub free_bytes: usize,
}

/// Looks at everything that training on a GPU takes. Opens each GPU for a moment.
pub fn diagnose() -> Diagnosis {
    gpu::diagnose()
}
