//! Descriptors for cuDNN of a convolution and its operands.

use candle_core::Result;
use cudarc::cudnn::result::{self, CudnnResult};
use cudarc::cudnn::sys;

use super::{PlanKey, named};
use crate::cuda::kind::Kind;

/// A descriptor, destroyed with its owner.
macro_rules! descriptor {
    ($name:ident, $raw:ty, $create:ident, $destroy:ident) => {
        pub(super) struct $name(pub(super) $raw);

        impl $name {
            fn new() -> CudnnResult<Self> {
                result::$create().map(Self)
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: it was made by its counterpart, and is destroyed once.
                let _ = unsafe { result::$destroy(self.0) };
            }
        }
    };
}

descriptor!(
    TensorDescriptor,
    sys::cudnnTensorDescriptor_t,
    create_tensor_descriptor,
    destroy_tensor_descriptor
);
descriptor!(
    FilterDescriptor,
    sys::cudnnFilterDescriptor_t,
    create_filter_descriptor,
    destroy_filter_descriptor
);
descriptor!(
    ConvolutionDescriptor,
    sys::cudnnConvolutionDescriptor_t,
    create_convolution_descriptor,
    destroy_convolution_descriptor
);

/// What cuDNN wants to know of the operands.
pub(super) struct Descriptors {
    pub(super) x: TensorDescriptor,
    pub(super) y: TensorDescriptor,
    pub(super) filters: FilterDescriptor,
    pub(super) convolution: ConvolutionDescriptor,
}

impl Descriptors {
    pub(super) fn new(key: &PlanKey) -> Result<Self> {
        Self::describe(key).map_err(|error| named(error, format!("describing {:?}", key.shape)))
    }

    fn describe(key: &PlanKey) -> CudnnResult<Self> {
        use sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        use sys::cudnnDataType_t::{CUDNN_DATA_BFLOAT16, CUDNN_DATA_FLOAT};
        use sys::cudnnMathType_t::{CUDNN_DEFAULT_MATH, CUDNN_FMA_MATH};
        use sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC;

        let data = match key.kind {
            Kind::F32 => CUDNN_DATA_FLOAT,
            Kind::Bf16 => CUDNN_DATA_BFLOAT16,
        };
        // Default math may use TF32 for floats.
        let math = if key.kind == Kind::F32 && !key.tf32 { CUDNN_FMA_MATH } else { CUDNN_DEFAULT_MATH };
        let shape = &key.shape;
        let extents = |channels: usize, height: usize, width: usize| {
            [shape.images as i32, channels as i32, height as i32, width as i32]
        };
        let of_filters =
            [shape.c_out, shape.c_in, shape.kernel_height, shape.kernel_width].map(|extent| extent as i32);
        let (padding, stride) = (shape.padding as i32, shape.stride as i32);
        let (x, y, filters, convolution) = (
            TensorDescriptor::new()?,
            TensorDescriptor::new()?,
            FilterDescriptor::new()?,
            ConvolutionDescriptor::new()?,
        );
        let of_x = extents(shape.c_in, shape.height, shape.width);
        let of_y = extents(shape.c_out, shape.out_height(), shape.out_width());
        // SAFETY: the descriptors have just been made.
        unsafe {
            result::set_tensor4d_descriptor(x.0, CUDNN_TENSOR_NHWC, data, of_x)?;
            result::set_tensor4d_descriptor(y.0, CUDNN_TENSOR_NHWC, data, of_y)?;
            result::set_filter4d_descriptor(filters.0, data, CUDNN_TENSOR_NHWC, of_filters)?;
            result::set_convolution2d_descriptor(
                convolution.0,
                padding,
                padding,
                stride,
                stride,
                1,
                1,
                CUDNN_CROSS_CORRELATION,
                CUDNN_DATA_FLOAT,
            )?;
            result::set_convolution_math_type(convolution.0, math)?;
        }
        Ok(Self { x, y, filters, convolution })
    }
}
