//! Fast differentiable candle operations for training convolutional networks, on CPUs and, with the feature `cuda`, on
//! NVIDIA GPUs.
//!
//! candle trains correctly, but its convolutions and its batch norm were written for inference: the gradient
//! of a convolution runs at a small fraction of the forward pass' speed, and a batch norm in training mode is
//! some fifty separate passes over memory. This crate provides the handful of operations that a residual
//! network needs, under candle's automatic differentiation:
//!
//! | operation | forward | backward |
//! |---|---|---|
//! | [`conv2d()`] | Winograd's F(4x4, 3x3) for 3x3 filters with stride 1, else products over runs of the image | the same for both gradients |
//! | [`BatchNorm`], with a fused ReLU and residual sum | statistics, then one pass | sums, then one pass |
//! | [`global_average_pool`], [`max_pool2d`] | one pass | one pass |
//! | [`pooled_linear`], the end of a network | candle's product | candle's products |
//! | [`relu()`] on plain tensors | one pass | one pass |
//! | [`Sgd`], [`AdamW`] | - | in-place steps of the weights |
//! | [`backward()`], [`backward_of_mean`] | - | candle's, without its copies of the gradients of variables |
//!
//! **Layout.** Activations are [`Activations`], `f32` in NHWC, `[image, height, width, channel]`: every operation
//! here walks over whole pixels, so channels are contiguous. They are made from and into tensors of that shape.
//! Parameters keep the layout of PyTorch and candle (`[out, in, height, width]` for a convolution), so that a
//! checkpoint can be written as it is. Any number of channels is correct; multiples of 16 are fast.
//!
//! **GPUs.** With the feature `cuda` the same operations take activations on a GPU, in `f32` or `bf16`: convolutions
//! are cuDNN's, the other kernels are this crate's, and gradients are found by [`backward()`] alone. [`DeviceName`]
//! opens devices, [`bag_loss()`] and [`ImageStore`] exist there only. What follows is about the CPU.
//!
//! **Determinism.** Work is split into chunks that depend on the shapes alone, and partial sums are added in
//! a fixed order: equal inputs give equal bits for every number of threads. All parallelism is rayon's
//! current pool. Kernels exist for AVX-512, for AVX2 with FMA and for every other processor; these round
//! differently, and [`InstructionSet::limit`] makes two machines agree.
//!
//! **Rounding.** Winograd's algorithm on the points 0, ±1/2, ±3/2 and infinity costs a few bits: with 64
//! channels the root mean square of the errors is 1e-6 of that of the result, against 4e-7 for direct sums.
//!
//! **Memory.** Arrays are kept for their next use when they are dropped, because a training step needs the same
//! sizes every time; never more than half as much again as was ever in use at once.
//! The gradients of weights are candle tensors and come from the program's allocator; one that keeps large blocks,
//! such as mimalloc, makes a step of a wide network with few images up to a seventh faster than the system's.
//!
//! **ReLU's gradient at 0 is 0**, as in PyTorch (candle's own is 1).
//!
//! ```
//! use candle_core::{Device, Tensor, Var};
//! use llp_kernels::{Conv2dConfig, Activations, conv2d};
//!
//! let images = Tensor::ones((2, 8, 8, 3), candle_core::DType::F32, &Device::Cpu)?; // [image, height, width, channel]
//! let weight = Var::ones((16, 3, 3, 3), candle_core::DType::F32, &Device::Cpu)?; // [out, in, height, width]
//! let images = Activations::from_tensor(&images)?;
//! let y = conv2d(&images, &weight, Conv2dConfig { stride: 2, padding: 1 })?.to_tensor()?;
//! assert_eq!(y.dims(), [2, 4, 4, 16]);
//! let gradients = llp_kernels::backward(&y.sum_all()?)?;
//! assert_eq!(gradients.get(&weight).unwrap().dims(), [16, 3, 3, 3]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod activations;
mod adamw;
mod backward;
mod bag_loss;
mod batch_norm;
mod buffer;
mod conv2d;
mod cpu;
#[cfg(any(feature = "cuda", test))]
mod cuda;
mod devices;
mod filters;
mod image_store;
mod linear;
mod math;
mod mode;
mod optimizer_checks;
mod pool;
mod relu;
mod sgd;
mod tensor;

pub use activations::Activations;
pub use adamw::{AdamW, AdamWConfig};
pub use backward::{backward, backward_of_mean};
pub use bag_loss::{BagKernel, Sweeps, bag_loss};
pub use batch_norm::{BatchNorm, BatchNormConfig, add_bias};
pub use conv2d::{Conv2dConfig, conv2d};
pub use cpu::conv2d as passes;
pub use cpu::shape::ConvShape;
pub use cpu::simd::InstructionSet;
pub use devices::{
    DeviceError, DeviceName, Diagnosis, Gpu, UnknownDevice, devices, diagnose, gpu_count, is_device_lost,
    is_out_of_memory,
};
pub use filters::{PreparedFilters, prepare_filters};
pub use image_store::{Changes, ImageStore};
pub use linear::pooled_linear;
pub use math::{is_deterministic, set_deterministic, set_tf32};
pub use mode::{Activation, Mode};
pub use pool::{global_average_pool, max_pool2d};
pub use relu::relu;
pub use sgd::{Sgd, SgdConfig};
