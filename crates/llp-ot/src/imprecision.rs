//! How far the proportions of a bag can be trusted.

use crate::check::check_length;
use crate::{OtError, PROPORTION_SUM_TOLERANCE, Proportions};

/// What is known of the error of a bag's proportions. One entry per class, `[class]`.
///
/// The proportions themselves are always a point of the simplex, the best guess; this says what else they could be.
///
/// ```
/// use llp_ot::Imprecision;
///
/// // Shares rounded to quarters, and shares of which two are unknown.
/// let (proportions, rounded) = Imprecision::rounded(&[0.5, 0.25, 0.0], 0.25)?;
/// assert_eq!(proportions.as_slice(), [2.0 / 3.0, 1.0 / 3.0, 0.0]);
/// let expected = Imprecision::Intervals { low: vec![0.375, 0.125, 0.0], high: vec![0.625, 0.375, 0.125] };
/// assert_eq!(rounded, expected);
/// let (proportions, partial) = Imprecision::partial(&[Some(0.5), None, None])?;
/// assert_eq!(proportions.as_slice(), [0.5, 0.25, 0.25]);
/// assert_eq!(partial, Imprecision::StandardErrors(vec![0.0, f64::INFINITY, f64::INFINITY]));
/// # Ok::<(), llp_ot::OtError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Imprecision {
    /// The proportions are those of the bag.
    Exact,
    /// Standard deviation of the error of each share. Zero is an exact share, infinity an unknown one, of which the
    /// proportions hold a guess.
    StandardErrors(Vec<f64>),
    /// Each share is within these bounds, ends included. An unknown share has the bounds 0 and 1.
    Intervals {
        /// Lower bounds.
        low: Vec<f64>,
        /// Upper bounds.
        high: Vec<f64>,
    },
}

impl Imprecision {
    /// Checks that this describes proportions of `n_classes` classes.
    ///
    /// # Errors
    /// Another number of classes; a standard error below 0 or not a number; an error unless `0 <= low <= high <= 1`; no
    /// proportions within the bounds.
    pub fn check(&self, n_classes: usize) -> Result<(), OtError> {
        match self {
            Self::Exact => Ok(()),
            Self::StandardErrors(errors) => {
                check_length("standard_errors", errors.len(), n_classes, "[class]")?;
                match errors.iter().position(|value| value.is_nan() || *value < 0.0) {
                    None => Ok(()),
                    Some(class) => {
                        let value = errors[class];
                        Err(OtError::new(format!(
                            "standard error {value} of class {class} is not a number of at least 0"
                        )))
                    }
                }
            }
            Self::Intervals { low, high } => {
                check_length("low", low.len(), n_classes, "[class]")?;
                check_length("high", high.len(), n_classes, "[class]")?;
                check_intervals(low, high)
            }
        }
    }

    /// Whether nothing is known of the share of a class.
    ///
    /// # Panics
    /// When there is no such class.
    pub fn is_unknown(&self, class: usize) -> bool {
        match self {
            Self::Exact => false,
            Self::StandardErrors(errors) => errors[class] == f64::INFINITY,
            Self::Intervals { low, high } => low[class] <= 0.0 && high[class] >= 1.0,
        }
    }

    /// Shares that were rounded to multiples of `step`: each is known to half a step.
    ///
    /// `shares` are as they were written down and need not add up to 1. The proportions are the shares divided by
    /// their sum, or equal where all were rounded to 0.
    ///
    /// # Errors
    /// An error unless `0 < step <= 1`; a share that is negative or not finite; no proportions round to these shares.
    pub fn rounded(shares: &[f64], step: f64) -> Result<(Proportions, Self), OtError> {
        if !(step > 0.0 && step <= 1.0) {
            return Err(OtError::new(format!(
                "shares rounded to multiples of {step}: expected a step above 0 and at most 1"
            )));
        }
        let proportions = normalized(shares)?;
        let low = shares.iter().map(|share| (share - step / 2.0).max(0.0)).collect();
        let high = shares.iter().map(|share| (share + step / 2.0).min(1.0)).collect();
        let intervals = Self::Intervals { low, high };
        intervals.check(shares.len())?;
        Ok((proportions, intervals))
    }

    /// Shares to which noise was added, with its standard deviation for each class.
    ///
    /// `shares` may be negative and need not add up to 1. The proportions are the nearest point of the simplex,
    /// `max(share_i - shift, 0)` with the shift that makes their sum 1.
    ///
    /// # Errors
    /// No classes; a share that is not finite; those of [`check`](Self::check).
    pub fn noisy(shares: &[f64], standard_errors: Vec<f64>) -> Result<(Proportions, Self), OtError> {
        if let Some(class) = shares.iter().position(|share| !share.is_finite()) {
            return Err(OtError::proportion(class, shares[class]));
        }
        let imprecision = Self::StandardErrors(standard_errors);
        imprecision.check(shares.len())?;
        Ok((normalized(&on_simplex(shares))?, imprecision))
    }

    /// Exact shares of some classes; the others are unknown and have the rest, equally in the proportions.
    ///
    /// # Errors
    /// No classes; a share that is negative or not finite; an error if the known shares add up
    /// to more than 1, or to less while none is unknown.
    pub fn partial(shares: &[Option<f64>]) -> Result<(Proportions, Self), OtError> {
        let n_unknown = shares.iter().filter(|share| share.is_none()).count();
        let known: f64 = shares.iter().flatten().sum();
        let rest = if n_unknown > 0 && known >= -PROPORTION_SUM_TOLERANCE {
            (1.0 - known).max(0.0) / n_unknown as f64
        } else {
            0.0
        };
        let proportions = Proportions::new(shares.iter().map(|share| share.unwrap_or(rest)).collect())?;
        if n_unknown == 0 {
            return Ok((proportions, Self::Exact));
        }
        let error = |share: &Option<f64>| if share.is_none() { f64::INFINITY } else { 0.0 };
        Ok((proportions, Self::StandardErrors(shares.iter().map(error).collect())))
    }
}

fn check_intervals(low: &[f64], high: &[f64]) -> Result<(), OtError> {
    let bounds = || low.iter().copied().zip(high.iter().copied());
    let is_interval = |(low, high): (f64, f64)| low >= 0.0 && low <= high && high <= 1.0;
    if let Some(class) = bounds().position(|bounds| !is_interval(bounds)) {
        let (low, high) = (low[class], high[class]);
        return Err(OtError::new(format!(
            "the bounds {low} and {high} of class {class} are not in order within [0, 1]"
        )));
    }
    let (low_sum, high_sum): (f64, f64) = (low.iter().sum(), high.iter().sum());
    if low_sum > 1.0 + PROPORTION_SUM_TOLERANCE || high_sum < 1.0 - PROPORTION_SUM_TOLERANCE {
        let problem = "no proportions lie within the bounds: lower bounds add up to";
        return Err(OtError::new(format!(
            "{problem} {low_sum}, upper bounds to {high_sum}, expected 1 between them"
        )));
    }
    Ok(())
}

/// Shares divided by their sum; equal shares where all are zero.
fn normalized(shares: &[f64]) -> Result<Proportions, OtError> {
    if let Some(class) = shares.iter().position(|share| !(share.is_finite() && *share >= 0.0)) {
        return Err(OtError::proportion(class, shares[class]));
    }
    let sum: f64 = shares.iter().sum();
    let divided = |share: &f64| if sum > 0.0 { share / sum } else { 1.0 / shares.len() as f64 };
    Proportions::new(shares.iter().map(divided).collect())
}

/// The point of the simplex nearest to `shares`.
fn on_simplex(shares: &[f64]) -> Vec<f64> {
    let mut descending = shares.to_vec();
    descending.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (index, share) in descending.iter().enumerate() {
        sum += share;
        let candidate = (sum - 1.0) / (index + 1) as f64;
        if *share > candidate {
            shift = candidate;
        }
    }
    shares.iter().map(|share| (share - shift).max(0.0)).collect()
}
