//! Convolution as a candle operation.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use crate::cpu::conv2d::{Wants, backward, forward};
use crate::cpu::patches::ConvShape;
use crate::tensor::{check_f32, slice, tensor_like, with_slices};

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
/// When a shape does not fit, the stride is zero, or a tensor is not `f32`.
pub fn conv2d(x: &Tensor, weight: &Tensor, config: Conv2dConfig) -> Result<Tensor> {
    check_f32("the input of conv2d", x)?;
    check_f32("the weight of conv2d", weight)?;
    let shape = conv_shape(x, weight, config)?;
    let op = Conv2d { shape, wants: Wants { x: x.track_op(), weight: weight.track_op() } };
    x.contiguous()?.apply_op2(&weight.contiguous()?, op)
}

fn conv_shape(x: &Tensor, weight: &Tensor, config: Conv2dConfig) -> Result<ConvShape> {
    let (images, height, width, c_in) = x.dims4()?;
    let (c_out, weight_c_in, kernel_height, kernel_width) = weight.dims4()?;
    if weight_c_in != c_in {
        bail!("conv2d: the input has {c_in} channels, the weight expects {weight_c_in}");
    }
    let Conv2dConfig { stride, padding } = config;
    if stride == 0 || x.elem_count() == 0 || weight.elem_count() == 0 {
        bail!(
            "conv2d: stride {stride}, input {:?} and weight {:?} must be non-zero",
            x.shape(),
            weight.shape()
        );
    }
    if height + 2 * padding < kernel_height || width + 2 * padding < kernel_width {
        bail!(
            "conv2d: a {kernel_height}x{kernel_width} kernel does not fit {height}x{width} with padding {padding}"
        );
    }
    Ok(ConvShape { images, height, width, c_in, c_out, kernel_height, kernel_width, stride, padding })
}

struct Conv2d {
    shape: ConvShape,
    wants: Wants,
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "llp-conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        let y = forward(s, slice(x, lx)?, slice(w, lw)?);
        Ok((CpuStorage::F32(y), (s.images, s.out_height(), s.out_width(), s.c_out).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _y: &Tensor,
        y_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradients = with_slices([x, weight, y_gradient], |[x, weight, y_gradient]| {
            Ok(backward(&self.shape, x, weight, y_gradient, self.wants))
        })?;
        let x_gradient = gradients.x.map(|g| tensor_like(g, x.shape(), x)).transpose()?;
        let weight_gradient = gradients.weight.map(|g| tensor_like(g, weight.shape(), weight)).transpose()?;
        Ok((x_gradient, weight_gradient))
    }
}
