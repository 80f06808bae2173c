//! Checks that several entry points share.

use std::ops::RangeInclusive;

use crate::{OtError, Real};

/// Beyond it, quotients by epsilon would leave the range of single precision.
const EPSILON_RANGE: RangeInclusive<f64> = 1e-6..=1e6;

pub(crate) fn check_parameters(alpha: f64, epsilon: f64) -> Result<(), OtError> {
    if !(0.0..=1.0).contains(&alpha) {
        return Err(OtError::new(format!("alpha is {alpha}, expected a number in [0, 1]")));
    }
    if !EPSILON_RANGE.contains(&epsilon) {
        return Err(OtError::new(format!("epsilon is {epsilon}, expected a number in [1e-6, 1e6]")));
    }
    Ok(())
}

pub(crate) fn check_length(name: &str, got: usize, expected: usize, shape: &str) -> Result<(), OtError> {
    if got == expected {
        return Ok(());
    }
    Err(OtError::new(format!("{name} has {got} entries, expected {expected} ({shape})")))
}

/// Returns the first number that is not finite, or so large that sums of a few of its kind might not be.
pub(crate) fn first_out_of_range<T: Real>(values: &[T]) -> Option<(usize, f64)> {
    let wrong = |value: &T| !(*value <= T::LARGEST && *value >= -T::LARGEST);
    // Whole chunks are scanned without a branch.
    let suspicious =
        values.chunks(1024).position(|chunk| chunk.iter().fold(false, |any, x| any | wrong(x)))?;
    let start = suspicious * 1024;
    let offset = values[start..].iter().position(wrong)?;
    Some((start + offset, values[start + offset].to_f64()))
}
