//! A configuration as a flat map from dotted keys to values: the form in which layers, grids, hashes and
//! comparisons work.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::keys::{self, KEYS};
use super::nearest::nearest_key;
use super::{RunConfig, SCHEMA};
use crate::error::{Origin, SweepError};

/// Known keys and accepted values. Not necessarily complete.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Takes a configuration apart. What a key would not accept is kept, for `check` to find.
    pub(crate) fn of(config: &RunConfig) -> Self {
        let Ok(tree) = serde_json::to_value(config) else {
            unreachable!("structures of numbers, flags and strings always serialize")
        };
        let mut flat = Vec::new();
        flatten("", &tree, &mut flat);
        Self(flat.into_iter().filter_map(|(name, value)| Some((keys::find(&name)?.name, value))).collect())
    }

    /// Puts the values together again.
    pub(crate) fn to_config(&self) -> Result<RunConfig, SweepError> {
        let missing = KEYS.iter().find(|key| !key.optional && !self.0.contains_key(key.name));
        if let Some(key) = missing {
            return Err(SweepError::missing_key(key.name, "a configuration"));
        }
        self.to_table().try_into().map_err(|error: toml::de::Error| Origin::Program.error(error.message()))
    }

    /// Sets a key to a TOML value after judging both.
    pub(crate) fn set(&mut self, name: &str, value: &Value, origin: &Origin) -> Result<(), SweepError> {
        let (key, value) = accept(name, value, origin)?;
        self.0.insert(key, value);
        Ok(())
    }

    /// Sets a key that is already judged.
    pub(crate) fn insert(&mut self, key: &'static str, value: Value) {
        self.0.insert(key, value);
    }

    /// Leaves a key out.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Keys and values in the order of [`KEYS`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static keys::Key, &Value)> {
        KEYS.iter().filter_map(|key| Some((key, self.0.get(key.name)?)))
    }

    /// As nested TOML tables.
    pub(crate) fn to_table(&self) -> Table {
        let mut root = Table::new();
        for (name, value) in &self.0 {
            match name.split_once('.') {
                None => drop(root.insert((*name).to_owned(), value.clone())),
                Some((section, field)) => {
                    let table = root.entry(section).or_insert_with(|| Value::Table(Table::new()));
                    if let Value::Table(table) = table {
                        table.insert(field.to_owned(), value.clone());
                    }
                }
            }
        }
        root
    }
}

/// The key of this name.
pub(crate) fn known(name: &str, origin: &Origin) -> Result<&'static keys::Key, SweepError> {
    let nearest = || nearest_key(name, KEYS.iter().map(|key| key.name));
    keys::find(name).ok_or_else(|| origin.unknown_key(name, nearest().as_deref()))
}

/// Checks a key and a value given by the user.
pub(crate) fn accept(
    name: &str,
    value: &Value,
    origin: &Origin,
) -> Result<(&'static str, Value), SweepError> {
    accept_with(name, origin, |key| key.accept(value))
}

/// Judges a key and the text of an argument or a variable.
pub(crate) fn accept_text(
    name: &str,
    text: &str,
    origin: &Origin,
) -> Result<(&'static str, Value), SweepError> {
    accept_with(name, origin, |key| key.accept_text(text))
}

fn accept_with(
    name: &str,
    origin: &Origin,
    accept: impl FnOnce(&keys::Key) -> Result<Value, keys::Rejected>,
) -> Result<(&'static str, Value), SweepError> {
    let key = known(name, origin)?;
    let value = accept(key).map_err(|keys::Rejected { expected, got, nearest }| {
        origin.invalid_value(name, expected, got, nearest.as_deref())
    })?;
    if key.name == "schema" && value != Value::Integer(i64::from(SCHEMA)) {
        return Err(origin.other_schema(&value, SCHEMA));
    }
    Ok((key.name, value))
}

/// The text of a value in hashes, comparisons and tables. Written out here so that no library update can rename runs.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Float(x) => format!("{x:?}"),
        other => other.to_string(),
    }
}

fn flatten(prefix: &str, tree: &serde_json::Value, into: &mut Vec<(String, Value)>) {
    use serde_json::Value as Json;
    let value = match tree {
        Json::Object(fields) => {
            for (name, value) in fields {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, value, into);
            }
            return;
        }
        // Absent options are skipped when serializing, so a null is a number that JSON cannot hold.
        Json::Null | Json::Array(_) => Value::Float(f64::NAN),
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::String(text) => Value::String(text.clone()),
        Json::Number(n) => {
            n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or(f64::NAN)), Value::Integer)
        }
    };
    into.push((prefix.to_owned(), value));
}
