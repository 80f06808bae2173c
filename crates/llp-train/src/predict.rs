//! Predictions for new instances: images in files and folders, rows of tables, splits of data sets.
//!
//! ```text
//! Source -> chunk of instances -> Ensemble -> logits / temperature -> Predictions -> cells of a table
//!                                                                         |
//!                                       ProportionTable -> posterior() ---+   U*, labels with exact counts
//! ```

mod by_bag;
mod output;
mod paths;
mod posterior;
mod source;

use std::ops::Range;

use llp_data::{DataError, PictureFacts};

pub use by_bag::{ExcessError, SharesByBag, excess_error};
pub use output::{Columns, Predictions};
pub use posterior::{Posterior, posterior};
pub use source::Source;

use crate::{Ensemble, Opinion, TrainError};

/// Instances that are decoded, predicted and written at once.
pub const CHUNK: usize = 1024;

/// The result for some instances of a source.
#[derive(Debug)]
pub struct Predicted {
    /// What the networks say of those that can be read, in their order.
    pub predictions: Predictions,
    /// What is wrong with the others.
    pub broken: Vec<DataError>,
    /// What images had.
    pub facts: PictureFacts,
}

/// What the networks say of some instances of a source; their logits are divided by `temperature`. Image files that cannot
/// be read are left out.
///
/// # Errors
/// When the instances do not fit the network, or memory does not hold them.
pub fn predict(
    ensemble: &Ensemble,
    source: &Source,
    range: Range<usize>,
    temperature: f64,
) -> Result<Predicted, TrainError> {
    let loaded = source.load(range)?;
    let (ids, bags) = source.names(&loaded.places);
    let Opinion { probabilities, agreements } =
        ensemble.opinion(&loaded.data, &loaded.instances, temperature)?;
    let predictions = Predictions { ids, bags, probabilities, agreements };
    Ok(Predicted { predictions, broken: loaded.broken, facts: loaded.facts })
}
