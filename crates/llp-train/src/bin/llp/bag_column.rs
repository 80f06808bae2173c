//! A column of a data set that names bags, from a CSV file: `instance,NAME`.

use std::path::Path;

use crate::failure::{Failure, usage};

/// A column and its values, `[instance]`.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

/// Reads the file; there must be one row for each of `n_instances` instances, in any order.
pub(crate) fn read(path: &Path, n_instances: usize) -> Result<Column, Failure> {
    let fault = |message: String| usage(format!("{}: {message}", path.display()));
    let mut reader = csv::Reader::from_reader(fs_err::File::open(path)?);
    let head: Vec<String> = match reader.headers() {
        Ok(head) => head.iter().map(str::to_owned).collect(),
        Err(error) => return Err(fault(error.to_string())),
    };
    let [id, name] = &head[..] else {
        return Err(fault(format!("expected the columns instance and NAME, got {}", head.join(", "))));
    };
    if id != "instance" {
        return Err(fault(format!("expected the columns instance and NAME, got {}", head.join(", "))));
    }
    let mut values: Vec<Option<String>> = vec![None; n_instances];
    for (row, record) in reader.deserialize().enumerate() {
        let (instance, value): (usize, String) =
            record.map_err(|error| fault(format!("row {row}: {error}")))?;
        match values.get_mut(instance) {
            None => {
                return Err(fault(format!(
                    "row {row} has instance {instance}, but instances go from 0 to {}",
                    n_instances - 1
                )));
            }
            Some(Some(_)) => return Err(fault(format!("row {row} has instance {instance} again"))),
            Some(slot) => *slot = Some(value),
        }
    }
    if let Some(instance) = values.iter().position(Option::is_none) {
        return Err(fault(format!("there is no row for instance {instance}")));
    }
    Ok(Column { name: name.clone(), values: values.into_iter().flatten().collect() })
}
