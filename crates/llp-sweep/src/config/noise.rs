//! Noise on the proportions of bags, as a configuration writes it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text_form::text_form;

/// What happens to the proportions of drawn bags before training sees them: `bags.noise`.
///
/// Written `rounded:STEP` (or `rounded:DIGITS`, digits after the decimal point), `laplace:SCALE`, `gaussian:SD`,
/// `missing:FRACTION` or `imputed:FRACTION`; numbers are of shares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BagNoise {
    /// Shares are rounded to multiples of this.
    Rounded(f64),
    /// Laplace noise of this scale on each share.
    Laplace(f64),
    /// Normal noise of this standard deviation on each share.
    Gaussian(f64),
    /// Each share is unknown with this probability.
    Missing(f64),
    /// The same, but the guess in its place passes for exact.
    Imputed(f64),
}

/// What [`BagNoise`] accepts, for messages.
pub(crate) const EXPECTED: &str = "rounded:STEP with a step below 1 or rounded:DIGITS, laplace:SCALE, gaussian:SD, \
                                   missing:FRACTION or imputed:FRACTION, such as rounded:0.25";

impl FromStr for BagNoise {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, number) = text.split_once(':').ok_or(EXPECTED)?;
        if let ("rounded", Ok(digits @ 1..=15)) = (kind, number.parse::<u8>()) {
            return Ok(Self::Rounded(format!("1e-{digits}").parse().map_err(|_| EXPECTED)?));
        }
        let number: f64 = number.parse().map_err(|_| EXPECTED)?;
        match kind {
            "rounded" if number > 0.0 && number < 1.0 => Ok(Self::Rounded(number)),
            "laplace" if number > 0.0 && number.is_finite() => Ok(Self::Laplace(number)),
            "gaussian" if number > 0.0 && number.is_finite() => Ok(Self::Gaussian(number)),
            "missing" if number > 0.0 && number <= 1.0 => Ok(Self::Missing(number)),
            "imputed" if number > 0.0 && number <= 1.0 => Ok(Self::Imputed(number)),
            _ => Err(EXPECTED),
        }
    }
}

impl fmt::Display for BagNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounded(step) => write!(f, "rounded:{step}"),
            Self::Laplace(scale) => write!(f, "laplace:{scale}"),
            Self::Gaussian(sd) => write!(f, "gaussian:{sd}"),
            Self::Missing(fraction) => write!(f, "missing:{fraction}"),
            Self::Imputed(fraction) => write!(f, "imputed:{fraction}"),
        }
    }
}

text_form!(BagNoise);

#[cfg(test)]
mod tests {
    use super::*;

    /// One noise has one spelling, whatever was written, so equal runs have equal names.
    #[test]
    fn spellings_are_canonical() {
        let written = |text: &str| text.parse::<BagNoise>().map(|noise| noise.to_string());
        assert_eq!(written("rounded:2").as_deref(), Ok("rounded:0.01"));
        assert_eq!(written("rounded:0.250").as_deref(), Ok("rounded:0.25"));
        assert_eq!(written("laplace:1e-1").as_deref(), Ok("laplace:0.1"));
        for wrong in
            ["rounded", "rounded:0", "rounded:1.5", "gaussian:-1", "gaussian:nan", "missing:2", "cauchy:1"]
        {
            assert_eq!(written(wrong), Err(EXPECTED), "{wrong}");
        }
    }
}
