//! The end of a network: the mean over all pixels and a linear layer.

use candle_core::{Result, Tensor, bail};

use crate::activations::Activations;
#[cfg(feature = "cuda")]
use crate::activations::On;
use crate::pool::global_average_pool;
use crate::tensor::check_f32;

/// The mean over height and width, times a weight, plus a bias: `[image, height, width, channel]` to logits
/// `[image, class]`.
///
/// `weight` is `[class, channel]`, `bias` `[class]`, both `f32`. It is [`global_average_pool`] with candle's product and sum;
/// on a GPU it is one operation for candle, whose gradients cost no copies.
///
/// # Errors
/// When a shape does not fit, or a parameter is not `f32`.
pub fn pooled_linear(x: &Activations, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    check_f32("the weight of a linear layer", weight)?;
    let (n_classes, channels) = weight.dims2()?;
    if channels != x.extents().channels {
        bail!("a linear layer on {channels} channels cannot take an input of shape {:?}", x.dims());
    }
    if let Some(bias) = bias {
        check_f32("the bias of a linear layer", bias)?;
        if bias.dims() != [n_classes] {
            bail!("a linear layer with {n_classes} results cannot have a bias of shape {:?}", bias.shape());
        }
    }
    #[cfg(feature = "cuda")]
    if let On::Cuda(x) = &x.0 {
        return x.pooled_linear(weight, bias);
    }
    let logits = global_average_pool(x)?.matmul(&weight.t()?)?;
    match bias {
        None => Ok(logits),
        Some(bias) => logits.broadcast_add(bias),
    }
}
