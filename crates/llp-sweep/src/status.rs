//! How far a sweep is: which of its runs are in which state, why some stopped, and how much is left.
//!
//! Reads one or two small files of each run and never the metrics, so it is quick for thousands of runs.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::claim::Host;
use crate::collect::json;
use crate::config::Values;
use crate::error::{Origin, SweepError};
use crate::estimate::EpochCosts;
use crate::filter;
use crate::record::{RunResult, Status};
use crate::run_dir::{RunDir, RunState};
use crate::sweep_dir::{Cell, SweepDir};

/// How many runs are in each state of [`RunState::ALL`], those with none included.
pub type Counts = [(RunState, usize); RunState::ALL.len()];

/// The status of a cell.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// Its state. Files that cannot be read are a failure.
    pub state: RunState,
    /// Epochs that are done.
    pub epochs: usize,
    /// Epochs in all, as far as the run has recorded them; else those of its configuration.
    pub n_epochs: usize,
    /// Training time of a run that has ended, in seconds.
    pub train_s: Option<f64>,
    /// Why it is in this state, as far as that is known.
    pub reason: Option<String>,
}

/// Looks at cells of a sweep.
pub fn survey<'a>(sweep: &SweepDir, cells: &[&'a Cell], here: &Host) -> Vec<Standing<'a>> {
    cells.iter().map(|cell| standing(&sweep.run_dir(cell), cell, here)).collect()
}

fn standing<'a>(run: &RunDir, cell: &'a Cell, here: &Host) -> Standing<'a> {
    let configured = cell.config.optim.epochs;
    match read(run, here) {
        Ok((state, Some(result), _)) => {
            let n_epochs = configured.max(result.epochs);
            Standing {
                cell,
                state,
                epochs: result.epochs,
                n_epochs,
                train_s: Some(result.train_s),
                reason: None,
            }
        }
        Ok((state, None, status)) => {
            let epochs = status.as_ref().map_or(0, |status| status.epoch);
            let n_epochs = status.as_ref().map_or(configured, |status| status.epochs);
            let reason = status.and_then(|status| status.reason);
            Standing { cell, state, epochs, n_epochs, train_s: None, reason }
        }
        Err(error) => Standing {
            cell,
            state: RunState::Failed,
            epochs: 0,
            n_epochs: configured,
            train_s: None,
            reason: Some(error.to_string()),
        },
    }
}

type Read = (RunState, Option<RunResult>, Option<Status>);

fn read(run: &RunDir, here: &Host) -> Result<Read, SweepError> {
    let (state, result) = run.state_and_result(here)?;
    let status = if result.is_some() { None } else { run.status()? };
    Ok((state, result, status))
}

/// The number of cells in each state.
pub fn count<'a>(standings: impl IntoIterator<Item = &'a Standing<'a>>) -> Counts {
    let mut counts = RunState::ALL.map(|state| (state, 0));
    for standing in standings {
        for (counted, n) in &mut counts {
            *n += usize::from(*counted == standing.state);
        }
    }
    counts
}

/// One row of a cross table.
#[derive(Debug, Clone)]
pub struct CrossRow {
    /// The values of the keys; `null` for a key that does not apply.
    pub values: Vec<Json>,
    /// The cells that have them.
    pub counts: Counts,
}

/// The full names of keys in a list such as `loss,bag_size`, as in filters.
///
/// # Errors
/// An unknown key, with the nearest one.
pub fn keys(argument: &str, list: &str) -> Result<Vec<&'static str>, SweepError> {
    let origin = Origin::Name(argument.to_owned());
    list.split(',').map(|name| filter::key(name.trim(), &origin)).collect()
}

/// Counts for each combination of values of some keys, in the order in which the plan first has them.
pub fn cross(standings: &[Standing<'_>], keys: &[&'static str]) -> Vec<CrossRow> {
    let mut order: Vec<Vec<Json>> = Vec::new();
    let mut groups: BTreeMap<usize, Vec<&Standing<'_>>> = BTreeMap::new();
    for standing in standings {
        let config = Values::of(&standing.cell.config);
        let values: Vec<Json> = keys.iter().map(|key| config.get(key).map_or(Json::Null, json)).collect();
        let place = order.iter().position(|known| *known == values).unwrap_or_else(|| {
            order.push(values);
            order.len() - 1
        });
        groups.entry(place).or_default().push(standing);
    }
    let rows = order.into_iter().zip(groups.into_values());
    rows.map(|(values, members)| CrossRow { values, counts: count(members) }).collect()
}

/// Epochs that pruned cells have not trained.
pub fn epochs_saved(standings: &[Standing<'_>]) -> usize {
    let pruned = standings.iter().filter(|standing| standing.state == RunState::Pruned);
    pruned.map(|standing| standing.n_epochs.saturating_sub(standing.epochs)).sum()
}

/// What is left to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Remaining {
    /// Training time of all cells that are not at their end, one after the other, in seconds.
    pub seconds: f64,
    /// Finished runs that this is estimated from.
    pub n_finished: usize,
}

/// Estimates the training time that is left, from the epochs of finished runs of the same cost. Returns `None` if none
/// is finished. Failed, parked, pruned and cancelled cells are not counted.
pub fn remaining(standings: &[Standing<'_>]) -> Option<Remaining> {
    let mut costs = EpochCosts::default();
    let mut n_finished = 0;
    for standing in standings.iter().filter(|standing| standing.epochs > 0) {
        if let Some(seconds) = standing.train_s {
            costs.add(&standing.cell.config, seconds, standing.epochs);
            n_finished += 1;
        }
    }
    let is_open = |standing: &&Standing<'_>| {
        matches!(standing.state, RunState::Pending | RunState::Running | RunState::Interrupted)
    };
    let seconds = standings.iter().filter(is_open).map(|standing| {
        let config = &standing.cell.config;
        let left = standing.n_epochs.saturating_sub(standing.epochs);
        costs.of(config).map(|per_epoch| per_epoch * left as f64)
    });
    let seconds: Option<f64> = seconds.sum();
    // A sum of nothing is -0.
    Some(Remaining { seconds: seconds.filter(|_| n_finished > 0)? + 0.0, n_finished })
}
