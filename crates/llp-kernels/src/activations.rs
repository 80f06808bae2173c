//! Activations between the operations of this crate.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, bail};

use crate::buffer::Buffer;
#[cfg(feature = "cuda")]
use crate::cuda::activations::CudaActivations;
use crate::tensor::{check_f32, slice, tensor_like, with_slices};

/// Activations of a network, `[image, height, width, channel]`, under candle's automatic differentiation.
///
/// candle's own tensors cannot pass a gradient on without copying it: for every operand it allocates zeros, adds
/// the gradient to them and keeps the sum in a third array. For activations that is more work than many
/// layers. So the numbers of activations, and the gradients that flow back to them, live in arrays that the
/// operations of this crate share and use again; candle sees a token, a tensor with a single 0, by which it
/// knows what depends on what and in which order to go back.
///
/// [`Activations::from_tensor`] and [`Activations::to_tensor`] are the way in and out, each a copy and differentiable.
/// Dropping the last tensor that depends on them returns the arrays.
///
/// On a GPU (feature `cuda`) they keep the type of their tensor, `f32` or `bf16`, and become tensors of `f32` again. What
/// they begin with there, and the parameters of operations, are variables or constants, not results of other operations;
/// their gradients are found by [`crate::backward`] alone.
#[derive(Clone)]
pub struct Activations(pub(crate) On);

/// Activations on one of the devices.
#[derive(Clone)]
pub(crate) enum On {
    Cpu(CpuActivations),
    #[cfg(feature = "cuda")]
    Cuda(CudaActivations),
}

/// The numbers of activations on the CPU.
#[derive(Clone)]
pub(crate) struct CpuActivations {
    pub(crate) values: Arc<Buffer>,
    pub(crate) extents: Extents,
    pub(crate) token: Tensor,
    pub(crate) gradient: Arc<Slot>,
}

/// The shape of activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extents {
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl Extents {
    fn of(tensor: &Tensor) -> Result<Self> {
        let (images, height, width, channels) = tensor.dims4()?;
        Ok(Self { images, height, width, channels })
    }

    pub(crate) fn len(self) -> usize {
        self.images * self.height * self.width * self.channels
    }
}

impl From<Extents> for Shape {
    fn from(extents: Extents) -> Self {
        (extents.images, extents.height, extents.width, extents.channels).into()
    }
}

impl Activations {
    /// Activations with the numbers of a tensor `[image, height, width, channel]`.
    ///
    /// # Errors
    /// When the tensor has another rank, no element, or is not `f32` (on a GPU also `bf16`).
    pub fn from_tensor(tensor: &Tensor) -> Result<Self> {
        let extents = Extents::of(tensor)?;
        if extents.len() == 0 {
            bail!("activations cannot be empty, got shape {:?}", tensor.shape());
        }
        #[cfg(feature = "cuda")]
        if tensor.device().is_cuda() {
            return Ok(Self(On::Cuda(CudaActivations::from_tensor(tensor, extents)?)));
        }
        CpuActivations::from_tensor(tensor, extents).map(Self::from)
    }

    /// The numbers as a tensor `[image, height, width, channel]`.
    ///
    /// # Errors
    /// When candle refuses to build it.
    pub fn to_tensor(&self) -> Result<Tensor> {
        match &self.0 {
            On::Cpu(activations) => activations.token.apply_op1(Leave(activations.clone())),
            #[cfg(feature = "cuda")]
            On::Cuda(activations) => activations.to_tensor(),
        }
    }

    /// Images, height, width and channels.
    pub fn dims(&self) -> [usize; 4] {
        let Extents { images, height, width, channels } = self.extents();
        [images, height, width, channels]
    }

    pub(crate) fn extents(&self) -> Extents {
        match &self.0 {
            On::Cpu(activations) => activations.extents,
            #[cfg(feature = "cuda")]
            On::Cuda(activations) => activations.extents,
        }
    }
}

impl From<CpuActivations> for Activations {
    fn from(activations: CpuActivations) -> Self {
        Self(On::Cpu(activations))
    }
}

impl CpuActivations {
    fn from_tensor(tensor: &Tensor, extents: Extents) -> Result<Self> {
        check_f32("the tensor of activations", tensor)?;
        let values = with_slices([tensor], |[values]| Ok(Buffer::copy_of(values)))?;
        let gradient = Arc::new(Slot::default());
        let token = if tensor.track_op() {
            tensor.contiguous()?.apply_op1(Enter(Arc::clone(&gradient)))?
        } else {
            token()?
        };
        Ok(Self { values: Arc::new(values), extents, token, gradient })
    }

    /// The result of an operation, before candle knows what it depends on.
    pub(crate) fn new(values: Buffer, extents: Extents) -> Result<Self> {
        Ok(Self { values: Arc::new(values), extents, token: token()?, gradient: Arc::default() })
    }

    /// Whether a gradient is wanted.
    pub(crate) fn is_tracked(&self) -> bool {
        self.token.track_op()
    }
}

/// What candle sees of activations, and of a gradient that went to a [`Slot`].
pub(crate) fn token() -> Result<Tensor> {
    Tensor::zeros(1, DType::F32, &Device::Cpu)
}

/// The same within an operation's forward pass.
pub(crate) fn token_storage() -> (CpuStorage, Shape) {
    (CpuStorage::F32(vec![0.0]), 1.into())
}

/// The gradient of activations, while it is summed.
#[derive(Default)]
pub(crate) struct Slot(Mutex<Option<Buffer>>);

impl Slot {
    /// Lets `write` write a gradient of `len` numbers, or add it to the existing one if its second argument says so.
    pub(crate) fn fill(&self, len: usize, write: impl FnOnce(&mut [f32], bool) -> Result<()>) -> Result<()> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let add = slot.is_some();
        write(slot.get_or_insert_with(|| Buffer::of_any(len)), add)
    }

    /// Adds a gradient.
    pub(crate) fn give(&self, gradient: Buffer) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.as_mut() {
            Some(sum) => crate::cpu::add(sum, &gradient),
            None => *slot = Some(gradient),
        }
    }

    /// The whole gradient. candle goes back through a result only after everything that depends on it.
    pub(crate) fn take(&self) -> Result<Buffer> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(gradient) => Ok(gradient),
            None => bail!("no gradient has reached these activations"),
        }
    }
}

struct Enter(Arc<Slot>);

impl CustomOp1 for Enter {
    fn name(&self) -> &'static str {
        "llp-activations"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(token_storage())
    }

    fn bwd(&self, tensor: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        tensor_like(self.0.take()?.to_vec(), tensor.shape(), tensor).map(Some)
    }
}

struct Leave(CpuActivations);

impl CustomOp1 for Leave {
    fn name(&self) -> &'static str {
        "llp-tensor"
    }

    fn cpu_fwd(&self, token: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        slice(token, layout)?;
        Ok((CpuStorage::F32(self.0.values.to_vec()), self.0.extents.into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        self.0.gradient.give(with_slices([gradient], |[gradient]| Ok(Buffer::copy_of(gradient)))?);
        token().map(Some)
    }
}
