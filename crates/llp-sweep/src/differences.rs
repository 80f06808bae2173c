//! The differences between configurations, in words.

use std::collections::BTreeMap;

use crate::config::{KEYS, RunConfig, Values, value_text};

/// The first letters of a hash, enough to distinguish it from others.
const N_HASH: usize = 8;

/// The keys in which some configurations differ.
#[derive(Debug, Clone)]
pub struct Differences(Vec<&'static str>);

impl Differences {
    /// Compares configurations, but for epochs and bag sizes, which tables have in columns of their own.
    pub fn between<'a>(configs: impl IntoIterator<Item = &'a RunConfig>) -> Self {
        let mut known: BTreeMap<&'static str, String> = BTreeMap::new();
        let mut differing = Vec::new();
        for (index, config) in configs.into_iter().enumerate() {
            let values = Values::of(config);
            for key in KEYS.iter().filter(|key| !["optim.epochs", "bags.size", "preset"].contains(&key.name))
            {
                let text = values.get(key.name).map_or_else(String::new, value_text);
                match known.get(key.name) {
                    Some(other) if *other == text => {}
                    None if index == 0 => drop(known.insert(key.name, text)),
                    _ => differing.push(key.name),
                }
            }
        }
        let is_telling = |key: &&str| differing.contains(key);
        Self(KEYS.iter().map(|key| key.name).filter(is_telling).collect())
    }

    /// The values that a configuration has for them, as in `lr 0.03, width 8`; a key that it does without is left out.
    pub fn of(&self, config: &RunConfig) -> String {
        let values = Values::of(config);
        let pairs = values.iter().filter(|(key, _)| self.0.contains(&key.name)).map(|(key, value)| {
            let value = value_text(value);
            let n_shown = if key.name.ends_with("hash") { N_HASH } else { usize::MAX };
            format!(
                "{} {}",
                word(key.name),
                value.trim_matches('"').chars().take(n_shown).collect::<String>()
            )
        });
        pairs.collect::<Vec<_>>().join(", ")
    }
}

/// A key in short: its last part, unless that says nothing by itself.
fn word(key: &'static str) -> &'static str {
    match key {
        "data.name" => "data",
        "loss.name" => "loss",
        "method.name" => "method",
        "network.name" => "network",
        "optim.name" => "optimizer",
        "bags.seed" => "seed of bags",
        "bags.hash" => "bags",
        _ => key.rsplit('.').next().unwrap_or(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    /// What all have in common is not named, and what one does without is left out for it.
    #[test]
    fn only_differences_are_named() {
        let config = |settings: &[&str]| {
            let mut layers = Layers::new();
            for setting in settings {
                layers.assignment("--set", setting).unwrap();
            }
            layers.resolve("digits").unwrap()
        };
        let configs = [
            config(&["optim.lr=0.03", "seed=7"]),
            config(&["optim.lr=0.1", "seed=7", "loss.name=rot", "loss.alpha=0.5"]),
        ];
        let differences = Differences::between(&configs);
        assert_eq!(differences.of(&configs[0]), "loss kl, lr 0.03");
        assert!(differences.of(&configs[1]).starts_with("loss rot, alpha 0.5, "));
        assert_eq!(Differences::between(&configs[..1]).of(&configs[0]), "");
    }
}
