//! Layers of settings, the later over the earlier.

use std::path::Path;

use toml::Value;

use super::method::is_of_networks;
use super::{KEYS, Leaf, RunConfig, Values, accept, leaves, preset, values};
use crate::error::{Origin, SweepError};

/// Settings from files, environment and arguments, in the order in which they were added: later ones win.
///
/// The preset underneath is the one that the last layer with a `preset` key names.
///
/// ```
/// use llp_sweep::config::Layers;
///
/// let mut layers = Layers::new();
/// layers.environment([("LLP_OPTIM__LR".to_owned(), "0.03".to_owned())])?;
/// layers.assignment("--set", "optim.epochs=3")?;
/// layers.argument("--lr", "optim.lr", "0.1")?;
/// let config = layers.resolve("digits")?;
/// assert_eq!((config.optim.lr, config.optim.epochs), (0.1, 3));
/// # Ok::<(), llp_sweep::SweepError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Layers {
    settings: Vec<(&'static str, Value)>,
}

impl Layers {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a configuration file. It need not be complete.
    ///
    /// # Errors
    /// [`SweepError::Io`], or what is wrong with a key or value, with file and line.
    pub fn file(&mut self, path: &Path) -> Result<&mut Self, SweepError> {
        let text = fs_err::read_to_string(path)?;
        self.toml(&path.display().to_string(), &text)
    }

    /// Adds the text of a configuration file; `path` names it in errors.
    ///
    /// # Errors
    /// As [`Layers::file`].
    pub fn toml(&mut self, path: &str, text: &str) -> Result<&mut Self, SweepError> {
        leaves(path, text)?.iter().try_for_each(|leaf| self.leaf(&leaf.key, leaf))?;
        Ok(self)
    }

    /// Adds environment variables: `LLP_OPTIM__LR` sets `optim.lr`, `LLP_SEED` sets `seed`.
    ///
    /// Other variables are ignored, and so is `LLP_NAME` without `__` unless `name` is a key: such variables may
    /// mean something else to the program.
    ///
    /// # Errors
    /// What is wrong with a key or value, with the variable's name.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<&mut Self, SweepError> {
        let mut ours: Vec<_> = variables.into_iter().filter(|(name, _)| name.starts_with("LLP_")).collect();
        ours.sort();
        for (name, text) in ours {
            let key = name["LLP_".len()..].to_lowercase().replace("__", ".");
            if key.contains('.') || super::keys::find(&key).is_some() {
                self.text(&key, &text, &Origin::Name(name))?;
            }
        }
        Ok(self)
    }

    /// Adds an assignment `key=value` from the argument called `name` (`--set`). Strings need no quotes.
    ///
    /// # Errors
    /// What is no assignment, or what is wrong with the key or value, with the argument's name.
    pub fn assignment(&mut self, name: &str, assignment: &str) -> Result<&mut Self, SweepError> {
        let origin = Origin::Name(name.to_owned());
        let Some((key, text)) = assignment.split_once('=') else {
            return Err(origin.not_an_assignment(assignment));
        };
        self.text(key.trim(), text, &origin)
    }

    /// Adds the value of the named argument `name` (`--lr`) for `key`.
    ///
    /// # Errors
    /// What is wrong with the value, with the argument's name.
    pub fn argument(&mut self, name: &str, key: &str, text: &str) -> Result<&mut Self, SweepError> {
        self.text(key, text, &Origin::Name(name.to_owned()))
    }

    /// As [`argument`](Self::argument), for the key that the argument `flag` of `llp train` is for.
    ///
    /// # Errors
    /// A value that the key does not accept.
    ///
    /// # Panics
    /// If no key has such an argument.
    pub fn flag(&mut self, flag: &str, text: &str) -> Result<&mut Self, SweepError> {
        let key = KEYS.iter().find(|key| key.flag == Some(flag)).expect("each argument has a key");
        self.argument(flag, key.name, text)
    }

    /// The text that a key is set to, if a layer sets it to one.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        let set = self.settings.iter().rev().find(|(name, _)| *name == key);
        set.and_then(|(_, value)| value.as_str())
    }

    /// The configuration: the preset and all layers over it, checked and canonical.
    ///
    /// `default_preset` is used where no layer names one.
    ///
    /// # Errors
    /// An unknown preset, or a combination of settings that needs another key, or excludes one.
    pub fn resolve(&self, default_preset: &str) -> Result<RunConfig, SweepError> {
        let values = self.values(Some(default_preset))?;
        let config = values.to_config()?.canonical();
        config.check()?;
        self.check_method(&values, &config)?;
        Ok(config)
    }

    /// All values, not necessarily complete where there is no preset.
    pub(crate) fn values(&self, default_preset: Option<&str>) -> Result<Values, SweepError> {
        let named = self.settings.iter().rev().find(|(key, _)| *key == "preset");
        let preset = named.and_then(|(_, value)| value.as_str()).or(default_preset);
        let mut values = preset.map_or_else(|| Ok(Values::default()), preset::base)?;
        for (key, value) in &self.settings {
            values.insert(key, value.clone());
        }
        // Who sets the epochs means these, not as many as a preset adds for its steps.
        let sets = |key: &str| self.settings.iter().any(|(name, _)| *name == key);
        if sets("optim.epochs") && !sets("optim.min_steps") {
            values.remove("optim.min_steps");
        }
        Ok(values)
    }

    /// Adds a leaf of a document under the name `key`.
    pub(crate) fn leaf(&mut self, key: &str, leaf: &Leaf) -> Result<(), SweepError> {
        self.settings.push(accept(key, &leaf.value, &leaf.origin)?);
        Ok(())
    }

    /// Adds all settings of `other` over these.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.settings.extend(other.settings.iter().cloned());
    }

    /// The settings in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.settings.iter().map(|(key, value)| (*key, value))
    }

    /// Refuses settings that say something of a training that does not take place; `values` are all of them, `config` is
    /// what is left.
    fn check_method(&self, values: &Values, config: &RunConfig) -> Result<(), SweepError> {
        let left = Values::of(config);
        let is_lost = |key: &str| values.get(key).is_some() && values.get(key) != left.get(key);
        let lost = |is_meant: &dyn Fn(&str) -> bool| {
            self.iter().map(|(key, _)| key).find(|key| is_meant(key) && is_lost(key))
        };
        let is_detail = |key: &str| key.starts_with("method.") && key != "method.name";
        match config.method.name {
            Some(method) => match lost(&|key| is_of_networks(key) || is_detail(key)) {
                Some(key) => {
                    let problem = format!("`{key}` does nothing with `method.name = {}`", method.as_str());
                    Err(SweepError::Invalid(format!("{problem}: leave one of the two out")))
                }
                None => Ok(()),
            },
            None => match lost(&is_detail) {
                Some(key) => Err(SweepError::missing_key("method.name", &format!("a run with `{key}`"))),
                None => Ok(()),
            },
        }
    }

    fn text(&mut self, key: &str, text: &str, origin: &Origin) -> Result<&mut Self, SweepError> {
        self.settings.push(values::accept_text(key, text, origin)?);
        Ok(self)
    }
}
