//! The choice of hyper-parameters, without any instance label.

use std::collections::BTreeMap;

use crate::collect::Row;
use crate::config::{LossName, RunConfig, Values, value_text};
use crate::record::EpochRecord;
use crate::run_dir::RunState;

/// The rule in words, for captions and tables.
pub const RULE: &str = "Hyper-parameters are chosen without instance labels: for each data set, loss and bag size \
                        those with the smallest KL loss of the last epoch on held-out bags, averaged over seeds. \
                        Where only one set of them was tried, it is taken.";

/// Keys that repeat a run under other random draws instead of changing what is done.
const SEEDS: &[&str] = &["seed", "bags.seed", "data.split_seed"];

/// Mean and spread over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation (divisor `n - 1`); nothing for a single value.
    pub sd: Option<f64>,
    /// How many values.
    pub n: usize,
}

impl Spread {
    /// Mean and spread of values; nothing if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        Some(Self { mean, sd, n })
    }
}

/// Hyper-parameters, complete for all their seeds.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The configuration of the first seed.
    pub config: RunConfig,
    /// The places of its runs, one for each seed, in the rows that were chosen from.
    pub rows: Vec<usize>,
    /// The criterion: KL loss of the last epoch on held-out bags, in nats. Nothing where there are no held-out bags,
    /// which only a candidate without rivals can do without.
    pub held_out_kl: Option<Spread>,
    /// Test accuracy of the last epoch; nothing where a seed has none.
    pub test_accuracy: Option<Spread>,
}

/// The choice within one data set, loss and bag size.
#[derive(Debug, Clone)]
pub struct Group {
    /// The data set.
    pub data: String,
    /// The loss.
    pub loss: LossName,
    /// Instances per bag.
    pub bag_size: usize,
    /// What the rule chose; nothing if no candidate is complete for all its seeds.
    pub chosen: Option<Candidate>,
    /// The candidate with the best test accuracy, which the rule must not know: for comparison only.
    pub best_by_test: Option<Candidate>,
    /// How many hyper-parameters were tried.
    pub n_candidates: usize,
    /// How many of them are complete for all their seeds.
    pub n_eligible: usize,
    /// Runs of the group.
    pub n_runs: usize,
    /// Runs that diverged.
    pub n_diverged: usize,
    /// Runs without a result.
    pub n_missing: usize,
    /// Accuracy of guessing, where a run has told the number of classes.
    pub chance: Option<f64>,
}

impl Group {
    /// How much test accuracy the label-free choice gives away against the best candidate.
    pub fn regret(&self) -> Option<f64> {
        let accuracy = |candidate: &Option<Candidate>| Some(candidate.as_ref()?.test_accuracy?.mean);
        Some(accuracy(&self.best_by_test)? - accuracy(&self.chosen)?)
    }
}

/// Chooses hyper-parameters within each data set, loss and bag size, by [`RULE`].
///
/// A candidate is a set of hyper-parameters (everything but seeds) that is complete for all its seeds with a
/// criterion each; one that diverged, failed or is missing for any seed is not eligible. The only candidate of a group
/// needs no criterion. Of equally good ones, that
/// with the smaller learning rate is chosen, then the first of the plan. Groups are ordered by data set, loss and bag
/// size.
pub fn select(rows: &[Row]) -> Vec<Group> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let config = &row.cell.config;
        groups.entry((config.data.name.clone(), config.loss.name, config.bags.size)).or_default().push(index);
    }
    groups
        .into_iter()
        .map(|((data, loss, bag_size), members)| group(rows, data, loss, bag_size, &members))
        .collect()
}

fn group(rows: &[Row], data: String, loss: LossName, bag_size: usize, members: &[usize]) -> Group {
    let mut by_parameters: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &index in members {
        by_parameters.entry(parameters(&rows[index].cell.config)).or_default().push(index);
    }
    let n_candidates = by_parameters.len();
    let mut eligible: Vec<_> = by_parameters.into_values().filter_map(|runs| candidate(rows, runs)).collect();
    // Without rivals there is nothing to choose, so no criterion is needed.
    eligible.retain(|candidate| n_candidates == 1 || candidate.held_out_kl.is_some());
    eligible.sort_by(|a, b| {
        let (x, y) = (&a.config.optim, &b.config.optim);
        x.lr.total_cmp(&y.lr).then(a.rows[0].cmp(&b.rows[0]))
    });
    // `min_by` keeps the first of equals, so ties go to the smaller learning rate.
    let criterion = |candidate: &Candidate| candidate.held_out_kl.map_or(0.0, |kl| kl.mean);
    let chosen = eligible.iter().min_by(|a, b| criterion(a).total_cmp(&criterion(b))).cloned();
    let accuracy = |candidate: &Candidate| candidate.test_accuracy.map(|accuracy| -accuracy.mean);
    let by_test = eligible.iter().filter_map(|candidate| Some((accuracy(candidate)?, candidate)));
    let best_by_test = by_test.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate.clone());
    let count = |is: fn(&Row) -> bool| members.iter().filter(|index| is(&rows[**index])).count();
    let n_classes = members.iter().find_map(|index| Some(rows[*index].result.as_ref()?.n_classes));
    Group {
        data,
        loss,
        bag_size,
        chosen,
        best_by_test,
        n_candidates,
        n_eligible: eligible.len(),
        n_runs: members.len(),
        n_diverged: count(|row| row.state == RunState::Diverged),
        n_missing: count(|row| !row.state.is_ended()),
        chance: n_classes.filter(|n| *n > 0).map(|n| 1.0 / n as f64),
    }
}

/// Everything that tells hyper-parameters apart, as text.
pub(crate) fn parameters(config: &RunConfig) -> String {
    let values = Values::of(config);
    let telling = values.iter().filter(|(key, _)| key.hashed && !SEEDS.contains(&key.name));
    telling.map(|(key, value)| format!("{}={}\n", key.name, value_text(value))).collect::<Vec<_>>().concat()
}

fn candidate(rows: &[Row], runs: Vec<usize>) -> Option<Candidate> {
    let last: Vec<&EpochRecord> =
        runs.iter().map(|index| rows[*index].last_epoch()).collect::<Option<_>>()?;
    let all = |pick: fn(&EpochRecord) -> Option<f64>| {
        let values: Option<Vec<f64>> = last.iter().map(|record| pick(record)).collect();
        values.as_deref().and_then(Spread::of)
    };
    let held_out_kl = all(|record| record.held_out_kl);
    let test_accuracy = all(|record| record.test_accuracy);
    Some(Candidate { config: rows[runs[0]].cell.config.clone(), rows: runs, held_out_kl, test_accuracy })
}
