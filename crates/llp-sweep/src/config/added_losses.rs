//! Losses that are added to the loss of a run, as a configuration writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::loss::LossName;
use super::text_form::text_form;

/// Losses beside `loss.name`, each with its weight: `loss.add`.
///
/// Written `NAME:WEIGHT`, with commas between several, as in `gaussian:0.5,l2:0.1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddedLosses(Vec<(LossName, f64)>);

/// What [`AddedLosses`] accepts, for messages.
pub(crate) const EXPECTED: &str =
    "losses with their weights above 0, each loss once, such as gaussian:0.5 or gaussian:0.5,l2:0.1";

impl AddedLosses {
    /// Losses and weights, in the order in which [`LossName`] lists them.
    pub fn terms(&self) -> &[(LossName, f64)] {
        &self.0
    }

    /// Whether a loss is among them.
    pub(crate) fn has(&self, loss: LossName) -> bool {
        self.0.iter().any(|(name, _)| *name == loss)
    }
}

impl FromStr for AddedLosses {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let term = |text: &str| {
            let (name, weight) = text.trim().split_once(':')?;
            let (name, weight) = (name.parse::<LossName>().ok()?, weight.parse::<f64>().ok()?);
            (weight > 0.0 && weight.is_finite()).then_some((name, weight))
        };
        let mut terms: Vec<_> = text.split(',').map(term).collect::<Option<_>>().ok_or(EXPECTED)?;
        terms.sort_by_key(|(name, _)| *name);
        let is_twice = terms.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if is_twice { Err(EXPECTED) } else { Ok(Self(terms)) }
    }
}

impl fmt::Display for AddedLosses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, weight)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{}:{weight}", name.as_str())?;
        }
        Ok(())
    }
}

text_form!(AddedLosses);

#[cfg(test)]
mod tests {
    use super::*;

    /// One sum has one spelling, whatever was written, so equal runs have equal names.
    #[test]
    fn spellings_are_canonical() {
        let written = |text: &str| text.parse::<AddedLosses>().map(|losses| losses.to_string());
        assert_eq!(written("gaussian:0.50, l2:1e-1").as_deref(), Ok("l2:0.1,gaussian:0.5"));
        assert_eq!(written("avg-kl:2").as_deref(), Ok("avg-kl:2"));
        for wrong in ["", "l2", "l2:0", "l2:-1", "l2:inf", "l3:1", "l2:1,l2:2", "l2:1,", "l2:1;l1:1"] {
            assert_eq!(written(wrong), Err(EXPECTED), "{wrong}");
        }
    }
}
