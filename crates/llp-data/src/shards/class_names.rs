//! Class names in the metadata that the `datasets` library writes.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The names of the classes of `label_column`, if the `metadata` has any.
///
/// Understands the two shapes in use. Written by the library today:
/// `{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}}}`; and the older one, that of
/// data set cards: `{"features": [{"name": "label", "dtype": {"class_label": {"names": {"0": "cat", "1": "dog"}}}}]}`.
/// In both, `info` and the form of the names (list or numbered map) may vary.
///
/// # Errors
/// If the metadata is not JSON, or the names are neither a list nor a map numbered from 0 without a gap.
pub(super) fn class_names(metadata: &str, label_column: &str) -> serde_json::Result<Option<Vec<String>>> {
    let root: Value = serde_json::from_str(metadata)?;
    let features = root.pointer("/info/features").or_else(|| root.get("features"));
    let feature = features.and_then(|features| find_feature(features, label_column));
    let names = feature.and_then(find_names).map(read_names).transpose()?;
    Ok(names.filter(|names| !names.is_empty()))
}

fn find_feature<'a>(features: &'a Value, column: &str) -> Option<&'a Value> {
    match features {
        Value::Array(list) => {
            list.iter().find(|feature| feature.get("name").is_some_and(|name| name == column))
        }
        map => map.get(column),
    }
}

fn find_names(feature: &Value) -> Option<&Value> {
    ["/names", "/dtype/class_label/names"].iter().find_map(|place| feature.pointer(place))
}

fn read_names(names: &Value) -> serde_json::Result<Vec<String>> {
    match names {
        Value::Object(numbered) => read_numbered(numbered),
        list => Vec::deserialize(list),
    }
}

fn read_numbered(numbered: &Map<String, Value>) -> serde_json::Result<Vec<String>> {
    let in_order = (0..numbered.len()).map(|class| numbered.get(&class.to_string()).unwrap_or(&Value::Null));
    in_order.map(String::deserialize).collect()
}
