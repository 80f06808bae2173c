//! Convolution of activations on a GPU.
#![expect(unsafe_code, reason = "runs kernels and convolutions")]

use std::sync::Arc;

use candle_core::cuda::gemm_reduced_precision_f32;
use candle_core::{Result, Tensor, bail};

use super::activations::{CudaActivations, check_parameter, deliver};
use super::array::{Array, address, floats, pointer};
use super::calls;
use super::context::Context;
use super::cudnn::{Operands, Pass, PlanKey};
use super::kind::Kind;
use super::tape::Node;
use crate::activations::Extents;
use crate::cpu::shape::ConvShape;
use crate::math::is_deterministic;

impl CudaActivations {
    /// `weight` is `[c_out, c_in, kernel_height, kernel_width]` in floats.
    pub(crate) fn conv2d(&self, weight: &Tensor, shape: ConvShape) -> Result<Self> {
        check_parameter(weight)?;
        let largest = shape.images * shape.in_len().max(shape.out_len());
        if i32::try_from(largest).is_err() {
            bail!(
                "cuDNN counts no further than 2^31 numbers, and {} images make {largest}: have the network see fewer at once (optim.images_per_chunk)",
                shape.images
            );
        }
        let (context, kind) = (self.context()?, self.values.kind());
        let weight = weight.contiguous()?;
        let filters = Array::of_any(&self.device, kind, weight.elem_count())?;
        let y = Array::of_any(&self.device, kind, shape.images * shape.out_len())?;
        let operands = Operands { x: self.pointer(), filters: filters.pointer(), y: y.pointer() };
        // SAFETY: the arrays were allocated with the extents of the shape, and those of the activations and the weight
        // were checked against it.
        unsafe {
            context.run(&calls::pack_filters(kind, &shape, pointer(&weight)?, filters.pointer()))?;
            context.cudnn.run(&key(shape, kind, Pass::Forward), operands)?;
        }
        let (height, width) = (shape.out_height(), shape.out_width());
        let extents = Extents { images: shape.images, height, width, channels: shape.c_out };
        let node = (self.node.is_some() || weight.track_op()).then(|| {
            let back = Back { shape, x: self.clone(), weight, filters };
            Node::new(self.node.iter().cloned().collect(), move |context, gradient| {
                back.send(context, &gradient)
            })
        });
        Ok(self.result(Arc::new(y), extents, node))
    }
}

fn key(shape: ConvShape, kind: Kind, pass: Pass) -> PlanKey {
    PlanKey {
        adds: false,
        shape,
        kind,
        pass,
        tf32: gemm_reduced_precision_f32(),
        deterministic: is_deterministic(),
    }
}

/// What the backward pass needs.
struct Back {
    shape: ConvShape,
    x: CudaActivations,
    weight: Tensor,
    filters: Array,
}

impl Back {
    fn send(&self, context: &Context, y_gradient: &Array) -> Result<()> {
        let kind = self.filters.kind();
        if let Some(node) = &self.x.node {
            node.fill(|sum| {
                let first = match sum {
                    Some(_) => None,
                    None => Some(Array::of_any(&context.device, kind, self.x.values.len())?),
                };
                let Some(into) = first.as_ref().or(sum) else { unreachable!("one of both is there") };
                let key = PlanKey { adds: first.is_none(), ..key(self.shape, kind, Pass::InputGradient) };
                let operands =
                    Operands { x: into.pointer(), filters: self.filters.pointer(), y: y_gradient.pointer() };
                // SAFETY: as in the forward pass, with gradients in place of the activations.
                unsafe { context.cudnn.run(&key, operands)? };
                Ok(first)
            })?;
        }
        if !self.weight.track_op() {
            return Ok(());
        }
        let packed = Array::of_any(&context.device, kind, self.filters.len())?;
        let gradient = floats(&context.device, self.filters.len())?;
        let operands = Operands { x: self.x.pointer(), filters: packed.pointer(), y: y_gradient.pointer() };
        // SAFETY: the same, with the gradient of the filters in their place; then it is laid out as the weight is.
        unsafe {
            context.cudnn.run(&key(self.shape, kind, Pass::WeightGradient), operands)?;
            context.run(&calls::unpack_filters(kind, &self.shape, packed.pointer(), address(&gradient)))?;
        }
        deliver(&context.device, &self.weight, gradient)
    }
}
