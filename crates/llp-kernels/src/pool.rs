//! Pooling as candle operations.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use crate::activations::{Activations, CpuActivations, Extents, On, Slot, token, token_storage};
use crate::buffer::Buffer;
use crate::cpu::pool;
use crate::cpu::shape::ConvShape;
use crate::tensor::with_slices;

/// The mean over height and width: `[image, height, width, channel]` to a tensor `[image, channel]`.
///
/// # Errors
/// When candle refuses to build the tensor.
pub fn global_average_pool(x: &Activations) -> Result<Tensor> {
    match &x.0 {
        On::Cpu(x) => x.token.apply_op1(AveragePool(x.clone())),
        #[cfg(feature = "cuda")]
        On::Cuda(x) => x.global_average_pool(),
    }
}

/// The largest value of each `kernel x kernel` window: `[image, height, width, channel]` to
/// `[image, out_height, out_width, channel]`; padding never wins. Of equal values the first gets the gradient.
///
/// # Errors
/// When a shape does not fit, the kernel is larger than 255, or the padding is not smaller than the kernel.
pub fn max_pool2d(x: &Activations, kernel: usize, stride: usize, padding: usize) -> Result<Activations> {
    let Extents { images, height, width, channels } = x.extents();
    if stride == 0 || padding >= kernel || kernel > 255 || height.min(width) + 2 * padding < kernel {
        bail!(
            "max pooling {kernel}x{kernel}, stride {stride}, padding {padding} does not fit {:?}",
            x.dims()
        );
    }
    let shape = ConvShape {
        images,
        height,
        width,
        c_in: channels,
        c_out: channels,
        kernel_height: kernel,
        kernel_width: kernel,
        stride,
        padding,
    };
    match &x.0 {
        On::Cpu(x) => max_on_cpu(x, shape).map(Activations::from),
        #[cfg(feature = "cuda")]
        On::Cuda(x) => Ok(Activations(On::Cuda(x.max_pool(shape)?))),
    }
}

fn max_on_cpu(x: &CpuActivations, shape: ConvShape) -> Result<CpuActivations> {
    let mut values = Buffer::of_any(shape.images * shape.out_len());
    pool::max(&shape, &x.values, &mut values);
    let (height, width) = (shape.out_height(), shape.out_width());
    let mut y =
        CpuActivations::new(values, Extents { images: shape.images, height, width, channels: shape.c_out })?;
    let (y_values, y_gradient) = (Arc::clone(&y.values), Arc::clone(&y.gradient));
    y.token = x.token.apply_op1(MaxPool { shape, x: x.clone(), y: y_values, y_gradient })?;
    Ok(y)
}

struct AveragePool(CpuActivations);

impl CustomOp1 for AveragePool {
    fn name(&self) -> &'static str {
        "llp-global-average-pool"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let Extents { images, height, width, channels } = self.0.extents;
        let y = pool::average(&self.0.values, height * width, channels);
        Ok((CpuStorage::F32(y), (images, channels).into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, y_gradient: &Tensor) -> Result<Option<Tensor>> {
        let Extents { height, width, channels, .. } = self.0.extents;
        let mut gradient = Buffer::of_any(self.0.values.len());
        with_slices([y_gradient], |[y]| {
            pool::average_backward(y, height * width, channels, &mut gradient);
            Ok(())
        })?;
        self.0.gradient.give(gradient);
        token().map(Some)
    }
}

struct MaxPool {
    shape: ConvShape,
    x: CpuActivations,
    y: Arc<Buffer>,
    y_gradient: Arc<Slot>,
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "llp-max-pool"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(token_storage())
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        let y_gradient = self.y_gradient.take()?;
        let mut gradient = Buffer::of_any(self.x.values.len());
        pool::max_backward(&self.shape, (&self.x.values, &self.y), &y_gradient, &mut gradient);
        self.x.gradient.give(gradient);
        token().map(Some)
    }
}
