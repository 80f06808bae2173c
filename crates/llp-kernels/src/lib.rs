//! Fast differentiable candle operations for training convolutional networks.
//!
//! candle trains correctly, but its convolutions and its batch norm were written for inference: the gradient
//! of a convolution runs at a small fraction of the forward pass' speed, and a batch norm in training mode is
//! some fifty separate passes over memory. This crate provides the handful of operations that a residual
//! network needs, each as a custom operation with its own backward, under candle's autograd:
//!
//! | operation | forward | backward |
//! |---|---|---|
//! | [`conv2d()`] | patches x weights, tile by tile | both gradients in one pass over the patches |
//! | [`BatchNorm`] (with a fused ReLU) | statistics, then one pass | sums, then one pass |
//! | [`add_relu`] | one pass | one pass, shared by both inputs |
//! | [`global_average_pool`], [`max_pool2d`] | one pass | one pass |
//! | [`Sgd`] | - | in-place momentum and weight decay |
//!
//! **Layout.** Activations are ordinary contiguous `f32` candle tensors in NHWC, `[image, height, width,
//! channel]`: every operation here walks over whole pixels, so channels are contiguous. Parameters keep the
//! layout of PyTorch and candle (`[out, in, height, width]` for a convolution), so that a checkpoint can be
//! written as it is.
//!
//! **Determinism.** Work is split into chunks that depend on the shapes alone, and partial sums are added in
//! a fixed order: equal inputs give equal bits for every number of threads. All parallelism is rayon's
//! current pool.
//!
//! **ReLU's gradient at 0 is 0**, as in PyTorch (candle's own is 1).
//!
//! ```
//! use candle_core::{Device, Tensor, Var};
//! use llp_kernels::{Conv2dConfig, Features, conv2d};
//!
//! let images = Tensor::ones((2, 8, 8, 3), candle_core::DType::F32, &Device::Cpu)?; // [image, height, width, channel]
//! let weight = Var::ones((16, 3, 3, 3), candle_core::DType::F32, &Device::Cpu)?; // [out, in, height, width]
//! let images = Features::from_tensor(&images)?;
//! let y = conv2d(&images, &weight, Conv2dConfig { stride: 2, padding: 1 })?.to_tensor()?;
//! assert_eq!(y.dims(), [2, 4, 4, 16]);
//! let gradients = y.sum_all()?.backward()?;
//! assert_eq!(gradients.get(&weight).unwrap().dims(), [16, 3, 3, 3]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod backward;
mod batch_norm;
mod buffer;
mod conv2d;
mod cpu;
mod features;
mod pool;
mod sgd;
mod tensor;

pub use backward::backward;
pub use batch_norm::{Activation, BatchNorm, Mode};
pub use conv2d::{Conv2dConfig, conv2d};
pub use cpu::conv2d as passes;
pub use cpu::shape::ConvShape;
pub use cpu::simd::InstructionSet;
pub use features::Features;
pub use pool::{global_average_pool, max_pool2d};
pub use sgd::{Sgd, SgdConfig};
