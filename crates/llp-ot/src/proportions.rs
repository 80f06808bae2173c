//! Proportions: points of the simplex.

use crate::OtError;

/// Largest accepted distance between 1 and the sum of proportions.
///
/// Wide enough for proportions that were stored in single precision, too narrow for a forgotten class.
pub const PROPORTION_SUM_TOLERANCE: f64 = 1e-6;

/// The share of each class in a bag: a point `z` of the simplex, `[class]`.
///
/// Entries are finite, at least 0, and add up to 1 within [`PROPORTION_SUM_TOLERANCE`]; they are kept as
/// given.
///
/// ```
/// use llp_ot::Proportions;
///
/// let proportions = Proportions::from_counts(&[1, 3, 0])?;
/// assert_eq!(proportions.as_slice(), [0.25, 0.75, 0.0]);
/// assert_eq!(proportions.largest_remainder_counts(6), [2, 4, 0]); // 1.5 and 4.5: the first class wins the tie
/// # Ok::<(), llp_ot::OtError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Proportions(Vec<f64>);

impl Proportions {
    /// Checks that `values` are proportions.
    ///
    /// # Errors
    /// No classes, a number that is negative or not finite, or another sum than 1.
    pub fn new(values: Vec<f64>) -> Result<Self, OtError> {
        check_proportions(values.iter().copied())?;
        Ok(Self(values))
    }

    /// Divides the number of instances of each class by their total.
    ///
    /// # Errors
    /// No classes, or counts that are all 0.
    pub fn from_counts(counts: &[u32]) -> Result<Self, OtError> {
        if counts.is_empty() {
            return Err(OtError::no_classes());
        }
        let total: u64 = counts.iter().copied().map(u64::from).sum();
        if total == 0 {
            let n_classes = counts.len();
            return Err(OtError::new(format!(
                "all {n_classes} counts are 0: expected at least one instance"
            )));
        }
        Ok(Self(counts.iter().map(|&count| f64::from(count) / total as f64).collect()))
    }

    /// The share of each class in several bags together, each given by its number of instances and its proportions: the
    /// class prior of a data set. Returns `None` without an instance.
    ///
    /// ```
    /// use llp_ot::Proportions;
    ///
    /// let bags = [Proportions::from_counts(&[3, 0])?, Proportions::from_counts(&[0, 1])?];
    /// let prior = Proportions::pooled([(3, &bags[0]), (1, &bags[1])]);
    /// assert_eq!(prior, Some(Proportions::from_counts(&[3, 1])?));
    /// # Ok::<(), llp_ot::OtError>(())
    /// ```
    ///
    /// # Panics
    /// When the bags have different numbers of classes.
    pub fn pooled<'a>(bags: impl IntoIterator<Item = (usize, &'a Self)>) -> Option<Self> {
        let (mut total, mut sums) = (0.0, Vec::new());
        for (n_instances, proportions) in bags {
            sums.resize(if total == 0.0 { proportions.n_classes() } else { sums.len() }, 0.0);
            assert_eq!(sums.len(), proportions.n_classes(), "bags of the same classes");
            total += n_instances as f64;
            for (sum, z) in sums.iter_mut().zip(&proportions.0) {
                *sum += n_instances as f64 * z;
            }
        }
        (total > 0.0).then(|| Self(sums.into_iter().map(|sum| sum / total).collect()))
    }

    /// The proportions, `[class]`.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    /// Number of classes, those of zero proportion included.
    pub fn n_classes(&self) -> usize {
        self.0.len()
    }

    /// The integer counts that add up to `n_instances` and are closest to `n_instances` times the
    /// proportions.
    ///
    /// Largest-remainder (Hamilton) rounding: each class gets the floor of its share, the classes of largest
    /// fractional part one more. Ties go to the smaller class index; a class of zero proportion gets nothing.
    /// Counts that the proportions were made from come back unchanged.
    pub fn largest_remainder_counts(&self, n_instances: u32) -> Vec<u32> {
        let total: f64 = self.0.iter().sum();
        // A share that is an integer up to rounding must not lose one instance to its floor.
        let shares: Vec<f64> =
            self.0.iter().map(|&value| snap_to_integer(value / total * f64::from(n_instances))).collect();
        let mut counts: Vec<u32> = shares.iter().map(|&share| floor_to_count(share)).collect();
        let mut left = n_instances.saturating_sub(counts.iter().sum());
        let mut by_remainder: Vec<usize> = (0..shares.len()).filter(|&class| self.0[class] > 0.0).collect();
        by_remainder.sort_by(|&a, &b| shares[b].fract().total_cmp(&shares[a].fract()).then(a.cmp(&b)));
        for &class in by_remainder.iter().cycle() {
            if left == 0 {
                break;
            }
            counts[class] += 1;
            left -= 1;
        }
        counts
    }
}

/// The conditions of [`Proportions`], for values that live in someone else's memory.
pub(crate) fn check_proportions(values: impl Iterator<Item = f64>) -> Result<(), OtError> {
    let (mut sum, mut n_classes) = (0.0, 0);
    for (class, value) in values.enumerate() {
        if !(value.is_finite() && value >= 0.0) {
            return Err(OtError::proportion(class, value));
        }
        sum += value;
        n_classes += 1;
    }
    if n_classes == 0 {
        return Err(OtError::no_classes());
    }
    if (sum - 1.0_f64).abs() > PROPORTION_SUM_TOLERANCE {
        let expected = format!("expected 1 within {PROPORTION_SUM_TOLERANCE}");
        return Err(OtError::new(format!(
            "proportions add up to {sum}, {expected}: divide by the sum, or start from counts"
        )));
    }
    Ok(())
}

fn snap_to_integer(share: f64) -> f64 {
    let nearest = share.round();
    if (share - nearest).abs() <= 1e-9 * nearest.max(1.0) { nearest } else { share }
}

#[expect(clippy::cast_sign_loss, reason = "a share is at least 0")]
fn floor_to_count(share: f64) -> u32 {
    share.floor() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_what_is_not_on_the_simplex() {
        assert_eq!(Proportions::new(vec![]), Err(OtError::no_classes()));
        assert_eq!(Proportions::new(vec![1.5, -0.5]), Err(OtError::proportion(1, -0.5)));
        let refused = |values: Vec<f64>| Proportions::new(values).unwrap_err().to_string();
        assert!(refused(vec![0.5, f64::NAN, 0.5]).starts_with("proportion NaN of class 1"));
        assert!(refused(vec![0.5, 0.4]).starts_with("proportions add up to 0.9"));
        let zero = Proportions::from_counts(&[0, 0]).unwrap_err().to_string();
        assert!(zero.starts_with("all 2 counts are 0"));
        assert_eq!(Proportions::from_counts(&[]), Err(OtError::no_classes()));
    }

    #[test]
    fn a_sum_within_the_tolerance_is_accepted_as_given() {
        let values = vec![0.1_f32, 0.2, 0.7].into_iter().map(f64::from).collect::<Vec<_>>();
        assert_eq!(Proportions::new(values.clone()).unwrap().as_slice(), values);
    }

    #[test]
    fn largest_remainders_win_and_ties_go_to_the_smaller_class() {
        let thirds = Proportions::new(vec![1.0 / 3.0; 3]).unwrap();
        assert_eq!(thirds.largest_remainder_counts(4), [2, 1, 1]);
        assert_eq!(thirds.largest_remainder_counts(0), [0, 0, 0]);
        let skewed = Proportions::new(vec![0.47, 0.16, 0.12, 0.25, 0.0]).unwrap();
        assert_eq!(skewed.largest_remainder_counts(100), [47, 16, 12, 25, 0]);
        assert_eq!(skewed.largest_remainder_counts(10), [5, 2, 1, 2, 0]);
    }
}
