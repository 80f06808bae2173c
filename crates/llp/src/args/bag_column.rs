//! A column that bags are made by, from a CSV file beside the data.

use std::path::Path;

use crate::failure::{Failure, usage};

/// The values of the column `name`, `[instance]`: one row for each of `n_instances` instances, in any order.
pub(crate) fn read(path: &Path, name: &str, n_instances: usize) -> Result<Vec<String>, Failure> {
    let fault = |message: String| usage(format!("{}: {message}", path.display()));
    let mut reader = csv::Reader::from_reader(fs_err::File::open(path)?);
    let head = reader.headers().map_err(|error| fault(error.to_string()))?.clone();
    let place = |wanted: &str| {
        let found = || head.iter().collect::<Vec<_>>().join(", ");
        let place = head.iter().position(|column| column == wanted);
        place.ok_or_else(|| fault(format!("there is no column {wanted}; the columns are {}", found())))
    };
    let (id, value) = (place("instance")?, place(name)?);
    let mut values: Vec<Option<String>> = vec![None; n_instances];
    for record in reader.records() {
        let record = record.map_err(|error| fault(error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let text = &record[id];
        let slot = text.parse().ok().and_then(|instance: usize| values.get_mut(instance));
        match slot {
            Some(None) if record[value].trim().is_empty() => {
                return Err(fault(format!("line {line} has no {name}: give instance {text} a value")));
            }
            Some(slot @ None) => *slot = Some(record[value].to_owned()),
            Some(Some(_)) => return Err(fault(format!("line {line} has instance {text} again"))),
            None => {
                let last = n_instances - 1;
                return Err(fault(format!(
                    "line {line} has instance {text}, but instances go from 0 to {last}"
                )));
            }
        }
    }
    if let Some(instance) = values.iter().position(Option::is_none) {
        return Err(fault(format!("there is no line for instance {instance}")));
    }
    Ok(values.into_iter().flatten().collect())
}
