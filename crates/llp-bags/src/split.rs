//! Choosing instances: a subset to train on, and instances to hold out.

use llp_data::DataError;

use crate::check::{check_fraction, no_instances};
use crate::rng::{self, Purpose};

/// Instances for training and instances set aside, disjoint and each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldOut {
    /// Instances to train on.
    pub train: Vec<u32>,
    /// Instances whose bags choose hyper-parameters.
    pub held_out: Vec<u32>,
}

/// A uniform choice of `limit` of the instances `0..n_instances`, ascending; all of them if there are no more.
///
/// Subsets of one seed are nested: a smaller limit gives a part of what a larger one gives.
///
/// ```
/// let subset = llp_bags::subset(100, 10, 0);
/// assert_eq!(subset.len(), 10);
/// assert_eq!(llp_bags::subset(5, 10, 0), [0, 1, 2, 3, 4]);
/// ```
pub fn subset(n_instances: u32, limit: usize, seed: u64) -> Vec<u32> {
    let mut instances: Vec<u32> = (0..n_instances).collect();
    rng::shuffle(&mut instances, &mut rng::stream(seed, Purpose::Subset, 0));
    instances.truncate(limit);
    instances.sort_unstable();
    instances
}

/// Sets a uniform choice of `fraction` of the `instances` aside, rounded to whole instances.
///
/// The choice depends on the set of instances and the seed, not on any bag size: held-out bags of every size are made
/// of the same instances. At least one instance is left for training. Deviation from the paper, which does not say how
/// its hyper-parameters were chosen.
///
/// # Errors
/// An error unless `0 <= fraction < 1`; no instances; an instance twice.
pub fn hold_out(instances: &[u32], fraction: f64, seed: u64) -> Result<HeldOut, DataError> {
    check_fraction(fraction)?;
    let mut shuffled = sorted_set(instances)?;
    if shuffled.is_empty() {
        return Err(no_instances());
    }
    rng::shuffle(&mut shuffled, &mut rng::stream(seed, Purpose::HeldOut, 0));
    #[expect(clippy::cast_sign_loss, reason = "the fraction is at least 0")]
    let n_held_out = (instances.len() as f64 * fraction).round() as usize;
    let mut train = shuffled.split_off(n_held_out.min(instances.len() - 1));
    train.sort_unstable();
    shuffled.sort_unstable();
    Ok(HeldOut { train, held_out: shuffled })
}

/// The instances in ascending order, so that a draw depends on the set alone.
///
/// # Errors
/// An instance twice.
pub(crate) fn sorted_set(instances: &[u32]) -> Result<Vec<u32>, DataError> {
    let mut sorted = instances.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(sorted),
        Some(pair) => {
            let problem = format!("instance {} appears more than once", pair[0]);
            Err(DataError::new(problem).remedy("an instance belongs to one bag, once"))
        }
    }
}
