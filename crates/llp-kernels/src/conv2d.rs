//! Convolution as a candle operation.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use crate::activations::{Activations, CpuActivations, Extents, On, Slot, token, token_storage};
use crate::backward::hand_over;
use crate::buffer::Buffer;
use crate::cpu::conv2d::{forward, input_gradient, weight_gradient};
use crate::cpu::shape::ConvShape;
use crate::tensor::{check_f32, tensor_like, with_slices};

/// Stride and zero padding, equal in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Distance of neighbouring output pixels in the input, at least 1.
    pub stride: usize,
    /// Rows and columns of zeros around the input.
    pub padding: usize,
}

/// Two-dimensional cross-correlation without bias, as in every deep learning library.
///
/// `x` is `[image, height, width, c_in]`, `weight` `[c_out, c_in, kernel_height, kernel_width]`; the result is
/// `[image, out_height, out_width, c_out]` with `out = (size + 2 padding - kernel) / stride + 1`, rounded down.
///
/// Differentiable in both arguments; only the gradients of arguments that depend on a variable are computed, so
/// the first layer of a network does not pay for the gradient of its images.
///
/// # Errors
/// When a shape does not fit, the stride is zero, or the weight is not `f32`.
pub fn conv2d(x: &Activations, weight: &Tensor, config: Conv2dConfig) -> Result<Activations> {
    check_f32("the weight of conv2d", weight)?;
    let shape = conv_shape(x.extents(), weight, config)?;
    match &x.0 {
        On::Cpu(x) => on_cpu(x, weight, shape).map(Activations::from),
        #[cfg(feature = "cuda")]
        On::Cuda(x) => Ok(Activations(On::Cuda(x.conv2d(weight, shape)?))),
    }
}

fn on_cpu(x: &CpuActivations, weight: &Tensor, shape: ConvShape) -> Result<CpuActivations> {
    let mut values = Buffer::of_any(shape.images * shape.out_len());
    with_slices([weight], |[weight]| forward(&shape, &x.values, weight, &mut values))?;
    let (height, width) = (shape.out_height(), shape.out_width());
    let mut y =
        CpuActivations::new(values, Extents { images: shape.images, height, width, channels: shape.c_out })?;
    let op =
        Conv2d { shape, x: x.clone(), wants_weight: weight.track_op(), y_gradient: Arc::clone(&y.gradient) };
    y.token = x.token.apply_op2(&weight.contiguous()?, op)?;
    Ok(y)
}

fn conv_shape(x: Extents, weight: &Tensor, config: Conv2dConfig) -> Result<ConvShape> {
    let Extents { images, height, width, channels: c_in } = x;
    let (c_out, weight_c_in, kernel_height, kernel_width) = weight.dims4()?;
    if weight_c_in != c_in {
        bail!("conv2d: the input has {c_in} channels, the weight expects {weight_c_in}");
    }
    let Conv2dConfig { stride, padding } = config;
    let shape =
        ConvShape { images, height, width, c_in, c_out, kernel_height, kernel_width, stride, padding };
    shape.check()?;
    Ok(shape)
}

struct Conv2d {
    shape: ConvShape,
    x: CpuActivations,
    wants_weight: bool,
    y_gradient: Arc<Slot>,
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "llp-conv2d"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(token_storage())
    }

    fn bwd(
        &self,
        _: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let y_gradient = self.y_gradient.take()?;
        let of_weight = with_slices([weight], |[weight]| {
            if self.x.is_tracked() {
                self.x.gradient.fill(self.x.values.len(), |gradient, add| {
                    input_gradient(&self.shape, &y_gradient, weight, gradient, add)
                })?;
            }
            if !self.wants_weight {
                return Ok(None);
            }
            let mut gradient = vec![0.0; weight.len()];
            weight_gradient(&self.shape, &self.x.values, &y_gradient, &mut gradient)?;
            Ok(Some(gradient))
        })?;
        let of_x = self.x.is_tracked().then(token).transpose()?;
        let of_weight =
            of_weight.map(|gradient| tensor_like(gradient, weight.shape(), weight)).transpose()?;
        Ok((of_x, of_weight.and_then(|gradient| hand_over(weight, gradient))))
    }
}
