//! Divergences between proportions: `d_1` of section 3.1 and the generalized KL of equation (6).

/// How far predicted proportions are from the known ones: `d_1(z, q)` of section 3.1.
///
/// The bag-level loss of section 3.1 is this value at `q =` the mean prediction of the bag.
///
/// ```
/// use llp_ot::Divergence;
///
/// let (known, predicted) = ([0.5, 0.5], [0.75, 0.25]);
/// assert_eq!(Divergence::L1.value(&known, &predicted), 0.5);
/// assert_eq!(Divergence::SquaredL2.value(&known, &predicted), 0.125);
/// let mut gradient = [0.0; 2];
/// Divergence::Kl.gradient(&known, &predicted, &mut gradient);
/// assert_eq!(gradient, [-0.5 / 0.75, -0.5 / 0.25]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divergence {
    /// `-sum z log q`: the KL loss as printed, a cross-entropy. It is `KL(z | q) + H(z)`, so its minimum over
    /// `q` is [`entropy`] of `z` and not 0. Classes of zero proportion contribute nothing; `q = 0 < z` gives
    /// infinity.
    Kl,
    /// `sum |q - z|`. Its subgradient is 0 where `q = z`.
    L1,
    /// `sum (q - z)^2`.
    SquaredL2,
}

impl Divergence {
    /// `d_1(known, predicted)`.
    ///
    /// # Panics
    /// If the two have different numbers of classes.
    pub fn value(self, known: &[f64], predicted: &[f64]) -> f64 {
        same_length(known, predicted);
        known.iter().zip(predicted).map(|(&z, &q)| self.term(z, q)).sum()
    }

    /// Writes the gradient of [`value`](Self::value) with respect to `predicted` to `gradient`, `[class]`.
    ///
    /// # Panics
    /// If the three have different numbers of classes.
    pub fn gradient(self, known: &[f64], predicted: &[f64], gradient: &mut [f64]) {
        same_length(known, predicted);
        same_length(known, gradient);
        for ((g, &z), &q) in gradient.iter_mut().zip(known).zip(predicted) {
            *g = self.term_derivative(z, q);
        }
    }

    fn term(self, z: f64, q: f64) -> f64 {
        match self {
            Self::Kl if z == 0.0 => 0.0,
            Self::Kl => -z * q.ln(),
            Self::L1 => (q - z).abs(),
            Self::SquaredL2 => (q - z) * (q - z),
        }
    }

    fn term_derivative(self, z: f64, q: f64) -> f64 {
        match self {
            Self::Kl if z == 0.0 => 0.0,
            Self::Kl => -z / q,
            Self::L1 if q > z => 1.0,
            Self::L1 if q < z => -1.0,
            Self::L1 => 0.0,
            Self::SquaredL2 => 2.0 * (q - z),
        }
    }
}

/// `H(z) = -sum z log z`, in nats: what [`Divergence::Kl`] exceeds the divergence `KL(z | q)` by.
pub fn entropy(z: &[f64]) -> f64 {
    -z.iter().map(|&value| x_log_x(value)).sum::<f64>()
}

/// The generalized Kullback-Leibler divergence `sum a log(a / b) - a + b` of equation (6).
///
/// At least 0, and 0 only for `a = b`; homogeneous of degree 1. `a = 0` contributes `b`; `b = 0 < a` gives
/// infinity. Each term is evaluated without cancellation, also where `a` and `b` nearly agree.
///
/// # Panics
/// If the two have different lengths.
pub fn generalized_kl(a: &[f64], b: &[f64]) -> f64 {
    same_length(a, b);
    a.iter().zip(b).map(|(&a, &b)| generalized_kl_term(a, b)).sum()
}

/// One term of [`generalized_kl`].
pub(crate) fn generalized_kl_term(a: f64, b: f64) -> f64 {
    if a == 0.0 {
        return b;
    }
    let t = (b - a) / a; // b / a = 1 + t, and the term is a (t - log(1 + t))
    if t.abs() < 1e-3 {
        // The series of t - log(1 + t): the direct difference would lose all digits.
        a * t * t * (0.5 - t * (1.0 / 3.0 - t * (0.25 - t * (0.2 - t / 6.0))))
    } else {
        a * (a / b).ln() - a + b
    }
}

fn x_log_x(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x * x.ln() }
}

fn same_length(a: &[f64], b: &[f64]) {
    assert!(
        a.len() == b.len(),
        "both sides of a divergence need one entry per class: {} and {}",
        a.len(),
        b.len()
    );
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    #[test]
    fn kl_is_a_cross_entropy_and_skips_empty_classes() {
        let z = [0.25, 0.75, 0.0];
        assert!((Divergence::Kl.value(&z, &z) - entropy(&z)).abs() < 1e-15);
        assert!(Divergence::Kl.value(&z, &[0.5, 0.5, 0.0]).is_finite());
        assert_eq!(Divergence::Kl.value(&z, &[0.0, 0.5, 0.5]), f64::INFINITY);
    }

    #[test]
    fn l1_has_zero_subgradient_where_the_sides_agree() {
        let mut gradient = [9.0; 3];
        Divergence::L1.gradient(&[0.5, 0.2, 0.3], &[0.5, 0.1, 0.4], &mut gradient);
        assert_eq!(gradient, [0.0, -1.0, 1.0]);
    }

    #[test]
    fn generalized_kl_has_its_limits() {
        assert_eq!(generalized_kl(&[0.0], &[2.0]), 2.0);
        assert_eq!(generalized_kl(&[1.0], &[0.0]), f64::INFINITY);
        assert_eq!(generalized_kl(&[3.0], &[3.0]), 0.0);
        // Across the switch to the series the two branches agree; 1e-12 relative is far below the switch at
        // 1e-3.
        for t in [0.999e-3_f64, 1.001e-3, -0.999e-3, -1.001e-3] {
            let expected = t - t.ln_1p();
            assert!((generalized_kl(&[1.0], &[1.0 + t]) / expected - 1.0).abs() < 1e-8, "{t}");
        }
    }
}
