//! Predictions beside what is known of their bags.

use std::path::Path;

use super::{PredictError, Predictions};
use crate::disaggregate::{Bag, BagProportions, BaggedPredictions, DisaggregateError, Disaggregation};

/// Solves the bags of `predictions`, whose proportions are in the rows of `proportions`: the posterior `U*` of equation
/// (6) and the labels with exact counts. Bags of the table without instances here are left alone.
///
/// `source` is where the instances come from, for messages. `proportions` has the classes of the predictions, in their
/// order.
///
/// # Errors
/// [`PredictError::UnknownBag`] and [`PredictError::NoBag`]; counts of another number of instances; `alpha` or `epsilon` outside their ranges.
pub fn posterior(
    predictions: &Predictions,
    proportions: &BagProportions,
    source: &Path,
    alpha: f64,
    epsilon: f64,
) -> Result<Disaggregation, PredictError> {
    let bags = bags(predictions, proportions, source)?;
    let Predictions { ids, probabilities, .. } = predictions.clone();
    let class_names = proportions.class_names().to_vec();
    let given = BaggedPredictions::new(class_names, ids, probabilities, bags);
    Ok(given.disaggregate(alpha, epsilon).map_err(DisaggregateError::from)?)
}

fn bags(
    predictions: &Predictions,
    proportions: &BagProportions,
    source: &Path,
) -> Result<Vec<Bag>, PredictError> {
    let mut instances_of = vec![Vec::new(); proportions.len()];
    for (instance, bag) in predictions.bags.iter().enumerate() {
        if bag.is_empty() {
            let (path, instance) = (source.to_owned(), predictions.ids[instance].clone());
            return Err(PredictError::NoBag { path, instance });
        }
        let row = proportions.place(bag).ok_or_else(|| PredictError::UnknownBag {
            instance: predictions.ids[instance].clone(),
            bag: bag.clone(),
            proportions: proportions.path().to_owned(),
        })?;
        instances_of[row].push(instance);
    }
    let filled = instances_of.into_iter().enumerate().filter(|(_, instances)| !instances.is_empty());
    filled.map(|(row, instances)| Ok(proportions.bag(row, instances, source)?)).collect()
}
