//! How well the labels of single training instances can be recovered from their bags.
//!
//! Proportions are published in place of labels, and a network is trained on them: anyone who has the instances,
//! the proportions and the network can guess each label. Section 4.2 of \[dulac-arnold:19\] warns that small bags do
//! not protect; this measures by how much, beside what the proportions give away without any network.

use llp_bags::{BagSet, Imprecision, LabelOracle};
use llp_ot::argmax;
use llp_sweep::config::RunConfig;
use serde::Serialize;

use crate::disaggregate::{Bag, BaggedPredictions};
use crate::scores::log_probabilities;
use crate::{Locate, Predictor, TrainError, TrainingData, load_dataset, own, read_own};

/// Reads the data of a run as training does, and beside it the labels of the split that bags are made of, where they
/// exist: to score guesses, nothing else.
///
/// # Errors
/// Those of [`TrainingData::load`].
pub fn load_with_labels(
    config: &RunConfig,
    locate: Locate<'_>,
) -> Result<(TrainingData, Option<LabelOracle>), TrainError> {
    if let Some(path) = own::place(&config.data) {
        let own = read_own(path, &config.data)?;
        let labels = own.data.train.labels.clone();
        return Ok((TrainingData::from_own(own, config)?, labels));
    }
    let dataset = load_dataset(&config.data, locate)?;
    let labels = dataset.train.labels.clone();
    Ok((TrainingData::new(dataset, config)?, labels))
}

/// The fraction of instance labels that each way of guessing gets right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Recovery {
    /// Instances in bags.
    pub n_instances: usize,
    /// Bags.
    pub n_bags: usize,
    /// Expected, for labels drawn from the proportions of the bag: `sum_i z_i^2`, the mean over instances.
    pub proportions: f64,
    /// The most frequent class of the bag for all of it: `max_i z_i`. No guess without a look at the instances is better.
    pub most_frequent: f64,
    /// The network's most probable class, the proportions left aside.
    pub network: f64,
    /// The most probable class of the posterior `U*`.
    pub posterior: f64,
    /// The labels of largest total posterior with exactly the counts of the bag.
    pub exact_counts: f64,
}

/// Guesses the labels of the instances of some bags in every way, and has `labels`, those of all instances that the bags
/// are made of, count what is right.
///
/// `alpha` and `epsilon` are the weights of equation (6), as in
/// [`BaggedPredictions::disaggregate`].
///
/// # Errors
/// When the instances do not fit the network or the labels, or a weight is outside its range.
pub fn recovery(
    predictor: &Predictor,
    bags: &BagSet,
    labels: &LabelOracle,
    alpha: f64,
    epsilon: f64,
) -> Result<Recovery, TrainError> {
    let n_classes = bags.n_classes();
    let instances: Vec<u32> = (0..bags.len()).flat_map(|bag| bags.instances(bag)).copied().collect();
    let log_probs = log_probabilities(&predictor.bag_logits(bags)?, n_classes, 1.0);
    let probabilities = log_probs.iter().map(|log_prob| log_prob.exp()).collect();
    let class_names = predictor.state().class_names.clone();
    let names = instances.iter().map(ToString::to_string).collect();
    let solved = BaggedPredictions::new(class_names, names, probabilities, known(bags))
        .disaggregate(alpha, epsilon)?;
    let labels = labels.subset(&instances)?;
    let accuracy_of = |rows: &[f64]| {
        let guesses: Vec<u32> = rows.chunks_exact(n_classes).map(|row| argmax(row) as u32).collect();
        labels.accuracy(&guesses)
    };
    let exact: Vec<u32> = solved.labels.iter().map(|label| *label as u32).collect();
    Ok(Recovery {
        n_instances: instances.len(),
        n_bags: bags.len(),
        proportions: expected(bags, |z| z.iter().map(|z| z * z).sum()),
        most_frequent: expected(bags, |z| z.iter().copied().fold(0.0, f64::max)),
        network: accuracy_of(&log_probs)?,
        posterior: accuracy_of(&solved.posterior)?,
        exact_counts: labels.accuracy(&exact)?,
    })
}

/// The bags with their instances counted one after the other.
fn known(bags: &BagSet) -> Vec<Bag> {
    let mut start = 0;
    let bag = |bag| {
        let n_instances = bags.instances(bag).len();
        let instances = (start..start + n_instances).collect();
        start += n_instances;
        let proportions = bags.proportions(bag).clone();
        let counts = proportions.largest_remainder_counts(n_instances as u32);
        let is_exact = *bags.imprecision(bag) == Imprecision::Exact;
        Bag { name: bag.to_string(), instances, proportions, counts, is_exact }
    };
    (0..bags.len()).map(bag).collect()
}

/// The mean over instances of what the proportions of their bag give.
fn expected(bags: &BagSet, of_bag: impl Fn(&[f64]) -> f64) -> f64 {
    let right = |bag| bags.instances(bag).len() as f64 * of_bag(bags.proportions(bag).as_slice());
    (0..bags.len()).map(right).sum::<f64>() / bags.n_instances() as f64
}
