//! Labels for single instances from a model's class probabilities and the known proportions of their bags.
//!
//! Nothing is trained: the probabilities may come from any model. The posterior is the coupling `U*` of equation (6)
//! for the cost `-log p`, which moves the probabilities of a bag as little as its proportions demand.

mod input;

use std::path::Path;

use llp_bags::Imprecision;
use llp_bags::own::ProportionTable;
use llp_data::DataError;
use llp_ot::{
    NewtonConfig, OtError, Proportions, RotProblem, SolverOutcome, argmax, round_coupling, solve_newton,
};
use rayon::prelude::*;

pub use input::columns_of;

/// A model's class probabilities, in bags of known proportions.
#[derive(Debug, Clone, PartialEq)]
pub struct BaggedPredictions {
    class_names: Vec<String>,
    instances: Vec<String>,
    probabilities: Vec<f64>, // [instance, class]; rows add up to 1
    bags: Vec<Bag>,
}

/// A bag and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bag {
    /// Its name.
    pub name: String,
    /// Its instances, at least one.
    pub instances: Vec<usize>,
    /// Its proportions.
    pub proportions: Proportions,
    /// The number of instances of each class, `[class]`; they add up to the number of instances.
    pub counts: Vec<u32>,
    /// Whether the proportions are known, not the best guess within what is known.
    pub is_exact: bool,
}

/// The bags of `table` that have instances, `[row][instance]`, all that are in the table at `source`.
pub(crate) fn bags_of(
    table: &ProportionTable,
    instances_of: Vec<Vec<usize>>,
    source: &Path,
) -> Result<Vec<Bag>, DataError> {
    let sizes: Vec<Option<usize>> =
        instances_of.iter().map(|instances| Some(instances.len()).filter(|&size| size > 0)).collect();
    let known = table.resolve(&sizes, source)?;
    let bags = instances_of.into_iter().zip(known).enumerate().filter_map(|(row, (instances, known))| {
        let (proportions, imprecision) = known?;
        let counts = proportions.largest_remainder_counts(instances.len() as u32);
        let name = table.bag(row).to_owned();
        Some(Bag { name, instances, proportions, counts, is_exact: imprecision == Imprecision::Exact })
    });
    Ok(bags.collect())
}

/// What is known about every instance afterwards, and how well each bag was solved.
#[derive(Debug, Clone, PartialEq)]
pub struct Disaggregation {
    /// `U*`, the distribution of each instance over the classes, `[instance, class]`.
    pub posterior: Vec<f64>,
    /// The labels of largest total posterior among those with the exact class counts of each bag, `[instance]`. An
    /// instance in no bag keeps its probabilities and the most probable class.
    pub labels: Vec<usize>,
    /// One for each bag.
    pub bags: Vec<BagOutcome>,
}

/// How well a bag was solved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BagOutcome {
    /// Equation (6) at the posterior, in nats.
    pub loss: f64,
    /// How much smaller than `loss` the minimum can be.
    pub duality_gap: f64,
    /// How far the posterior's class shares are from those of the optimum, at most.
    pub residual: f64,
    /// Whether the solver reached its threshold.
    pub outcome: SolverOutcome,
}

impl BaggedPredictions {
    /// Own probabilities, row-major `[instance, class]`, whose rows add up to 1, and bags that each instance is in at
    /// most one of.
    pub fn new(
        class_names: Vec<String>,
        instances: Vec<String>,
        probabilities: Vec<f64>,
        bags: Vec<Bag>,
    ) -> Self {
        Self { class_names, instances, probabilities, bags }
    }

    /// The classes, in the order of every `[class]` axis.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The identifiers of the instances, `[instance]`.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// The given probabilities of an instance, `[class]`.
    pub fn probabilities(&self, instance: usize) -> &[f64] {
        &self.probabilities[instance * self.class_names.len()..][..self.class_names.len()]
    }

    /// The names of the bags and how many instances each has.
    pub fn bags(&self) -> impl ExactSizeIterator<Item = (&str, usize)> {
        self.bags.iter().map(|bag| (bag.name.as_str(), bag.instances.len()))
    }

    /// The place of each instance's bag among [`bags`](Self::bags), `[instance]`; `None` for one in no bag.
    pub fn bag_of_instances(&self) -> Vec<Option<usize>> {
        let mut bag_of = vec![None; self.instances.len()];
        for (place, bag) in self.bags.iter().enumerate() {
            for &instance in &bag.instances {
                bag_of[instance] = Some(place);
            }
        }
        bag_of
    }

    /// How many bags have proportions that are the best guess within what is known.
    pub fn n_guessed(&self) -> usize {
        self.bags.iter().filter(|bag| !bag.is_exact).count()
    }

    /// Solves every bag; `alpha` and `epsilon` are those of equation (6).
    ///
    /// A small `alpha` trusts the proportions, a large one the model; at 0 the posterior has exactly the known class
    /// shares (and the loss is 0). `epsilon = 1` keeps the model's own certainty.
    ///
    /// # Errors
    /// `alpha` or `epsilon` outside their ranges.
    pub fn disaggregate(&self, alpha: f64, epsilon: f64) -> Result<Disaggregation, OtError> {
        let n_classes = self.class_names.len();
        let solved: Vec<SolvedBag> =
            self.bags.par_iter().map(|bag| self.solve(bag, alpha, epsilon)).collect::<Result<_, _>>()?;
        let mut posterior = self.probabilities.clone();
        let mut labels: Vec<usize> = posterior.chunks_exact(n_classes).map(argmax).collect();
        for (bag, solved) in self.bags.iter().zip(&solved) {
            for (place, &instance) in bag.instances.iter().enumerate() {
                labels[instance] = solved.labels[place];
                for (class, u) in posterior[instance * n_classes..][..n_classes].iter_mut().enumerate() {
                    *u = solved.coupling[class * bag.instances.len() + place];
                }
            }
        }
        Ok(Disaggregation { posterior, labels, bags: solved.iter().map(|bag| bag.outcome).collect() })
    }

    fn solve(&self, bag: &Bag, alpha: f64, epsilon: f64) -> Result<SolvedBag, OtError> {
        let classes = 0..self.class_names.len();
        let cost: Vec<f64> = classes
            .flat_map(|class| bag.instances.iter().map(move |&instance| self.cost(instance, class)))
            .collect();
        let problem = RotProblem { cost: &cost, proportions: &bag.proportions, alpha, epsilon };
        let solution = solve_newton(&problem, &NewtonConfig::DOUBLE)?;
        let outcome = BagOutcome {
            loss: solution.objective,
            duality_gap: solution.duality_gap,
            residual: solution.residual,
            outcome: solution.outcome,
        };
        let labels = round_coupling(&solution.coupling, &bag.counts)?.labels;
        Ok(SolvedBag { coupling: solution.coupling, labels, outcome })
    }

    /// `-log p`; a probability of 0 counts as the smallest positive number, so that the proportions can overrule it.
    fn cost(&self, instance: usize, class: usize) -> f64 {
        -self.probabilities(instance)[class].max(f64::MIN_POSITIVE).ln()
    }
}

struct SolvedBag {
    coupling: Vec<f64>, // [class, instance of the bag]
    labels: Vec<usize>, // [instance of the bag]
    outcome: BagOutcome,
}

impl Disaggregation {
    /// The posterior of an instance's label, `[instance]`.
    pub fn confidence(&self) -> Vec<f64> {
        let n_classes = self.posterior.len() / self.labels.len().max(1);
        self.labels
            .iter()
            .enumerate()
            .map(|(instance, label)| self.posterior[instance * n_classes + label])
            .collect()
    }
}
