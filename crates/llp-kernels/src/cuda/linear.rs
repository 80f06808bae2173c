//! The end of a network on a GPU: the mean over all pixels and a linear layer.
#![expect(unsafe_code, reason = "runs kernels")]

use std::sync::OnceLock;

use candle_core::backend::BackendStorage as _;
use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Storage, Tensor, bail};

use super::activations::{CudaActivations, check_parameter, deliver, deliver_tensor};
use super::array::{Array, address, floats, pointer};
use super::calls;
use super::context::Context;

impl CudaActivations {
    /// `[image, class]`. The weight is `[class, channel]`, the bias `[class]`; their extents have been checked.
    pub(crate) fn pooled_linear(&self, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        for parameter in [Some(weight), bias].into_iter().flatten() {
            check_parameter(parameter)?;
        }
        let is_tracked = [Some(weight), bias].into_iter().flatten().any(Tensor::track_op);
        let anchor = self.context()?.anchor(is_tracked || self.node.is_some());
        anchor.apply_op1(PooledLinear {
            activations: self.clone(),
            weight: weight.contiguous()?,
            bias: bias.map(Tensor::contiguous).transpose()?,
            features: OnceLock::new(),
        })
    }
}

struct PooledLinear {
    activations: CudaActivations,
    weight: Tensor,
    bias: Option<Tensor>,
    /// Set by the forward pass, `[image, channel]`.
    features: OnceLock<Tensor>,
}

impl PooledLinear {
    fn n_classes(&self) -> Result<usize> {
        self.weight.dim(0)
    }

    /// Images, pixels of each, channels.
    fn pool(&self) -> [usize; 3] {
        let extents = self.activations.extents;
        [extents.images, extents.height * extents.width, extents.channels]
    }

    fn context(&self) -> Result<std::rc::Rc<Context>> {
        self.activations.context()
    }

    /// The gradients of weight and bias.
    fn deliver(&self, gradient: &Tensor, features: &Tensor) -> Result<()> {
        if self.weight.track_op() {
            deliver_tensor(&self.weight, gradient.t()?.matmul(features)?)?;
        }
        let Some(bias) = self.bias.as_ref().filter(|bias| bias.track_op()) else { return Ok(()) };
        let ([images, ..], n_classes, device) = (self.pool(), self.n_classes()?, &self.activations.device);
        let sums = floats(device, n_classes)?;
        let call = calls::column_sums(pointer(gradient)?, address(&sums), images, n_classes);
        // SAFETY: the gradient is `[image, class]`, and there is a sum for each class.
        unsafe { self.context()?.run(&call)? };
        deliver(device, bias, sums)
    }
}

impl CustomOp1 for PooledLinear {
    fn name(&self) -> &'static str {
        "llp-pooled-linear"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("activations on a GPU become logits there")
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        let Self { activations, weight, bias, .. } = self;
        let ([images, _, channels], n_classes) = (self.pool(), self.n_classes()?);
        let (context, device) = (self.context()?, &activations.device);
        let features = floats(device, images * channels)?;
        let (kind, from) = (activations.values.kind(), activations.pointer());
        // SAFETY: the activations have the numbers of their extents, and there is a feature for each image and channel.
        unsafe { context.run(&calls::average_pool(kind, from, address(&features), self.pool()))? };
        let features = CudaStorage::wrap_cuda_slice(features, device.clone());
        let logits = {
            let (weight, layout) = weight.storage_and_layout();
            let Storage::Cuda(weight) = &*weight else {
                bail!("the weight of a linear layer is not on the GPU")
            };
            let of_features = Layout::contiguous((images, channels));
            features.matmul(
                weight,
                (1, images, n_classes, channels),
                &of_features,
                &layout.transpose(0, 1)?,
            )?
        };
        if let Some(bias) = bias {
            let (values, bias) = (address(logits.as_cuda_slice::<f32>()?), pointer(bias)?);
            // SAFETY: there are logits for each image and class, and a bias for each class.
            unsafe { context.run(&calls::add_bias(values, bias, images, n_classes))? };
        }
        // candle calls the forward pass once per operation.
        let features =
            Tensor::from_storage(Storage::Cuda(features), (images, channels), BackpropOp::none(), false);
        let _ = self.features.set(features);
        Ok((logits, (images, n_classes).into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let Some(features) = self.features.get() else { bail!("a linear layer: backward without forward") };
        let gradient = gradient.contiguous()?;
        self.deliver(&gradient, features)?;
        let Some(node) = &self.activations.node else { return Ok(None) };
        let (context, values) = (self.context()?, &self.activations.values);
        let of_features = gradient.matmul(&self.weight.detach())?;
        let sent = Array::of_any(&self.activations.device, values.kind(), values.len())?;
        let (from, to) = (pointer(&of_features)?, sent.pointer());
        // SAFETY: as in the forward pass, with gradients in place of features and activations.
        unsafe { context.run(&calls::average_pool_backward(values.kind(), from, to, self.pool()))? };
        node.back(&context, sent)?;
        // The variable that represents the parameters has no gradient of its own.
        Ok(None)
    }
}
