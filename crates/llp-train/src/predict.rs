//! Predictions for new instances: images in files and folders, rows of tables, splits of data sets.
//!
//! ```text
//! Source -> chunk of instances -> Predictor -> logits / temperature -> Predictions -> cells of a table
//!                                                                          |
//!                                        ProportionTable -> posterior() ---+   U*, labels with exact counts
//! ```

mod error;
mod output;
mod paths;
mod posterior;
mod source;

use std::ops::Range;

pub use error::PredictError;
pub use output::{Columns, Predictions};
pub use posterior::{Posterior, posterior};
pub use source::Source;

use crate::Predictor;
use crate::scores::log_probabilities;

/// Instances that are decoded, predicted and written at once.
pub const CHUNK: usize = 1024;

/// What the network says of some instances of a source; its logits are divided by `temperature`.
///
/// # Errors
/// When an instance cannot be read or does not fit the network.
pub fn predict(
    predictor: &Predictor,
    source: &Source,
    range: Range<usize>,
    temperature: f64,
) -> Result<Predictions, PredictError> {
    let state = predictor.state();
    let (ids, bags) = source.names(range.clone());
    let logits = source.with_instances(range, |data, instances| Ok(predictor.logits(data, instances)?))?;
    let log_probs = log_probabilities(&logits, state.class_names.len(), temperature);
    Ok(Predictions { ids, bags, probabilities: log_probs.iter().map(|log_prob| log_prob.exp()).collect() })
}
