//! Choosing cells of a sweep by their settings: `bag_size=64|128,loss=rot`.

use toml::Value;

use crate::config::{KEYS, RunConfig, Values, accept_text, nearest_key};
use crate::error::{Origin, SweepError};

/// Short names of keys, as in the names of runs.
const SHORT: [(&str, &str); 7] = [
    ("data", "data.name"),
    ("loss", "loss.name"),
    ("method", "method.name"),
    ("bag_size", "bags.size"),
    ("lr", "optim.lr"),
    ("alpha", "loss.alpha"),
    ("seed", "seed"),
];

/// Keys with the values that a cell may have there. An empty filter takes every cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    terms: Vec<(&'static str, Vec<Value>)>,
}

impl Filter {
    /// Parses `KEY=VALUE|VALUE,KEY=VALUE`; a cell must match in every key. Keys are those of configurations, or their
    /// short names: `data`, `loss`, `method`, `bag_size`, `lr`, `alpha`, `seed`.
    ///
    /// # Errors
    /// What is not of this form, an unknown key, with the nearest one, or a value that the key does not accept.
    pub fn parse(argument: &str, text: &str) -> Result<Self, SweepError> {
        let origin = Origin::Name(argument.to_owned());
        let term = |term: &str| {
            let Some((name, values)) = term.split_once('=') else {
                return Err(origin.not_an_assignment(term));
            };
            let key = key(name.trim(), &origin)?;
            let values = values.split('|').map(|value| Ok(accept_text(key, value, &origin)?.1));
            Ok((key, values.collect::<Result<_, SweepError>>()?))
        };
        Ok(Self { terms: text.split(',').map(term).collect::<Result<_, _>>()? })
    }

    /// Whether a run has one of the values in every key of the filter. A run without a key, as one of another loss has
    /// no `alpha`, does not match.
    pub fn matches(&self, config: &RunConfig) -> bool {
        let config = Values::of(config);
        self.terms.iter().all(|(key, values)| config.get(key).is_some_and(|value| values.contains(value)))
    }
}

/// The key of this name, in short or in full.
pub(crate) fn key(name: &str, origin: &Origin) -> Result<&'static str, SweepError> {
    let short = SHORT.iter().find(|(short, _)| *short == name).map(|(_, key)| *key);
    let full = || KEYS.iter().map(|key| key.name).find(|key| *key == name);
    short.or_else(full).ok_or_else(|| {
        let names = SHORT.iter().map(|(short, _)| *short).chain(KEYS.iter().map(|key| key.name));
        origin.unknown_key(name, nearest_key(name, names).as_deref())
    })
}
