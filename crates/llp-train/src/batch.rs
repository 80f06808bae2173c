//! From bags to tensors.

use candle_core::{Device, Tensor};
use llp_bags::{BagSet, EpochAugmentation, Images, Normalization, prepare};
use llp_loss::BagTargets;

use crate::TrainError;

/// The images of some instances as a network sees them, `[instance, height, width, channel]`.
pub(crate) fn images(
    images: &Images,
    instances: &[u32],
    augmentation: Option<&EpochAugmentation>,
    normalization: &Normalization,
    device: &Device,
) -> Result<Tensor, TrainError> {
    let [height, width, channels] = images.shape();
    let mut values = vec![0.0; instances.len() * images.image_len()];
    prepare(images, instances, augmentation, normalization, &mut values)?;
    Ok(Tensor::from_vec(values, (instances.len(), height, width, channels), device)?)
}

/// What is known of some bags, in the given order.
pub(crate) fn targets(bags: &BagSet, order: &[usize]) -> Result<BagTargets, TrainError> {
    let sizes = order.iter().map(|&bag| bags.instances(bag).len()).collect();
    let imprecision = order.iter().map(|&bag| bags.imprecision(bag).clone()).collect();
    let targets = BagTargets::new(sizes, order.iter().map(|&bag| bags.proportions(bag)))?;
    Ok(targets.with_imprecision(imprecision)?)
}

/// The instances of some bags, bag after bag.
pub(crate) fn instances(bags: &BagSet, order: &[usize]) -> Vec<u32> {
    order.iter().flat_map(|&bag| bags.instances(bag).iter().copied()).collect()
}
