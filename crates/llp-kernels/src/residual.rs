//! The end of a residual block.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::tensor::{check_f32, slice, tensor_like, with_slices};

/// Numbers per parallel piece of work.
const CHUNK_LEN: usize = 16_384;

/// `max(0, a + b)` for tensors of one shape, in one pass; both gradients are the same tensor.
///
/// # Errors
/// When the shapes differ or a tensor is not `f32`.
pub fn add_relu(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    check_f32("the first summand of add_relu", a)?;
    check_f32("the second summand of add_relu", b)?;
    if a.shape() != b.shape() {
        bail!("add_relu: the shapes {:?} and {:?} differ", a.shape(), b.shape());
    }
    a.contiguous()?.apply_op2(&b.contiguous()?, AddRelu)
}

struct AddRelu;

impl CustomOp2 for AddRelu {
    fn name(&self) -> &'static str {
        "llp-add-relu"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        // NaN passes through: `max` would hide a diverged network.
        let y = zip_map(slice(a, la)?, slice(b, lb)?, |a, b| if a + b <= 0.0 { 0.0 } else { a + b });
        Ok((CpuStorage::F32(y), la.shape().clone()))
    }

    fn bwd(
        &self,
        a: &Tensor,
        _: &Tensor,
        y: &Tensor,
        y_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = with_slices([y, y_gradient], |[y, gradient]| {
            Ok(zip_map(y, gradient, |y, gradient| if y > 0.0 { gradient } else { 0.0 }))
        })?;
        let gradient = tensor_like(gradient, a.shape(), a)?;
        Ok((Some(gradient.clone()), Some(gradient)))
    }
}

fn zip_map(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; a.len()];
    out.par_chunks_mut(CHUNK_LEN).zip(a.par_chunks(CHUNK_LEN).zip(b.par_chunks(CHUNK_LEN))).for_each(
        |(out, (a, b))| {
            for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
                *out = f(*a, *b);
            }
        },
    );
    out
}
