//! All that is wrong with data, not the first of it.

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
    let TrainError::Data(error) = error else { return None };
    error.several().map(|all| all.iter().map(ToString::to_string).collect())
}
