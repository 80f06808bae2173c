//! Checks that several modules share.

use llp_data::DataError;

/// Checks that every instance id names one of `n_instances` instances.
///
/// # Errors
/// The first that names none.
pub(crate) fn check_instances(instances: &[u32], n_instances: usize) -> Result<(), DataError> {
    match instances.iter().find(|&&instance| instance as usize >= n_instances) {
        None => Ok(()),
        Some(&instance) => {
            Err(DataError::new(format!("there is no instance {instance} among {n_instances}")))
        }
    }
}

/// Refuses a buffer of another length than `n_instances` times `n_values`.
pub(crate) fn check_buffer(got: usize, n_instances: usize, n_values: usize) -> Result<(), DataError> {
    let expected = n_instances * n_values;
    if got == expected {
        return Ok(());
    }
    let given = format!("a buffer of {got} values for {n_instances} instances of {n_values}");
    Err(DataError::new(format!("{given}: expected {expected}")))
}

/// Nothing to work on.
pub(crate) fn no_instances() -> DataError {
    DataError::new("there must be at least one instance")
}

/// Refuses a normalization of other channels or columns than the instances have.
pub(crate) fn check_channels(expected: usize, got: usize) -> Result<(), DataError> {
    if got == expected {
        return Ok(());
    }
    let problem = format!("normalization of {got} channels or columns for instances of {expected}");
    Err(DataError::new(problem))
}

/// Refuses labels that are not one for each instance.
pub(crate) fn check_labels(expected: usize, got: usize) -> Result<(), DataError> {
    if got == expected {
        Ok(())
    } else {
        Err(DataError::new(format!("{got} labels for {expected} instances")))
    }
}

/// Refuses to hold out everything.
pub(crate) fn check_fraction(fraction: f64) -> Result<(), DataError> {
    if (0.0..1.0).contains(&fraction) {
        return Ok(());
    }
    let problem = format!("cannot hold out a fraction of {fraction}: it must be at least 0 and below 1");
    Err(DataError::new(problem))
}
