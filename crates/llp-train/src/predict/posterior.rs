//! Predictions beside what is known of their bags.

use std::path::Path;

use llp_bags::own::ProportionTable;
use llp_data::DataError;

use super::Predictions;
use crate::TrainError;
use crate::disaggregate::{BaggedPredictions, Disaggregation, bags_of};

/// Posteriors, and which instances have none of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    /// Of all instances; those without known proportions keep the network's probabilities.
    pub solved: Disaggregation,
    /// Instances without a bag.
    pub n_without_bag: usize,
    /// Instances of bags that the table of proportions does not have, and one of these bags.
    pub unknown_bags: Option<(usize, String)>,
    /// Bags whose proportions are the best guess within what is known.
    pub n_guessed: usize,
}

/// Solves the bags of `predictions`, whose proportions are in the rows of `proportions`: the posterior `U*` of equation
/// (6) and the labels with exact counts. Bags of the table without instances here are left alone, and so are instances
/// without a bag or of a bag that is not in the table.
///
/// `source` is where the instances come from, for messages. `proportions` has the classes of the predictions, in their
/// order.
///
/// # Errors
/// No bag is in the table; rows that do not add up; counts of another number of
/// instances; `alpha` or `epsilon` outside their ranges.
pub fn posterior(
    predictions: &Predictions,
    proportions: &ProportionTable,
    source: &Path,
    alpha: f64,
    epsilon: f64,
) -> Result<Posterior, TrainError> {
    let mut instances_of = vec![Vec::new(); proportions.len()];
    let (mut n_without_bag, mut unknown) = (0, Vec::new());
    for (instance, bag) in predictions.bags.iter().enumerate() {
        match proportions.row(bag) {
            Some(row) => instances_of[row].push(instance),
            None if bag.is_empty() => n_without_bag += 1,
            None => unknown.push(instance),
        }
    }
    let Predictions { ids, bags, probabilities, .. } = predictions.clone();
    if let (Some(&instance), true) = (unknown.first(), instances_of.iter().all(Vec::is_empty)) {
        let (instance, bag, table) = (&ids[instance], &bags[instance], proportions.path().display());
        let problem = format!("instance {instance:?}: its bag {bag:?} is not in {table}");
        return Err(DataError::new(problem).remedy("add its proportions or remove the instance").into());
    }
    let known = bags_of(proportions, instances_of, source)?;
    let given = BaggedPredictions::new(proportions.class_names().to_vec(), ids, probabilities, known);
    Ok(Posterior {
        solved: given.disaggregate(alpha, epsilon)?,
        n_without_bag,
        unknown_bags: unknown.first().map(|&first| (unknown.len(), bags[first].clone())),
        n_guessed: given.n_guessed(),
    })
}
