//! Pooling as candle operations.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use crate::cpu::patches::ConvShape;
use crate::cpu::pool;
use crate::tensor::{check_f32, slice, tensor_like, with_slices};

/// The mean over height and width: `[image, height, width, channel]` to `[image, channel]`.
///
/// # Errors
/// When `x` has another rank, no pixel, or is not `f32`.
pub fn global_average_pool(x: &Tensor) -> Result<Tensor> {
    check_f32("the input of a pooling", x)?;
    let (images, height, width, channels) = x.dims4()?;
    if x.elem_count() == 0 {
        bail!("cannot pool an empty tensor of shape {:?}", x.shape());
    }
    x.contiguous()?.apply_op1(AveragePool { images, pixels: height * width, channels })
}

/// The largest value of each `kernel x kernel` window: `[image, height, width, channel]` to
/// `[image, out_height, out_width, channel]`; padding never wins. Of equal values the first gets the gradient.
///
/// # Errors
/// When a shape does not fit, the padding is not smaller than the kernel, or `x` is not `f32`.
pub fn max_pool2d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Tensor> {
    check_f32("the input of a pooling", x)?;
    let (images, height, width, channels) = x.dims4()?;
    if stride == 0 || padding >= kernel || height.min(width) + 2 * padding < kernel || x.elem_count() == 0 {
        bail!(
            "max pooling {kernel}x{kernel}, stride {stride}, padding {padding} does not fit {:?}",
            x.shape()
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
    x.contiguous()?.apply_op1(MaxPool(shape))
}

struct AveragePool {
    images: usize,
    pixels: usize,
    channels: usize,
}

impl CustomOp1 for AveragePool {
    fn name(&self) -> &'static str {
        "llp-global-average-pool"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = pool::average(slice(x, layout)?, self.pixels, self.channels);
        Ok((CpuStorage::F32(y), (self.images, self.channels).into()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, y_gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient =
            with_slices([y_gradient], |[y]| Ok(pool::average_backward(y, self.pixels, self.channels)))?;
        tensor_like(gradient, x.shape(), x).map(Some)
    }
}

struct MaxPool(ConvShape);

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "llp-max-pool"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = &self.0;
        let y = pool::max(shape, slice(x, layout)?);
        Ok((CpuStorage::F32(y), (shape.images, shape.out_height(), shape.out_width(), shape.c_out).into()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, y_gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = with_slices([x, y_gradient], |[x, y]| Ok(pool::max_backward(&self.0, x, y)))?;
        tensor_like(gradient, x.shape(), x).map(Some)
    }
}
