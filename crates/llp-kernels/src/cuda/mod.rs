//! The operations of this crate on NVIDIA GPUs.
//!
//! Convolutions are cuDNN's; everything else are own kernels (`kernels/*.cu`), which are compiled for the GPU at hand by
//! NVRTC when the first of them is needed. `calls` says which kernel does what on how many threads, as plain data: the
//! tests run the same calls on the CPU (`emulator`) and compare them with their references in `crate::cpu`.
//!
//! All work goes to candle's stream of the device, in order. So an array may be dropped while kernels that read it are
//! still waiting: its memory is given back in the same order.

pub(crate) mod calls;
mod kind;

#[cfg(test)]
mod emulator;
#[cfg(test)]
mod reference;

#[cfg(feature = "cuda")]
pub(crate) mod activations;
#[cfg(feature = "cuda")]
mod array;
#[cfg(feature = "cuda")]
pub(crate) mod bag_loss;
#[cfg(feature = "cuda")]
mod context;
#[cfg(feature = "cuda")]
mod convolution;
#[cfg(feature = "cuda")]
mod cudnn;
#[cfg(feature = "cuda")]
pub(crate) mod filters;
#[cfg(feature = "cuda")]
pub(crate) mod images;
#[cfg(feature = "cuda")]
pub(crate) mod linear;
#[cfg(feature = "cuda")]
pub(crate) mod mean;
#[cfg(feature = "cuda")]
mod normalization;
#[cfg(feature = "cuda")]
pub(crate) mod optimizers;
#[cfg(feature = "cuda")]
mod pooling;
#[cfg(feature = "cuda")]
pub(crate) mod relu;
#[cfg(feature = "cuda")]
mod tape;

/// The text of all kernels.
#[cfg(any(feature = "cuda", test))]
const SOURCE: &str = concat!(
    include_str!("kernels/types.cuh"),
    include_str!("kernels/elements.cu"),
    include_str!("kernels/filters.cu"),
    include_str!("kernels/batch_norm.cu"),
    include_str!("kernels/pool.cu"),
    include_str!("kernels/linear.cu"),
    include_str!("kernels/images.cu"),
    include_str!("kernels/sgd.cu"),
    include_str!("kernels/adamw.cu"),
    include_str!("kernels/losses.cu"),
);
