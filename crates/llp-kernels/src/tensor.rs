//! Borrowing the numbers of candle tensors.

use candle_core::{CpuStorage, DType, InplaceOp2, InplaceOp3, Layout, Result, Shape, Storage, Tensor, bail};
use rayon::prelude::*;

/// Numbers per parallel piece of work where the numbers are independent.
pub(crate) const CHUNK_LEN: usize = 65_536;

/// The numbers of a contiguous `f32` storage, as a custom operation receives it.
pub(crate) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => {
            bail!("expected a contiguous tensor, got strides {:?} of {:?}", layout.stride(), layout.shape())
        }
    }
}

/// The same, to write to.
pub(crate) fn slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("expected contiguous f32 numbers, as weights are"),
    }
}

/// An update of each number of a tensor, in place, by the numbers in its place in one tensor or two others.
pub(crate) struct Each<F> {
    pub(crate) name: &'static str,
    pub(crate) update: F,
}

impl<F: Fn(&mut f32, f32) + Sync> InplaceOp2 for Each<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, lx: &Layout, a: &CpuStorage, la: &Layout) -> Result<()> {
        let (x, a) = (slice_mut(x, lx)?, slice(a, la)?);
        x.par_chunks_mut(CHUNK_LEN).zip(a.par_chunks(CHUNK_LEN)).for_each(|(x, a)| {
            x.iter_mut().zip(a).for_each(|(x, a)| (self.update)(x, *a));
        });
        Ok(())
    }
}

impl<F: Fn(&mut f32, f32, f32) + Sync> InplaceOp3 for Each<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        lx: &Layout,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<()> {
        let (x, a, b) = (slice_mut(x, lx)?, slice(a, la)?, slice(b, lb)?);
        let others = a.par_chunks(CHUNK_LEN).zip(b.par_chunks(CHUNK_LEN));
        x.par_chunks_mut(CHUNK_LEN).zip(others).for_each(|(x, (a, b))| {
            x.iter_mut().zip(a.iter().zip(b)).for_each(|(x, (a, b))| (self.update)(x, *a, *b));
        });
        Ok(())
    }
}

/// Calls `f` with the numbers of `f32` tensors on the CPU, each in row-major order.
pub(crate) fn with_slices<const N: usize, R>(
    tensors: [&Tensor; N],
    f: impl FnOnce([&[f32]; N]) -> Result<R>,
) -> Result<R> {
    let mut contiguous = Vec::with_capacity(N);
    for tensor in tensors {
        contiguous.push(tensor.contiguous()?);
    }
    let borrowed: Vec<_> = contiguous.iter().map(Tensor::storage_and_layout).collect();
    let mut slices: [&[f32]; N] = [&[]; N];
    for (out, (storage, layout)) in slices.iter_mut().zip(&borrowed) {
        match &**storage {
            Storage::Cpu(storage) => *out = slice(storage, layout)?,
            _ => bail!("expected a tensor on the CPU"),
        }
    }
    f(slices)
}

/// What the operations of this crate demand of their inputs.
pub(crate) fn check_f32(name: &str, tensor: &Tensor) -> Result<()> {
    match tensor.dtype() {
        DType::F32 => Ok(()),
        other => bail!("{name} must be f32, got {other:?}"),
    }
}

/// A new tensor beside `like`.
pub(crate) fn tensor_like(values: Vec<f32>, shape: impl Into<Shape>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, shape, like.device())
}
