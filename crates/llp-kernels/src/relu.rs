//! The rectifier on plain tensors.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::tensor::{CHUNK_LEN, check_f32, slice, tensor_like, with_slices};

/// `max(0, x)` of a tensor of any shape, with gradient 0 at 0.
///
/// # Errors
/// When the tensor is not `f32`.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    check_f32("the tensor of a ReLU", x)?;
    x.contiguous()?.apply_op1(Relu)
}

struct Relu;

impl CustomOp1 for Relu {
    fn name(&self) -> &'static str {
        "llp-relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, layout)?;
        let y = x.par_iter().with_min_len(CHUNK_LEN).map(|&x| if x < 0.0 { 0.0 } else { x }).collect();
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        crate::cuda::relu::relu(x, layout)
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        #[cfg(feature = "cuda")]
        if x.device().is_cuda() {
            return crate::cuda::relu::relu_backward(y, gradient).map(Some);
        }
        let values = with_slices([y, gradient], |[y, gradient]| {
            let passed = |(y, gradient): (&f32, &f32)| if *y > 0.0 { *gradient } else { 0.0 };
            Ok(y.par_iter().zip(gradient).with_min_len(CHUNK_LEN).map(passed).collect())
        })?;
        tensor_like(values, x.shape(), x).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// Negative numbers become 0, and the gradient passes where the result is positive, so not at 0.
    #[test]
    fn passes_what_is_positive() {
        let x = Var::new(&[-2.0_f32, -0.0, 0.0, 3.0], &Device::Cpu).unwrap();
        let y = relu(&x).unwrap();
        assert_eq!(y.to_vec1::<f32>().unwrap(), [0.0, 0.0, 0.0, 3.0]);
        let weights = Tensor::new(&[1.0_f32, 2.0, 4.0, 8.0], &Device::Cpu).unwrap();
        let gradients = (y * weights).unwrap().sum_all().unwrap().backward().unwrap();
        assert_eq!(gradients.get(&x).unwrap().to_vec1::<f32>().unwrap(), [0.0, 0.0, 0.0, 8.0]);
    }

    /// A logit that is no number stays one: a diverged training must be seen.
    #[test]
    fn keeps_what_is_no_number() {
        let x = Tensor::new(&[f32::NAN], &Device::Cpu).unwrap();
        assert!(relu(&x).unwrap().to_vec1::<f32>().unwrap()[0].is_nan());
    }
}
