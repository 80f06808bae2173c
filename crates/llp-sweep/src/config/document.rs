//! A TOML document as a flat list of dotted keys, each with its line number.

use toml::Value;
use toml::de::{DeTable, DeValue};

use crate::error::{Origin, SweepError};

/// One value of a document. Tables are taken apart; arrays stay whole.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// Dotted key; `"optim.lr" = 1` and `optim.lr = 1` are the same.
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// The leaves of `text`, in the order of the file. `path` only names the file in messages.
pub(crate) fn leaves(path: &str, text: &str) -> Result<Vec<Leaf>, SweepError> {
    let source = Source { path, text };
    let document = DeTable::parse(text)
        .map_err(|error| source.origin(error.span().map_or(0, |span| span.start)).error(error.message()))?;
    let mut leaves = Vec::new();
    source.collect("", document.get_ref(), &mut leaves)?;
    leaves.sort_by_key(|(start, _)| *start);
    Ok(leaves.into_iter().map(|(_, leaf)| leaf).collect())
}

struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.char_indices().take_while(|(at, _)| *at < offset);
        let line = 1 + before.filter(|(_, character)| *character == '\n').count();
        Origin::File { path: self.path.to_owned(), line }
    }

    fn collect(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        into: &mut Vec<(usize, Leaf)>,
    ) -> Result<(), SweepError> {
        for (name, value) in table {
            let start = name.span().start;
            let key = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            match value.get_ref() {
                DeValue::Table(inner) => self.collect(&key, inner, into)?,
                scalar => {
                    let origin = self.origin(start);
                    let value = plain(scalar).ok_or_else(|| {
                        let expected = "a 64-bit number, a string, true or false, or a list of these";
                        origin.invalid_value(&key, expected, &self.text[value.span()], None)
                    })?;
                    into.push((start, Leaf { key, value, origin }));
                }
            }
        }
        Ok(())
    }
}

/// The value without its position. Returns `None` for an integer that does not fit.
fn plain(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(n) => Value::Integer(i64::from_str_radix(n.as_str(), n.radix()).ok()?),
        DeValue::Float(x) => Value::Float(x.as_str().parse().ok()?),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| plain(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => Value::Table(
            table
                .iter()
                .map(|(name, value)| Some((name.get_ref().to_string(), plain(value.get_ref())?)))
                .collect::<Option<_>>()?,
        ),
    })
}
