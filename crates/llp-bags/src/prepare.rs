//! Instances as a network sees them.

use llp_data::DataError;
use rayon::prelude::*;

use crate::augment::prepare_images;
use crate::check::{check_buffer, check_channels, check_instances};
use crate::{EpochAugmentation, Features, Instances, Normalization};

/// Writes instances as a network sees them: augmented if asked for, normalized, as `f32`.
///
/// `out` holds one instance after the other, in the order of `instances`. Images become
/// `[instance, height, width, channel]`, with `(pixel / 255 - mean[channel]) / std[channel]`; features become
/// `[instance, column]`, with `(value - mean[column]) / std[column]`, and are not augmented. The draw of an instance
/// depends on the seed and the epoch of `augmentation` and on the instance id only, and the work is shared among
/// rayon's threads, so neither the batch nor the number of threads changes a value.
///
/// # Errors
/// A normalization of other channels, an instance that does not exist, or a buffer of another length.
pub fn prepare(
    data: &Instances,
    instances: &[u32],
    augmentation: Option<&EpochAugmentation>,
    normalization: &Normalization,
    out: &mut [f32],
) -> Result<(), DataError> {
    match data {
        Instances::Images(images) => prepare_images(images, instances, augmentation, normalization, out),
        Instances::Features(features) => prepare_features(features, instances, normalization, out),
    }
}

/// Writes rows as a network sees them, `[instance, column]` in the order of `instances`:
/// `(value - mean[column]) / std[column]`.
fn prepare_features(
    features: &Features,
    instances: &[u32],
    normalization: &Normalization,
    out: &mut [f32],
) -> Result<(), DataError> {
    let n_columns = features.n_columns();
    check_instances(instances, features.len())?;
    check_buffer(out.len(), instances.len(), n_columns)?;
    let (means, stds) = (normalization.mean(), normalization.std());
    check_channels(n_columns, means.len())?;
    features.will_need(instances);
    out.par_chunks_exact_mut(n_columns).zip(instances).with_min_len(256).for_each(|(out, &instance)| {
        let columns = features.row(instance).iter().zip(means.iter().zip(stds));
        for (out, (&value, (&mean, &std))) in out.iter_mut().zip(columns) {
            // In double precision, where no difference of two numbers overflows.
            *out = ((f64::from(value) - f64::from(mean)) / f64::from(std)) as f32;
        }
    });
    Ok(())
}
