//! How GPUs may compute: settings of the whole program, as in other libraries.

use std::sync::atomic::{AtomicBool, Ordering};

static DETERMINISTIC: AtomicBool = AtomicBool::new(false);

/// Has convolutions on GPUs give equal bits for equal inputs in every run, at some cost of speed. Without it their
/// algorithms are chosen by a race, which has another winner now and then. On the CPU that is always so.
pub fn set_deterministic(deterministic: bool) {
    DETERMINISTIC.store(deterministic, Ordering::Relaxed);
}

/// Whether it does.
pub fn is_deterministic() -> bool {
    DETERMINISTIC.load(Ordering::Relaxed)
}

/// Lets GPUs round single precision to 10 bits before they multiply (TF32), in convolutions and matrix products.
pub fn set_tf32(allowed: bool) {
    #[cfg(feature = "cuda")]
    candle_core::cuda::set_gemm_reduced_precision_f32(allowed);
    #[cfg(not(feature = "cuda"))]
    let _ = allowed;
}
