//! Bags that the data itself names: one for each value of a column, such as a region or a day.

use std::collections::BTreeMap;

use llp_data::DataError;

use super::Partition;
use crate::check::{check_instances, no_instances};
use crate::split::sorted_set;

/// One bag for each value among the `instances`, in the order of the values; nothing remains.
///
/// `values` is the column, `[instance]` of the whole split. Bags differ in size.
///
/// # Errors
/// No instances; an instance twice, or beyond the column.
///
/// ```
/// let region = ["north", "south", "north", "east"].map(String::from);
/// let partition = llp_bags::partition_by_groups(&[0, 1, 2, 3], &region)?;
/// assert_eq!(partition.bags, [vec![3], vec![0, 2], vec![1]]);
/// # Ok::<(), llp_bags::DataError>(())
/// ```
pub fn partition_by_groups(instances: &[u32], values: &[String]) -> Result<Partition, DataError> {
    if instances.is_empty() {
        return Err(no_instances());
    }
    check_instances(instances, values.len())?;
    let mut bags: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for instance in sorted_set(instances)? {
        bags.entry(&values[instance as usize]).or_default().push(instance);
    }
    Ok(Partition { bags: bags.into_values().collect(), remainder: Vec::new() })
}
