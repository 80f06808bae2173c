//! From bags to tensors.

use candle_core::{Device, Tensor};
use llp_bags::{BagSet, EpochAugmentation, InstanceShape, Instances, Normalization, prepare};
use llp_loss::BagTargets;

use crate::TrainError;

/// Some instances as a network sees them: `[instance, height, width, channel]`, or `[instance, column]`.
pub(crate) fn inputs(
    data: &Instances,
    instances: &[u32],
    augmentation: Option<&EpochAugmentation>,
    normalization: &Normalization,
    device: &Device,
) -> Result<Tensor, TrainError> {
    let (n, shape) = (instances.len(), data.shape());
    let mut values = vec![0.0; n * shape.n_values()];
    prepare(data, instances, augmentation, normalization, &mut values)?;
    let extents = match shape {
        InstanceShape::Image([height, width, channels]) => vec![n, height, width, channels],
        InstanceShape::Features(n_columns) => vec![n, n_columns],
    };
    Ok(Tensor::from_vec(values, extents, device)?)
}

/// What is known of some bags, in the given order; the class prior is theirs.
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
