//! Checks that several entry points share.

use std::ops::RangeInclusive;

use crate::{OtError, Real};

/// Beyond it, quotients by epsilon would leave the range of single precision.
const EPSILON_RANGE: RangeInclusive<f64> = 1e-6..=1e6;

pub(crate) fn check_parameters(alpha: f64, epsilon: f64) -> Result<(), OtError> {
    if !(0.0..=1.0).contains(&alpha) {
        return Err(OtError::InvalidAlpha { got: alpha });
    }
    if !EPSILON_RANGE.contains(&epsilon) {
        return Err(OtError::InvalidEpsilon { got: epsilon });
    }
    Ok(())
}

pub(crate) fn check_length(
    name: &'static str,
    got: usize,
    expected: usize,
    shape: &'static str,
) -> Result<(), OtError> {
    if got == expected { Ok(()) } else { Err(OtError::Length { name, got, expected, shape }) }
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
