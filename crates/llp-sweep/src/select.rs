//! The choice of hyper-parameters, without any instance label.

use std::collections::{BTreeMap, BTreeSet};

use crate::bag_sizes::BagSizes;
use crate::collect::Row;
use crate::config::{Approach, KEYS, RunConfig, Values, value_text};
use crate::criterion::Criterion;
use crate::record::EpochRecord;
use crate::run_dir::RunState;

/// The rule in words, for captions and tables.
pub fn rule(criterion: Criterion) -> String {
    format!(
        "Hyper-parameters are chosen without instance labels: for each data set, loss and bag size those with the {} of \
         the last epoch on held-out bags, averaged over seeds (and folds). Where only one set of them was tried, it is \
         taken.",
        criterion.in_words()
    )
}

/// The [`rule`] by which these groups were made.
pub(crate) fn rule_of(groups: &[Group]) -> String {
    rule(groups.first().map_or(Criterion::Kl, |group| group.criterion))
}

/// Keys that repeat a run under other random draws, or with other bags held out, instead of changing what is done.
const SEEDS: &[&str] = &["seed", "bags.seed", "data.split_seed", "data.fold"];

/// Mean and spread over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation (divisor `n - 1`); `None` for a single value.
    pub sd: Option<f64>,
    /// How many values.
    pub n: usize,
}

impl Spread {
    /// Mean and spread of values. Returns `None` if there are none.
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
    /// The configuration of the first run.
    pub config: RunConfig,
    /// The places of its runs, one for each seed and fold, in the rows that were chosen from.
    pub rows: Vec<usize>,
    /// Folds of a cross-validation, of which each seed has all; 1 without one.
    pub n_folds: usize,
    /// Held-out bags behind the criterion of one seed, in all its folds.
    pub n_held_out_bags: usize,
    /// The criterion after the last epoch. `None` without held-out bags, which only a candidate without
    /// rivals can do without.
    pub criterion: Option<Spread>,
    /// Test accuracy after the last epoch; `None` where a run has none.
    pub test_accuracy: Option<Spread>,
    /// Test accuracy after the epoch that held-out bags prefer; `None` where a run has none.
    pub chosen_epoch_accuracy: Option<Spread>,
}

/// The choice within one data set, loss and bag size.
#[derive(Debug, Clone)]
pub struct Group {
    /// The data set.
    pub data: String,
    /// The loss or the classical method.
    pub approach: Approach,
    /// Instances per bag; of the largest where bags differ.
    pub bag_size: usize,
    /// The same, of all bags.
    pub sizes: BagSizes,
    /// What the choice is by.
    pub criterion: Criterion,
    /// What the rule chose; `None` if no candidate is complete for all its seeds.
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
    /// Accuracy of guessing, where a run has recorded the number of classes.
    pub chance: Option<f64>,
    /// Whether candidates are complete, but none of them has what a choice is by.
    pub lacks_criterion: bool,
    /// Whether runs have a test accuracy; so it is taken before the first has ended.
    pub is_labelled: bool,
    /// Keys in which the candidates differ, beside learning rate and alpha.
    pub other_keys: Vec<&'static str>,
    /// Whether the chosen learning rate is the smallest or the largest of at least three that were tried, so that others
    /// beyond it may be better.
    pub edge: Option<Edge>,
}

/// An end of what was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// Less was not tried.
    Smallest,
    /// More was not tried.
    Largest,
}

impl Candidate {
    /// How many seeds there are.
    pub fn n_seeds(&self) -> usize {
        self.rows.len() / self.n_folds
    }
}

impl Group {
    /// How much test accuracy the label-free choice gives away against the best candidate.
    pub fn regret(&self) -> Option<f64> {
        let accuracy = |candidate: &Option<Candidate>| Some(candidate.as_ref()?.test_accuracy?.mean);
        Some(accuracy(&self.best_by_test)? - accuracy(&self.chosen)?)
    }

    /// Why nothing was chosen, in words.
    pub(crate) fn without_choice(&self) -> &'static str {
        match self {
            Self { lacks_criterion: true, .. } => "no held-out bags",
            Self { n_missing: 1.., .. } => "not finished",
            _ => "diverged",
        }
    }

    /// Whether a run of this configuration belongs to the group.
    pub(crate) fn has(&self, config: &RunConfig) -> bool {
        (&*config.data.name, config.approach(), config.bags.size)
            == (&*self.data, self.approach, self.bag_size)
    }

    /// What a configuration has for the [`other_keys`](Self::other_keys), each as a key and its value; a key that it does
    /// without is left out.
    pub fn others(&self, config: &RunConfig) -> Vec<(&'static str, String)> {
        let values = Values::of(config);
        let differing = values.iter().filter(|(key, _)| self.other_keys.contains(&key.name));
        differing.map(|(key, value)| (key.name, value_text(value).trim_matches('"').to_owned())).collect()
    }

    /// The same for captions: a comma, the last word of the key and the value, for each.
    pub(crate) fn others_in_words(&self, config: &RunConfig) -> String {
        let word = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
        let others = self.others(config);
        let words: Vec<_> = others.iter().map(|(key, value)| format!(", {} {value}", word(key))).collect();
        words.concat()
    }

    /// The learning rate, where there is one, and the others; a dash where there is nothing to say.
    pub(crate) fn settings_in_words(&self, config: &RunConfig) -> String {
        let others = self.others_in_words(config);
        match config.rate() {
            Some(rate) => format!("{rate}{others}"),
            None if others.is_empty() => "-".to_owned(),
            None => others.trim_start_matches(", ").to_owned(),
        }
    }
}

/// Chooses hyper-parameters within each data set, loss and bag size, by [`rule`].
///
/// A candidate is a set of hyper-parameters (everything but seeds and folds) that is complete for all of these with a
/// criterion each; one that diverged, failed or is missing for any seed is not eligible. The only candidate of a group
/// needs no criterion. Of equally good ones, that
/// with the smaller learning rate is chosen, then the first of the plan. Groups are ordered by data set, loss and bag
/// size.
pub fn select(rows: &[Row], criterion: Criterion) -> Vec<Group> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let config = &row.cell.config;
        groups
            .entry((config.data.name.clone(), config.approach(), config.bags.size))
            .or_default()
            .push(index);
    }
    groups.into_iter().map(|(place, members)| group(rows, place, criterion, &members)).collect()
}

fn group(
    rows: &[Row],
    (data, approach, bag_size): (String, Approach, usize),
    criterion: Criterion,
    members: &[usize],
) -> Group {
    let mut by_parameters: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &index in members {
        by_parameters.entry(parameters(&rows[index].cell.config)).or_default().push(index);
    }
    let n_candidates = by_parameters.len();
    let mut eligible: Vec<_> =
        by_parameters.into_values().filter_map(|runs| candidate(rows, runs, criterion)).collect();
    // Without rivals there is nothing to choose, so no criterion is needed.
    let n_complete = eligible.len();
    eligible.retain(|candidate| n_candidates == 1 || candidate.criterion.is_some());
    eligible.sort_by(|a, b| {
        let (x, y) = (&a.config.optim, &b.config.optim);
        x.lr.total_cmp(&y.lr).then(a.rows[0].cmp(&b.rows[0]))
    });
    // `min_by` keeps the first of equals, so ties go to the smaller learning rate.
    let value = |candidate: &Candidate| candidate.criterion.map_or(0.0, |value| value.mean);
    let chosen = eligible.iter().min_by(|a, b| value(a).total_cmp(&value(b))).cloned();
    let accuracy = |candidate: &Candidate| candidate.test_accuracy.map(|accuracy| -accuracy.mean);
    let by_test = eligible.iter().filter_map(|candidate| Some((accuracy(candidate)?, candidate)));
    let best_by_test = by_test.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate.clone());
    let configs: Vec<&RunConfig> = members.iter().map(|index| &rows[*index].cell.config).collect();
    let count = |is: fn(&Row) -> bool| members.iter().filter(|index| is(&rows[**index])).count();
    let n_classes = members.iter().find_map(|index| Some(rows[*index].result.as_ref()?.n_classes));
    let sizes = members.iter().map(|index| {
        let row = &rows[*index];
        BagSizes::of(&row.cell.config, row.result.as_ref())
    });
    Group {
        lacks_criterion: n_complete > 0 && eligible.is_empty(),
        is_labelled: members
            .iter()
            .filter_map(|index| rows[*index].last_epoch())
            .all(|last| last.test_accuracy.is_some()),
        edge: chosen.as_ref().and_then(|chosen| edge(chosen.config.rate()?, &configs)),
        data,
        approach,
        bag_size,
        sizes: sizes.reduce(BagSizes::and).unwrap_or(BagSizes::Equal(bag_size)),
        criterion,
        chosen,
        best_by_test,
        n_candidates,
        n_eligible: eligible.len(),
        n_runs: members.len(),
        n_diverged: count(|row| row.state == RunState::Diverged),
        n_missing: count(|row| !row.state.is_ended()),
        chance: n_classes.filter(|n| *n > 0).map(|n| 1.0 / n as f64),
        other_keys: other_keys(&configs),
    }
}

/// The end of the learning rates that were tried at which one of them is.
fn edge(rate: f64, configs: &[&RunConfig]) -> Option<Edge> {
    let mut rates: Vec<f64> = configs.iter().filter_map(|config| config.rate()).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    match &rates[..] {
        [smallest, _, .., largest] => {
            let at = |end: f64, edge: Edge| (rate == end).then_some(edge);
            at(*smallest, Edge::Smallest).or(at(*largest, Edge::Largest))
        }
        _ => None,
    }
}

/// Keys of hyper-parameters in which configurations differ, but for those that every table has.
fn other_keys(configs: &[&RunConfig]) -> Vec<&'static str> {
    let texts = |config: &&RunConfig| -> BTreeMap<&'static str, String> {
        Values::of(config).iter().map(|(key, value)| (key.name, value_text(value))).collect()
    };
    let texts: Vec<_> = configs.iter().map(texts).collect();
    let differs = |key: &str| texts.iter().any(|of| of.get(key) != texts[0].get(key));
    let has_a_place = |key: &str| SEEDS.contains(&key) || ["optim.lr", "loss.alpha"].contains(&key);
    let keys = KEYS.iter().filter(|key| key.hashed).map(|key| key.name);
    keys.filter(|key| !has_a_place(key) && differs(key)).collect()
}

/// All hyper-parameters that differ, as text.
pub(crate) fn parameters(config: &RunConfig) -> String {
    let values = Values::of(config);
    let telling = values.iter().filter(|(key, _)| key.hashed && !SEEDS.contains(&key.name));
    telling.map(|(key, value)| format!("{}={}\n", key.name, value_text(value))).collect::<Vec<_>>().concat()
}

fn candidate(rows: &[Row], runs: Vec<usize>, criterion: Criterion) -> Option<Candidate> {
    let last: Vec<&EpochRecord> =
        runs.iter().map(|index| rows[*index].last_epoch()).collect::<Option<_>>()?;
    let spread = |values: Option<Vec<f64>>| values.as_deref().and_then(Spread::of);
    let at_chosen = |index: &usize| rows[*index].result.as_ref()?.chosen.as_ref()?.test_accuracy;
    let folds: BTreeSet<_> = runs.iter().map(|index| rows[*index].cell.config.data.fold).collect();
    let held_out = runs.iter().filter_map(|index| rows[*index].result.as_ref());
    let n_held_out_bags: usize = held_out.map(|result| result.n_held_out_bags).sum();
    Some(Candidate {
        n_folds: folds.len(),
        n_held_out_bags: n_held_out_bags * folds.len() / runs.len(),
        config: rows[runs[0]].cell.config.clone(),
        criterion: spread(last.iter().map(|record| criterion.of(record)).collect()),
        test_accuracy: spread(last.iter().map(|record| record.test_accuracy).collect()),
        chosen_epoch_accuracy: spread(runs.iter().map(at_chosen).collect()),
        rows: runs,
    })
}
