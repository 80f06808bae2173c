//! Images that stay on a GPU.
#![expect(unsafe_code, reason = "runs kernels")]

use candle_core::cuda::CudaDevice;
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, DType, Result, Storage, Tensor, bail};
use cudarc::driver::CudaSlice;

use super::array::{address, floats};
use super::calls::{Pointer, Preparation, prepare_images};
use super::context::Context;
use super::kind::Kind;
use crate::image_store::Changes;

/// Bytes `[image, height, width, channel]`.
pub(crate) struct CudaImages {
    bytes: CudaSlice<u8>,
    shape: [usize; 3],
    device: CudaDevice,
}

impl CudaImages {
    pub(crate) fn new(bytes: &[u8], shape: [usize; 3], device: &CudaDevice) -> Result<Self> {
        Ok(Self { bytes: device.clone_htod(bytes)?, shape, device: device.clone() })
    }

    /// The arguments have been checked.
    pub(crate) fn prepare(&self, changes: &Changes<'_>, dtype: DType) -> Result<Tensor> {
        let (device, [height, width, channels]) = (&self.device, self.shape);
        let n = changes.instances.len();
        // All in one copy: which images, their changes, scales and offsets, 32 bits each.
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let (scale, offset) = (bits(changes.scale), bits(changes.offset));
        let words = device.clone_htod(&[changes.instances, changes.packed, &scale, &offset].concat())?;
        let at = |n_words: usize| address(&words) + (n_words * size_of::<u32>()) as Pointer;
        let from = Preparation {
            images: address(&self.bytes),
            instances: at(0),
            changes: at(n),
            scale: at(2 * n),
            offset: at(2 * n + channels),
            shape: self.shape,
            shift: changes.shift,
            n_instances: n,
        };
        let len = n * height * width * channels;
        let run = |kind: Kind, into: Pointer| -> Result<()> {
            // SAFETY: instances are below the number of images; the result has the extents that these give it.
            unsafe { Context::of(device)?.run(&prepare_images(kind, &from, into)) }
        };
        let storage = match dtype {
            DType::F32 => {
                let result = floats(device, len)?;
                run(Kind::F32, address(&result))?;
                CudaStorage::wrap_cuda_slice(result, device.clone())
            }
            DType::BF16 => {
                // SAFETY: every bit pattern is a number, and the kernel writes all of them.
                let result = unsafe { device.alloc::<half::bf16>(len)? };
                run(Kind::Bf16, address(&result))?;
                CudaStorage::wrap_cuda_slice(result, device.clone())
            }
            other => bail!("images on a GPU are prepared as f32 or bf16, not {other:?}"),
        };
        let shape = (n, height, width, channels);
        Ok(Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false))
    }
}
