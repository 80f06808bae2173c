//! Bags that the data itself names: one for each value of a column, such as a region or a day.

use std::collections::BTreeMap;

use super::Partition;
use crate::BagError;
use crate::instances::check_instances;
use crate::split::sorted_set;

/// One bag for each value among the `instances`, in the order of the values; nothing remains.
///
/// `values` is the column, `[instance]` of the whole split. Bags differ in size.
///
/// # Errors
/// [`BagError::NoInstances`]; [`BagError::RepeatedInstance`]; [`BagError::InstanceOutOfRange`] for an instance beyond
/// the column.
///
/// ```
/// let region = ["north", "south", "north", "east"].map(String::from);
/// let partition = llp_bags::partition_by_groups(&[0, 1, 2, 3], &region)?;
/// assert_eq!(partition.bags, [vec![3], vec![0, 2], vec![1]]);
/// # Ok::<(), llp_bags::BagError>(())
/// ```
pub fn partition_by_groups(instances: &[u32], values: &[String]) -> Result<Partition, BagError> {
    if instances.is_empty() {
        return Err(BagError::NoInstances);
    }
    check_instances(instances, values.len())?;
    let mut bags: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for instance in sorted_set(instances)? {
        bags.entry(&values[instance as usize]).or_default().push(instance);
    }
    Ok(Partition { bags: bags.into_values().collect(), remainder: Vec::new() })
}
