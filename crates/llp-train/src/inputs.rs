//! Where the inputs of a training step come from.

use candle_core::{DType, Device, Tensor};
use llp_bags::EpochAugmentation;
use llp_kernels::{Changes, ImageStore};
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
    pub(crate) fn new(data: &TrainingData, precision: Precision, device: &Device) -> Self {
        // Where there is no room, there may be some for a step.
        let store = data
            .bags
            .data()
            .as_images()
            .and_then(|images| ImageStore::new(images.pixels(), images.shape(), device).unwrap_or(None));
        let dtype = if precision == Precision::Bfloat16 { DType::BF16 } else { DType::F32 };
        Self { store, dtype, device: device.clone() }
    }

    /// The inputs for some instances, augmented.
    pub(crate) fn of(
        &self,
        data: &TrainingData,
        instances: &[u32],
        augmentation: &EpochAugmentation,
    ) -> Result<Tensor, TrainError> {
        let TrainingData { bags, normalization, .. } = data;
        let Some(store) = &self.store else {
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
