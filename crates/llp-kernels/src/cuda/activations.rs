//! Activations on a GPU.

use std::sync::Arc;

use candle_core::cuda::CudaDevice;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::array::{Array, device_of, floats, pointer, tensor};
use super::calls::{self, Pointer};
use super::context::Context;
use super::filters::Prepared;
use super::tape::Node;
use crate::activations::Extents;

/// The numbers of activations, in the type of the tensor that they began with.
#[derive(Clone)]
pub(crate) struct CudaActivations {
    pub(super) values: Arc<Array>,
    pub(crate) extents: Extents,
    /// How to send a gradient back; none where none is wanted.
    pub(super) node: Option<Arc<Node>>,
    pub(super) device: CudaDevice,
}

impl CudaActivations {
    /// The beginning of a network, on a variable or a constant.
    pub(crate) fn from_tensor(tensor: &Tensor, extents: Extents) -> Result<Self> {
        check_parameter(tensor)?;
        let device = device_of(tensor)?;
        let values = Array::of_tensor(tensor)?;
        let variable = tensor.track_op().then(|| tensor.clone());
        let node = variable.map(|variable| {
            Node::new(Vec::new(), move |context, gradient| {
                deliver(&context.device, &variable, gradient.to_floats(context)?)
            })
        });
        Ok(Self { values: Arc::new(values), extents, node, device })
    }

    /// The result of an operation.
    pub(super) fn result(&self, values: Arc<Array>, extents: Extents, node: Option<Arc<Node>>) -> Self {
        Self { values, extents, node, device: self.device.clone() }
    }

    pub(super) fn context(&self) -> Result<std::rc::Rc<Context>> {
        Context::of(&self.device)
    }

    pub(super) fn pointer(&self) -> Pointer {
        self.values.pointer()
    }

    /// Converts filters for the convolutions on these activations and what comes from them.
    pub(crate) fn prepare_filters(&self, weights: &[Tensor]) -> Result<Prepared> {
        Prepared::new(&self.device, self.values.kind(), weights)
    }

    /// The numbers as a tensor of floats.
    pub(crate) fn to_tensor(&self) -> Result<Tensor> {
        self.leave(Exit::All)
    }

    /// The mean over height and width, `[image, channel]` in floats.
    pub(crate) fn global_average_pool(&self) -> Result<Tensor> {
        self.leave(Exit::Pooled)
    }

    fn leave(&self, exit: Exit) -> Result<Tensor> {
        let anchor = self.context()?.anchor(self.node.is_some());
        anchor.apply_op1(Leave { activations: self.clone(), exit })
    }
}

/// How activations become a tensor.
#[derive(Clone, Copy)]
enum Exit {
    All,
    Pooled,
}

/// The one operation that candle sees.
struct Leave {
    activations: CudaActivations,
    exit: Exit,
}

impl Leave {
    /// Images, pixels of each, channels.
    fn pool(&self) -> [usize; 3] {
        let Extents { images, height, width, channels } = self.activations.extents;
        [images, height * width, channels]
    }
}

impl CustomOp1 for Leave {
    fn name(&self) -> &'static str {
        "llp-tensor"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("activations on a GPU become a tensor there")
    }

    #[expect(unsafe_code, reason = "runs kernels")]
    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        let Self { activations, exit } = self;
        let (context, kind) = (activations.context()?, activations.values.kind());
        let [images, _, channels] = self.pool();
        let shape: Shape = match exit {
            Exit::All => activations.extents.into(),
            Exit::Pooled => (images, channels).into(),
        };
        let out = floats(&activations.device, shape.elem_count())?;
        let (from, to) = (activations.pointer(), super::array::address(&out));
        let call = match exit {
            Exit::All => calls::to_f32(kind, from, to, shape.elem_count()),
            Exit::Pooled => calls::average_pool(kind, from, to, self.pool()),
        };
        // SAFETY: the activations have the numbers of their extents, and the result those of its shape.
        unsafe { context.run(&call)? };
        Ok((CudaStorage::wrap_cuda_slice(out, activations.device.clone()), shape))
    }

    #[expect(unsafe_code, reason = "runs kernels")]
    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let Self { activations, exit } = self;
        let Some(node) = &activations.node else { return Ok(None) };
        let (context, kind) = (activations.context()?, activations.values.kind());
        let gradient = gradient.contiguous()?;
        let sent = Array::of_any(&activations.device, kind, activations.values.len())?;
        let (from, to) = (pointer(&gradient)?, sent.pointer());
        let call = match exit {
            Exit::All => calls::from_f32(kind, from, to, sent.len()),
            Exit::Pooled => calls::average_pool_backward(kind, from, to, self.pool()),
        };
        // SAFETY: as in the forward pass, with the gradient, in floats, in place of the result.
        unsafe { context.run(&call)? };
        node.back(&context, sent)?;
        // The variable that represents the parameters has no gradient of its own.
        Ok(None)
    }
}

/// Hands the gradient of a parameter over, as many floats as that has.
pub(super) fn deliver(
    device: &CudaDevice,
    parameter: &Tensor,
    gradient: cudarc::driver::CudaSlice<f32>,
) -> Result<()> {
    deliver_tensor(parameter, tensor(device, gradient, parameter.shape()))
}

/// The same, of the parameter's shape.
pub(super) fn deliver_tensor(parameter: &Tensor, gradient: Tensor) -> Result<()> {
    match crate::backward::hand_over(parameter, gradient) {
        None => Ok(()),
        Some(_) => bail!(
            "gradients of operations on a GPU are found by llp_kernels::backward, not by Tensor::backward"
        ),
    }
}

/// Refuses a tensor that depends on variables without being one: its gradient would have nowhere to go.
pub(super) fn check_parameter(parameter: &Tensor) -> Result<()> {
    if parameter.track_op() && !parameter.is_variable() {
        bail!(
            "parameters of operations on a GPU are variables, or constants: this one is the result of an operation"
        );
    }
    Ok(())
}
