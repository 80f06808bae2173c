//! Predictions for new instances: images in files and folders, rows of tables, splits of data sets.
//!
//! ```text
//! Source -> chunk of instances -> Predictor -> logits / temperature -> Predictions -> cells of a table
//!                                                                          |
//!                                        ProportionTable -> posterior() ---+   U*, labels with exact counts
//! ```

mod by_bag;
mod error;
mod output;
mod paths;
mod posterior;
mod source;

use std::ops::Range;

use llp_bags::PictureFacts;

pub use by_bag::{SharesByBag, excess_error};
pub use error::PredictError;
pub use output::{Columns, Predictions};
pub use posterior::{Posterior, posterior};
pub use source::Source;

use crate::Predictor;
use crate::scores::log_probabilities;

/// Instances that are decoded, predicted and written at once.
pub const CHUNK: usize = 1024;

/// The result for some instances of a source.
#[derive(Debug)]
pub struct Predicted {
    /// What the network says of those that can be read, in their order.
    pub predictions: Predictions,
    /// What is wrong with the others.
    pub broken: Vec<PredictError>,
    /// What images had.
    pub facts: PictureFacts,
}

/// What the network says of some instances of a source; its logits are divided by `temperature`. Image files that cannot
/// be read are left out.
///
/// # Errors
/// When the instances do not fit the network, or memory does not hold them.
pub fn predict(
    predictor: &Predictor,
    source: &Source,
    range: Range<usize>,
    temperature: f64,
) -> Result<Predicted, PredictError> {
    let loaded = source.load(range)?;
    let (ids, bags) = source.names(&loaded.places);
    let logits = if loaded.instances.is_empty() {
        vec![]
    } else {
        predictor.logits(&loaded.data, &loaded.instances)?
    };
    let log_probs = log_probabilities(&logits, predictor.state().class_names.len(), temperature);
    let probabilities = log_probs.iter().map(|log_prob| log_prob.exp()).collect();
    let predictions = Predictions { ids, bags, probabilities };
    Ok(Predicted { predictions, broken: loaded.broken, facts: loaded.facts })
}
