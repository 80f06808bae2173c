//! Drawing bags from a set of instances.

mod cluster;
mod column;
mod dirichlet;

pub use cluster::partition_by_clusters;
pub use column::partition_by_groups;
pub use dirichlet::partition_by_shares;

use llp_data::DataError;

use crate::check::no_instances;
use crate::rng::{self, Purpose};
use crate::split::sorted_set;

/// A set of instances cut into bags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The instances of each bag, ascending.
    pub bags: Vec<Vec<u32>>,
    /// Instances that did not fill another bag, ascending.
    pub remainder: Vec<u32>,
}

/// Cuts `instances` into as many bags of `bag_size` as they fill, uniformly and without replacement.
///
/// The bags are drawn once and stay for the whole training. They depend on the set of instances, the size and the
/// seed; bags of different sizes are drawn independently. Fewer than `bag_size` instances remain; they are returned,
/// never dropped in silence.
///
/// Source: [dulac-arnold:19] section 4.1, "Training data". Deviation: none.
///
/// # Errors
/// No instances; an instance twice; an error unless `1 <= bag_size <= instances.len()`.
///
/// ```
/// let partition = llp_bags::partition(&[0, 1, 2, 3, 4, 5, 6], 3, 42)?;
/// assert_eq!((partition.bags.len(), partition.remainder.len()), (2, 1));
/// # Ok::<(), llp_bags::DataError>(())
/// ```
pub fn partition(instances: &[u32], bag_size: usize, seed: u64) -> Result<Partition, DataError> {
    let mut shuffled = checked(instances, bag_size)?;
    rng::shuffle(&mut shuffled, &mut rng::stream(seed, Purpose::Bags, bag_size as u64));
    Ok(cut(&shuffled, bag_size))
}

/// The instances in ascending order, once it is known that they fill a bag.
fn checked(instances: &[u32], bag_size: usize) -> Result<Vec<u32>, DataError> {
    let n_instances = instances.len();
    if n_instances == 0 {
        return Err(no_instances());
    }
    if bag_size == 0 || bag_size > n_instances {
        let problem = format!("bag size {bag_size} is not possible with {n_instances} instances");
        return Err(DataError::new(problem).remedy(format!("choose 1 to {n_instances}")));
    }
    sorted_set(instances)
}

/// Cuts instances into bags in the order in which they are listed.
fn cut(instances: &[u32], bag_size: usize) -> Partition {
    let bags = instances.chunks_exact(bag_size);
    let remainder = ascending(bags.remainder());
    Partition { bags: bags.map(ascending).collect(), remainder }
}

fn ascending(instances: &[u32]) -> Vec<u32> {
    let mut sorted = instances.to_vec();
    sorted.sort_unstable();
    sorted
}
