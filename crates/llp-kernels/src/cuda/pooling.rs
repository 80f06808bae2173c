//! Max pooling of activations on a GPU.
#![expect(unsafe_code, reason = "runs kernels")]

use std::sync::Arc;

use candle_core::Result;

use super::activations::CudaActivations;
use super::array::{Array, address};
use super::calls;
use super::tape::Node;
use crate::activations::Extents;
use crate::cpu::shape::ConvShape;

impl CudaActivations {
    /// The largest value of each window; the shape has been checked.
    pub(crate) fn max_pool(&self, shape: ConvShape) -> Result<Self> {
        let (context, kind) = (self.context()?, self.values.kind());
        let y = Array::of_any(&self.device, kind, shape.images * shape.out_len())?;
        // SAFETY: the winners are read only after the kernel has written them.
        let winners = unsafe { self.device.alloc::<u16>(y.len())? };
        // SAFETY: the activations have the extents of the shape, and there is a winner for each result.
        unsafe {
            context.run(&calls::max_pool(kind, &shape, self.pointer(), y.pointer(), address(&winners)))?;
        }
        let node = self.node.clone().map(|parent| {
            let (n, of_x) = (self.values.len(), Arc::clone(&parent));
            Node::new(vec![parent], move |context, gradient| {
                let x_gradient = Array::of_any(&context.device, kind, n)?;
                let (from, to) = (gradient.pointer(), x_gradient.pointer());
                // SAFETY: the gradients have the extents of what they belong to.
                unsafe {
                    context.run(&calls::max_pool_backward(kind, &shape, from, address(&winners), to))?;
                }
                of_x.give(context, x_gradient)
            })
        });
        let (height, width) = (shape.out_height(), shape.out_width());
        let extents = Extents { images: shape.images, height, width, channels: shape.c_out };
        Ok(self.result(Arc::new(y), extents, node))
    }
}
