//! The arguments of `llp train` that bring a configuration about.

use super::keys::Decider;
use super::method::is_of_networks;
use super::{RunConfig, Values, preset};

impl RunConfig {
    /// The command that trains a run of this configuration into the folder `out`, ready for a shell: the preset, what
    /// distinguishes the run from its neighbors, and every setting that differs from the preset.
    pub fn train_command(&self, out: &str) -> String {
        let values = Values::of(self);
        let base = preset::base(&self.preset).ok();
        let mut words = vec!["llp".to_owned(), "train".to_owned()];
        if base.is_some() {
            words.extend(["--preset".to_owned(), self.preset.clone()]);
        }
        if let Some(path) = &self.bags.manifest {
            words.extend(["--bags".to_owned(), path.clone()]);
        }
        if let Some(init) = &self.network.init {
            words.extend(["--init".to_owned(), init.clone()]);
        }
        for (key, value) in values.iter() {
            let is_default = base.as_ref().is_some_and(|base| base.get(key.name) == Some(value));
            let is_fold_seed = key.name == "data.split_seed" && self.data.folds.is_some();
            let is_left_to_file = match key.decided_by {
                Some(Decider::Bags) => self.bags.hash.is_some() && !is_fold_seed,
                Some(Decider::Weights) => self.network.init_hash.is_some(),
                None => false,
            };
            let is_left_to_method = self.method.name.is_some() && is_of_networks(key.name);
            let is_passed = ["schema", "preset", "bags.manifest", "network.init"].contains(&key.name);
            let is_said = is_default && !key.is_always_shown;
            if is_passed || is_left_to_file || is_left_to_method || is_said {
                continue;
            }
            let value = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Float(x) => format!("{x:?}"),
                other => other.to_string(),
            };
            match key.flag {
                Some(flag) => words.extend([flag.to_owned(), value]),
                None => words.extend(["--set".to_owned(), format!("{}={value}", key.name)]),
            }
        }
        words.extend(["--out".to_owned(), out.to_owned()]);
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A word as a shell takes it for one word.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
