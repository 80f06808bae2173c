//! Making the proportions of bags imprecise, for experiments on data whose proportions are exact.

use llp_data::DataError;
use llp_ot::{Imprecision, OtError, Proportions};

use crate::BagSet;
use crate::bag::of_bag_error;
use crate::rng::{self, ChaCha8Rng, Purpose};

/// What happens to the exact proportions of a bag before anybody sees them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// Each share is rounded to the nearest multiple of this, halves up: [`Imprecision::rounded`].
    Rounded {
        /// Above 0 and at most 1.
        step: f64,
    },
    /// Laplace noise on each share, as for differential privacy: [`Imprecision::noisy`].
    ///
    /// Source: \[dwork:06\].
    Laplace {
        /// The mean absolute value of the noise, finite and above 0; its standard deviation is `sqrt(2)` times that.
        scale: f64,
    },
    /// Normal noise on each share: [`Imprecision::noisy`].
    Gaussian {
        /// Standard deviation, finite and above 0.
        sd: f64,
    },
    /// Each share becomes unknown with this probability: [`Imprecision::partial`].
    Missing {
        /// In `[0, 1]`.
        fraction: f64,
    },
    /// As [`Missing`](Self::Missing), for the same draws, but the guess that fills the gaps is passed off as exact.
    Imputed {
        /// In `[0, 1]`.
        fraction: f64,
    },
}

impl Noise {
    /// Exact proportions as an observer sees them, and what the observer knows of their errors.
    fn perturb(
        self,
        exact: &Proportions,
        rng: &mut ChaCha8Rng,
    ) -> Result<(Proportions, Imprecision), OtError> {
        let shares = exact.as_slice();
        match self {
            Self::Rounded { step } => {
                let rounded: Vec<f64> = shares.iter().map(|share| (share / step).round() * step).collect();
                Imprecision::rounded(&rounded, step)
            }
            Self::Laplace { scale } => {
                let noisy: Vec<f64> = shares.iter().map(|share| share + scale * laplace(rng)).collect();
                Imprecision::noisy(&noisy, vec![scale * std::f64::consts::SQRT_2; shares.len()])
            }
            Self::Gaussian { sd } => {
                let noisy: Vec<f64> = shares.iter().map(|share| share + sd * rng::normal(rng)).collect();
                Imprecision::noisy(&noisy, vec![sd; shares.len()])
            }
            Self::Missing { fraction } => Imprecision::partial(&hide(shares, fraction, rng)),
            Self::Imputed { fraction } => {
                let (guess, _) = Imprecision::partial(&hide(shares, fraction, rng))?;
                Ok((guess, Imprecision::Exact))
            }
        }
    }
}

impl BagSet {
    /// The same bags with imprecise proportions; what was known of their errors before is forgotten.
    ///
    /// The noise of a bag comes from `seed`, [`Purpose::ProportionNoise`] and the number of the bag.
    ///
    /// # Errors
    /// The noise is none: a step or scale that is not positive, or not a number.
    pub fn with_noise(self, noise: Noise, seed: u64) -> Result<Self, DataError> {
        let perturb = |bag: usize| {
            let mut rng = rng::stream(seed, Purpose::ProportionNoise, bag as u64);
            let perturbed = noise.perturb(self.proportions(bag), &mut rng);
            perturbed.map_err(|error| of_bag_error(bag, &error))
        };
        let perturbed = (0..self.len()).map(perturb).collect::<Result<Vec<_>, _>>()?;
        let (proportions, imprecision) = perturbed.into_iter().unzip();
        self.with_proportions(proportions, imprecision)
    }
}

/// A number of the Laplace distribution of scale 1.
fn laplace(rng: &mut ChaCha8Rng) -> f64 {
    let exponential = -(1.0 - rng::uniform(rng)).ln(); // of a number in (0, 1]
    if rng::below(rng, 2) == 0 { exponential } else { -exponential }
}

fn hide(shares: &[f64], fraction: f64, rng: &mut ChaCha8Rng) -> Vec<Option<f64>> {
    shares.iter().map(|share| (rng::uniform(rng) >= fraction).then_some(*share)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean 0, mean absolute value 1, variance 2: the Laplace distribution of scale 1, to five standard errors.
    #[test]
    fn laplace_has_its_moments() {
        let mut rng = rng::stream(5, Purpose::ProportionNoise, 0);
        let n = 40_000;
        let draws: Vec<f64> = (0..n).map(|_| laplace(&mut rng)).collect();
        let mean = |of: fn(f64) -> f64| draws.iter().map(|x| of(*x)).sum::<f64>() / f64::from(n);
        assert!(mean(|x| x).abs() < 5.0 * (2.0 / f64::from(n)).sqrt());
        assert!((mean(f64::abs) - 1.0).abs() < 5.0 / f64::from(n).sqrt());
        assert!((mean(|x| x * x) - 2.0).abs() < 5.0 * (20.0 / f64::from(n)).sqrt()); // the fourth moment is 24
    }
}
