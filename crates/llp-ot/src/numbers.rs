//! Small functions on numbers, which the crates above use too.

/// `log(sum(exp(values)))` without overflow; minus infinity for no values or none above it.
///
/// ```
/// assert_eq!(llp_ot::log_sum_exp([1000.0, 1000.0].into_iter()), 1000.0 + 2_f64.ln());
/// ```
pub fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + values.map(|value| (value - max).exp()).sum::<f64>().ln()
}

pub(crate) fn log_add_exp(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if small == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

/// The first position of the largest value; 0 if there is none.
///
/// ```
/// assert_eq!(llp_ot::argmax(&[0.25, 0.5, 0.5]), 1);
/// ```
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}
