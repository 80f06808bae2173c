//! Convolution of activations on a GPU.
#![expect(unsafe_code, reason = "runs convolutions")]

use std::sync::Arc;

use candle_core::cuda::gemm_reduced_precision_f32;
use candle_core::{Result, Tensor, bail};

use super::activations::{CudaActivations, check_parameter};
use super::array::Array;
use super::context::Context;
use super::cudnn::{Operands, Pass, PlanKey};
use super::filters::Filters;
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
        let (filters, place) = Filters::of(&context, kind, &weight)?;
        let y = Array::of_any(&self.device, kind, shape.images * shape.out_len())?;
        let operands = Operands { x: self.pointer(), filters: filters.pointer(place), y: y.pointer() };
        // SAFETY: the arrays have the extents of the shape, against which those of the activations and the weight were
        // checked.
        unsafe { context.cudnn.run(&key(shape, kind, Pass::Forward), operands)? };
        let (height, width) = (shape.out_height(), shape.out_width());
        let extents = Extents { images: shape.images, height, width, channels: shape.c_out };
        let node = (self.node.is_some() || weight.track_op()).then(|| {
            let wants_weight = weight.track_op();
            let back = Back { shape, kind, x: self.clone(), filters, place, wants_weight };
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
    kind: Kind,
    x: CudaActivations,
    filters: Arc<Filters>,
    /// The place of this convolution's among them.
    place: usize,
    wants_weight: bool,
}

impl Back {
    fn send(&self, context: &Context, y_gradient: &Array) -> Result<()> {
        let Self { shape, kind, .. } = *self;
        if let Some(node) = &self.x.node {
            node.fill(|sum| {
                let first = match sum {
                    Some(_) => None,
                    None => Some(Array::of_any(&context.device, kind, self.x.values.len())?),
                };
                let Some(into) = first.as_ref().or(sum) else { unreachable!("one of both is there") };
                let key = PlanKey { adds: first.is_none(), ..key(shape, kind, Pass::InputGradient) };
                let filters = self.filters.pointer(self.place);
                let operands = Operands { x: into.pointer(), filters, y: y_gradient.pointer() };
                // SAFETY: as in the forward pass, with gradients in place of the activations.
                unsafe { context.cudnn.run(&key, operands)? };
                Ok(first)
            })?;
        }
        if self.wants_weight {
            let (filters, adds) = self.filters.gradient(self.place)?;
            let key = PlanKey { adds, ..key(shape, kind, Pass::WeightGradient) };
            let operands = Operands { x: self.x.pointer(), filters, y: y_gradient.pointer() };
            // SAFETY: the same, with the gradient of the filters in their place.
            unsafe { context.cudnn.run(&key, operands)? };
        }
        Ok(())
    }
}
