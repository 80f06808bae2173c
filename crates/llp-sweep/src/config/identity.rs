//! What makes two runs the same run.

use std::fmt;
use std::fmt::Write as _;

use super::{KEYS, RunConfig, Values, value_text};

/// A key with different values in two configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key, dotted.
    pub key: &'static str,
    /// The first configuration's value; `None` if it has none.
    pub first: Option<String>,
    /// The second configuration's value.
    pub second: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
        write!(f, "{}: {} there, {} asked for", self.key, shown(&self.first), shown(&self.second))
    }
}

impl RunConfig {
    /// The first eight hexadecimal digits of the BLAKE3 hash of all hashed keys and values, one `key = value` a
    /// line, in the fixed order of the keys. The same on every machine.
    pub fn hash8(&self) -> String {
        let mut lines = String::new();
        for (key, value) in Values::of(self).iter().filter(|(key, _)| key.hashed) {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{} = {}", key.name, value_text(value));
        }
        blake3::hash(lines.as_bytes()).to_hex()[..8].to_owned()
    }

    /// The name of the run's folder: `cifar10-rot-b0064-lr0.1-a0.5-s0-1c9e0a52`.
    ///
    /// The readable part is for people; the hash at the end distinguishes runs.
    pub fn run_name(&self) -> String {
        let alpha = self.loss.alpha.map_or_else(String::new, |alpha| format!("-a{alpha}"));
        let rate = if self.method.name.is_some() { String::new() } else { format!("-lr{}", self.optim.lr) };
        format!(
            "{}-{}-b{:04}{rate}{alpha}-s{}-{}",
            self.data.name,
            self.approach().as_str(),
            self.bags.size,
            self.seed,
            self.hash8()
        )
    }

    /// The hashed keys in which two configurations differ; none if they are the same run.
    pub fn diff(&self, other: &Self) -> Vec<Difference> {
        let (first, second) = (Values::of(self), Values::of(other));
        let differs = |key: &&super::keys::Key| key.hashed && first.get(key.name) != second.get(key.name);
        KEYS.iter()
            .filter(differs)
            .map(|key| Difference {
                key: key.name,
                first: first.get(key.name).map(value_text),
                second: second.get(key.name).map(value_text),
            })
            .collect()
    }
}
