//! What stands for missing numbers.

/// What of the numbers of a column stands for those that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impute {
    /// Their mean.
    Mean,
    /// The one in the middle, or the mean of the two in the middle.
    Median,
}

impl Impute {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Median => "median",
        }
    }

    /// The value for some numbers, at least one, which are finite. It does not depend on their order.
    pub(super) fn value(self, mut numbers: Vec<f32>) -> f32 {
        numbers.sort_unstable_by(f32::total_cmp);
        let n = numbers.len();
        let middle = match self {
            Self::Mean => &numbers[..],
            Self::Median => &numbers[(n - 1) / 2..=n / 2],
        };
        let sum: f64 = middle.iter().map(|&number| f64::from(number)).sum();
        (sum / middle.len() as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As many numbers are on each side of the median; distances to the mean add up to 0 (atol 1e-2: values up to 1e6
        /// in single precision); both lie within the numbers.
        #[test]
        fn middles(numbers in prop::collection::vec(-1e6_f32..1e6, 1..40)) {
            let [mean, median] = [Impute::Mean, Impute::Median].map(|impute| impute.value(numbers.clone()));
            let n = |is: fn(&f32, f32) -> bool| numbers.iter().filter(|number| is(number, median)).count();
            prop_assert!(2 * n(|a, b| *a < b) <= numbers.len() && 2 * n(|a, b| *a > b) <= numbers.len());
            let off: f64 = numbers.iter().map(|&number| f64::from(number) - f64::from(mean)).sum();
            prop_assert!(off.abs() <= 0.1 * numbers.len() as f64, "{}", off);
            let mut reversed = numbers.clone();
            reversed.reverse();
            prop_assert_eq!(Impute::Mean.value(reversed), mean);
        }
    }
}
