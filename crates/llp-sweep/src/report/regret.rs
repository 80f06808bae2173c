//! What choosing without labels gives away, for each criterion: only where there are labels to measure it by.

use std::collections::BTreeSet;

use crate::collect::Row;
use crate::criterion::Criterion;
use crate::error::SweepError;
use crate::report::table::others;
use crate::select::{Group, select};

/// The regrets of one criterion on one data set, in accuracy, over groups with several complete candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Regret {
    /// The data set.
    pub data: String,
    /// What was chosen by.
    pub criterion: Criterion,
    /// Groups of loss and bag size.
    pub n_groups: usize,
    /// The mean over groups.
    pub mean: f64,
    /// The largest.
    pub worst: f64,
}

/// The choices of each criterion, in the order of [`Criterion::ALL`].
pub fn choices(rows: &[Row]) -> Vec<Vec<Group>> {
    Criterion::ALL.into_iter().map(|criterion| select(rows, criterion)).collect()
}

/// The regrets of each data set and criterion, over groups whose choice rests on at least `n_bags_min` held-out bags.
///
/// Groups without labels, or with fewer than two candidates to choose from, have none.
pub fn regrets(choices: &[Vec<Group>], n_bags_min: usize) -> Vec<Regret> {
    let data_sets: BTreeSet<&str> = choices.iter().flatten().map(|group| group.data.as_str()).collect();
    let of = |data: &str, groups: &[Group]| {
        let counts = |group: &&Group| {
            let enough = group.chosen.as_ref().is_some_and(|chosen| chosen.n_held_out_bags >= n_bags_min);
            group.data == data && group.n_eligible > 1 && enough
        };
        let regrets: Vec<f64> = groups.iter().filter(counts).filter_map(Group::regret).collect();
        let criterion = groups.first()?.criterion;
        (!regrets.is_empty()).then(|| Regret {
            data: data.to_owned(),
            criterion,
            n_groups: regrets.len(),
            mean: regrets.iter().sum::<f64>() / regrets.len() as f64,
            worst: regrets.iter().copied().fold(0.0, f64::max),
        })
    };
    data_sets.iter().flat_map(|data| choices.iter().filter_map(|groups| of(data, groups))).collect()
}

/// `selection.csv`: a row for each data set, loss, bag size and criterion; accuracies are fractions, and what there is
/// not is empty.
///
/// # Errors
/// Those of writing CSV, which writing into memory does not meet.
pub fn csv(choices: &[Vec<Group>]) -> Result<String, SweepError> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "data.name",
        "loss.name",
        "bags.size",
        "criterion",
        "n_held_out_bags",
        "n_candidates",
        "n_eligible",
        "optim.lr",
        "loss.alpha",
        "others",
        "held_out",
        "test_accuracy",
        "chosen_epoch_test_accuracy",
        "best_test_accuracy",
        "regret",
    ])?;
    for group in choices.iter().flatten() {
        let chosen = group.chosen.as_ref();
        let best = group.best_by_test.as_ref().and_then(|best| best.test_accuracy);
        table.write_record([
            group.data.clone(),
            group.approach.as_str().to_owned(),
            group.bag_size.to_string(),
            group.criterion.as_str().to_owned(),
            chosen.map_or_else(String::new, |chosen| chosen.n_held_out_bags.to_string()),
            group.n_candidates.to_string(),
            group.n_eligible.to_string(),
            number(chosen.and_then(|chosen| chosen.config.rate())),
            number(chosen.and_then(|chosen| chosen.config.loss.alpha)),
            chosen.map_or_else(String::new, |chosen| others(group, chosen)),
            number(chosen.and_then(|chosen| Some(chosen.criterion?.mean))),
            number(chosen.and_then(|chosen| Some(chosen.test_accuracy?.mean))),
            number(chosen.and_then(|chosen| Some(chosen.chosen_epoch_accuracy?.mean))),
            number(best.map(|best| best.mean)),
            number(group.regret()),
        ])?;
    }
    let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
