//! All that is wrong with data, not the first of it.

use llp_bags::BagError;
use llp_bags::own::OwnError;
use llp_bags::source::parquet::ParquetError;
use llp_train::TrainError;
use serde::Serialize;

use crate::environment::{print, print_json};
use crate::failure::{Failure, code};
use crate::{Global, Output};

#[derive(Serialize)]
struct Faults<'a> {
    data: &'a str,
    findings: &'a [String],
}

/// Lists the faults of an error that contains several; any other is returned.
pub(crate) fn list(global: Global, data: &str, failure: Failure) -> Result<u8, Failure> {
    let Some(findings) = failure.error.downcast_ref().and_then(several) else { return Err(failure) };
    if global.output == Output::Json {
        print_json(&Faults { data, findings: &findings })?;
    } else {
        for finding in &findings {
            print(&format!("wrong         {finding}"))?;
        }
        print(&format!("{} images of {data} cannot be read", findings.len()))?;
    }
    Ok(code::USAGE)
}

fn several(error: &TrainError) -> Option<Vec<String>> {
    fn texts<E: ToString>(all: &[E]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }
    match error {
        TrainError::Data(BagError::Parquet(ParquetError::BrokenRows { all })) => Some(texts(all)),
        TrainError::Own(OwnError::BrokenImages { all }) => Some(texts(all)),
        _ => None,
    }
}
