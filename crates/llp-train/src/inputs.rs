//! Where the inputs of a training step come from.

use candle_core::{DType, Device, Tensor};
use llp_bags::{Edge, EpochAugmentation};
use llp_kernels::{Changes, ImageStore, is_out_of_memory};
use llp_sweep::config::Precision;

use crate::{TrainError, TrainingData, batch};

/// Training instances as the network sees them. A GPU that has room for all images holds them as bytes, and augments and
/// normalizes there; else that is done on the CPU, and values are copied.
#[derive(Debug)]
pub(crate) struct Inputs {
    store: Option<ImageStore>,
    dtype: DType,
    device: Device,
}

impl Inputs {
    /// Inputs for a network that computes in this precision.
    ///
    /// # Errors
    /// When the device fails by anything but too little memory.
    pub(crate) fn new(
        data: &TrainingData,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let images = data.bags.data().as_images();
        let store = images.map(|images| ImageStore::new(images.pixels(), images.shape(), device));
        let store = match store.transpose() {
            // There may be room for a step.
            Err(error) if is_out_of_memory(&error) => None,
            store => store?.flatten(),
        };
        let dtype = if precision == Precision::Bfloat16 { DType::BF16 } else { DType::F32 };
        Ok(Self { store, dtype, device: device.clone() })
    }

    /// The inputs for some instances, augmented.
    pub(crate) fn of(
        &self,
        data: &TrainingData,
        instances: &[u32],
        augmentation: &EpochAugmentation,
    ) -> Result<Tensor, TrainError> {
        let TrainingData { bags, normalization, .. } = data;
        // The kernel of the GPU shifts, repeats the pixels at the edge, mirrors, and does nothing else.
        let is_for_gpu = augmentation.edge() == Edge::Repeat && !augmentation.is_strong();
        let Some(store) = self.store.as_ref().filter(|_| is_for_gpu) else {
            let inputs =
                batch::inputs(bags.data(), instances, Some(augmentation), normalization, &self.device)?;
            return Ok(if bags.data().as_images().is_some() { inputs.to_dtype(self.dtype)? } else { inputs });
        };
        let (scale, offset) = normalization.of_bytes();
        let packed = augmentation.packed(instances);
        let (packed, shift) = (&packed[..], augmentation.shift());
        let changes = Changes { instances, packed, shift, scale: &scale, offset: &offset };
        Ok(store.prepare(&changes, self.dtype)?)
    }
}
