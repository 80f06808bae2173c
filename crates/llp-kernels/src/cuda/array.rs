//! Arrays on a GPU.
#![expect(unsafe_code, reason = "allocates without writing, which the caller does")]

use candle_core::cuda::CudaDevice;
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, DType, Result, Shape, Storage, Tensor, bail};
use cudarc::driver::{CudaSlice, DevicePtr, DeviceRepr};

use super::calls::{self, Pointer};
use super::context::Context;
use super::kind::Kind;

/// Numbers of one kind.
pub(super) struct Array {
    at: Pointer,
    kind: Kind,
    len: usize,
    _held: Held,
}

/// What keeps the numbers where they are.
#[expect(dead_code, reason = "it is held, not read")]
enum Held {
    Slice(CudaSlice<u8>),
    Tensor(Tensor),
}

impl Array {
    /// `len` numbers of any value: the caller writes them before it reads them.
    pub(super) fn of_any(device: &CudaDevice, kind: Kind, len: usize) -> Result<Self> {
        // SAFETY: bytes of any value are bytes; the operations write an array before anything reads it.
        let bytes = unsafe { device.alloc::<u8>(len * kind.bytes())? };
        Ok(Self { at: address(&bytes), kind, len, _held: Held::Slice(bytes) })
    }

    /// The numbers of an `f32` or `bf16` tensor, in row-major order: those of the tensor itself where they are in that
    /// order. They are not to be written to.
    pub(super) fn of_tensor(tensor: &Tensor) -> Result<Self> {
        let tensor = tensor.contiguous()?;
        let kind = match tensor.dtype() {
            DType::F32 => Kind::F32,
            DType::BF16 => Kind::Bf16,
            other => bail!("activations on a GPU are f32 or bf16, got {other:?}"),
        };
        Ok(Self { at: pointer(&tensor)?, kind, len: tensor.elem_count(), _held: Held::Tensor(tensor) })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the numbers are.
    pub(super) fn pointer(&self) -> Pointer {
        self.at
    }

    /// The numbers as floats.
    pub(super) fn to_floats(&self, context: &Context) -> Result<CudaSlice<f32>> {
        let result = floats(&context.device, self.len)?;
        // SAFETY: both have `len` numbers.
        unsafe { context.run(&calls::to_f32(self.kind, self.pointer(), address(&result), self.len))? };
        Ok(result)
    }

    /// Adds numbers of the same kind.
    pub(super) fn add(&mut self, context: &Context, term: &Self) -> Result<()> {
        debug_assert_eq!((self.kind, self.len), (term.kind, term.len));
        // SAFETY: both arrays have `len` numbers of the kind.
        unsafe { context.run(&calls::add(self.kind, self.pointer(), term.pointer(), self.len)) }
    }
}

/// `len` floats of any value, for a tensor.
pub(super) fn floats(device: &CudaDevice, len: usize) -> Result<CudaSlice<f32>> {
    // SAFETY: as in `Array::of_any`; every bit pattern is a float.
    unsafe { device.alloc::<f32>(len) }
}

/// The address of a slice. Its stream is that of the context, so no event has to be waited for.
pub(super) fn address<T: DeviceRepr>(slice: &CudaSlice<T>) -> Pointer {
    slice.device_ptr(slice.stream()).0
}

/// A tensor of floats that were written.
pub(super) fn tensor(device: &CudaDevice, slice: CudaSlice<f32>, shape: impl Into<Shape>) -> Tensor {
    let storage = CudaStorage::wrap_cuda_slice(slice, device.clone());
    Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false)
}

/// The address of the first number of a contiguous tensor on a GPU.
pub(super) fn pointer(tensor: &Tensor) -> Result<Pointer> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else { bail!("expected a tensor on a GPU") };
    pointer_of(storage, layout)
}

/// The same for an operand of a custom operation.
pub(super) fn pointer_of(storage: &CudaStorage, layout: &candle_core::Layout) -> Result<Pointer> {
    let Some((start, _)) = layout.contiguous_offsets() else {
        bail!("expected a contiguous tensor, got strides {:?} of {:?}", layout.stride(), layout.shape())
    };
    let (base, bytes) = match candle_core::backend::BackendStorage::dtype(storage) {
        DType::F32 => (address(storage.as_cuda_slice::<f32>()?), 4),
        DType::BF16 => (address(storage.as_cuda_slice::<half::bf16>()?), 2),
        other => bail!("expected f32 or bf16 on a GPU, got {other:?}"),
    };
    Ok(base + (start * bytes) as Pointer)
}

/// The GPU of a tensor.
pub(super) fn device_of(tensor: &Tensor) -> Result<CudaDevice> {
    Ok(tensor.device().as_cuda_device()?.clone())
}
