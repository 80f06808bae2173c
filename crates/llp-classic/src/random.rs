//! Random numbers from a seed: the same on every machine.

/// The generator splitmix64.
pub(crate) struct Random(u64);

impl Random {
    /// A stream for a seed and an index.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut random = Self(seed ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 to below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n - 1)
    }

    /// Of mean 0 and deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Theorem: means and deviations are those of the distributions, within five standard errors, and streams differ.
    #[test]
    fn moments_are_those_of_the_distributions() {
        let (n, mut random) = (20_000, Random::new(7, 3));
        let moments = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / f64::from(n);
            (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n)).sqrt())
        };
        let uniform: Vec<f64> = (0..n).map(|_| random.uniform()).collect();
        let normal: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let ((mean, deviation), (zero, one)) = (moments(&uniform), moments(&normal));
        assert!(
            (mean - 0.5).abs() < 0.011 && (deviation - 12_f64.powf(-0.5)).abs() < 0.01,
            "{mean} {deviation}"
        );
        assert!(zero.abs() < 0.036 && (one - 1.0).abs() < 0.025, "{zero} {one}");
        assert!((0..1000).all(|_| random.below(3) < 3));
        assert_ne!(Random::new(7, 4).next(), Random::new(7, 3).next());
    }
}
