//! Named presets: the only place where defaults come from. Each is a sweep file that says where its numbers are from.

use super::{Values, leaves, nearest};
use crate::error::{SweepError, did_you_mean};

const PRESETS: &[(&str, &str)] = &[
    ("digits", include_str!("../../presets/digits.toml")),
    ("digits-mlp", include_str!("../../presets/digits-mlp.toml")),
    ("cifar10-cpu", include_str!("../../presets/cifar10-cpu.toml")),
    ("fast", include_str!("../../presets/fast.toml")),
    ("table", include_str!("../../presets/table.toml")),
    ("paper", include_str!("../../presets/paper.toml")),
];

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// The sweep file of a preset.
///
/// # Errors
/// An unknown name, with the nearest one.
pub fn text(name: &str) -> Result<&'static str, SweepError> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        let hint = did_you_mean(nearest(name, names()).as_deref());
        SweepError::Invalid(format!("unknown preset `{name}`: the presets are {known}{hint}"))
    })
}

/// How a preset's file is called in messages.
pub(crate) fn file_name(name: &str) -> String {
    format!("presets/{name}.toml")
}

/// The configuration under `[base]` of a preset.
pub(crate) fn base(name: &str) -> Result<Values, SweepError> {
    let mut values = Values::default();
    for leaf in leaves(&file_name(name), text(name)?)? {
        if let Some(key) = leaf.key.strip_prefix("base.") {
            values.set(key, &leaf.value, &leaf.origin)?;
        }
    }
    Ok(values)
}
