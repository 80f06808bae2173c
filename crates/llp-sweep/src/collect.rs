//! One table of all runs of a sweep: `results.csv` and `results.jsonl`, derived from the run directories.
//!
//! Every cell of the plan has a row, whatever became of it.

use serde_json::Value as Json;

use crate::atomic::write_atomically;
use crate::claim::Host;
use crate::config::{KEYS, Values};
use crate::error::SweepError;
use crate::record::{EpochRecord, RunResult};
use crate::run_dir::{RunDir, RunState};
use crate::sweep_dir::{Cell, SweepDir};

/// What became of a cell.
#[derive(Debug, Clone)]
pub struct Row {
    /// The cell.
    pub cell: Cell,
    /// Its state. Files that cannot be read are a failure.
    pub state: RunState,
    /// Its result, if it came to an end.
    pub result: Option<RunResult>,
    /// Why it failed or stopped, as far as that is known.
    pub reason: Option<String>,
}

impl Row {
    /// The record of the last epoch of a complete run: the numbers that figures and tables show.
    pub fn last_epoch(&self) -> Option<&EpochRecord> {
        let complete = self.result.as_ref().filter(|_| self.state == RunState::Complete);
        complete.and_then(|result| result.last.as_ref())
    }
}

/// The rows of a sweep, in the order of the plan.
pub fn collect(sweep: &SweepDir, here: &Host) -> Vec<Row> {
    sweep.cells().iter().map(|cell| row(&sweep.run_dir(cell), cell.clone(), here)).collect()
}

/// What became of one cell, whose run is in this directory.
pub fn row(run: &RunDir, cell: Cell, here: &Host) -> Row {
    let read = || -> Result<_, SweepError> {
        let reason = run.status()?.and_then(|status| status.reason);
        Ok((run.state_and_result(here)?, reason))
    };
    match read() {
        Ok(((state, result), reason)) => {
            let is_telling = matches!(
                state,
                RunState::Failed | RunState::Parked | RunState::Pruned | RunState::Interrupted
            );
            let reason = reason.filter(|_| is_telling);
            Row { cell, state, result, reason }
        }
        Err(error) => Row { cell, state: RunState::Failed, result: None, reason: Some(error.to_string()) },
    }
}

/// Writes `results.csv` and `results.jsonl` into the sweep's directory.
///
/// Columns: place, name and state; the keys that distinguish runs; the last epoch's numbers; counts and times. Keys
/// that are the same in all rows are in `sweep.toml`. What a run does not have is empty in one and absent in the other.
///
/// # Errors
/// [`SweepError::Io`].
pub fn write(sweep: &SweepDir, rows: &[Row]) -> Result<(), SweepError> {
    let keys = telling_keys(rows);
    let mut csv = csv::Writer::from_writer(Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let fields = fields(row, &keys);
        if index == 0 {
            csv.write_record(fields.iter().map(|(name, _)| *name))?;
        }
        csv.write_record(fields.iter().map(|(_, value)| csv_text(value)))?;
    }
    let table = csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
    write_atomically(&sweep.path().join("results.csv"), &table)?;
    write_atomically(&sweep.path().join("results.jsonl"), json_lines(rows).as_bytes())?;
    Ok(())
}

/// The rows as JSON objects, one a line, with the columns of [`write()`].
pub fn json_lines(rows: &[Row]) -> String {
    let keys = telling_keys(rows);
    let mut lines = String::new();
    for row in rows {
        let fields = fields(row, &keys);
        let present = fields.iter().filter(|(_, value)| !value.is_null());
        let pairs: Vec<_> = present.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        lines += &["{", &pairs.join(","), "}\n"].concat();
    }
    lines
}

fn telling_keys(rows: &[Row]) -> Vec<&'static str> {
    let values: Vec<_> = rows.iter().map(|row| Values::of(&row.cell.config)).collect();
    let varies = |key: &str| values.windows(2).any(|pair| pair[0].get(key) != pair[1].get(key));
    KEYS.iter().filter(|key| key.is_column || varies(key.name)).map(|key| key.name).collect()
}

fn fields(row: &Row, keys: &[&'static str]) -> Vec<(&'static str, Json)> {
    let config = Values::of(&row.cell.config);
    let result = row.result.as_ref();
    let last = result.and_then(|result| result.last.as_ref());
    let chosen = result.and_then(|result| result.chosen.as_ref());
    let number = |value: Option<f64>| Json::from(value);
    let count = |pick: fn(&RunResult) -> usize| Json::from(result.map(pick));

    let mut fields = vec![
        ("index", Json::from(row.cell.index)),
        ("run", Json::from(row.cell.run.as_str())),
        ("state", Json::from(row.state.as_str())),
    ];
    fields.extend(keys.iter().map(|key| (*key, config.get(key).map_or(Json::Null, json))));
    fields.extend([
        ("epochs", count(|result| result.epochs)),
        ("train_loss", number(last.map(|last| last.train_loss))),
        ("held_out_loss", number(last.and_then(|last| last.held_out_loss))),
        ("held_out_kl", number(last.and_then(|last| last.held_out_kl))),
        ("held_out_l1", number(last.and_then(|last| last.held_out_l1))),
        ("held_out_count_l1", number(last.and_then(|last| last.held_out_count_l1))),
        ("held_out_count_nll", number(last.and_then(|last| last.held_out_count_nll))),
        ("test_accuracy", number(last.and_then(|last| last.test_accuracy))),
        ("chosen_epoch", Json::from(chosen.map(|chosen| chosen.epoch))),
        ("chosen_epoch_test_accuracy", number(chosen.and_then(|chosen| chosen.test_accuracy))),
        ("diverged_epoch", Json::from(result.and_then(|result| Some(result.diverged_at.as_ref()?.epoch)))),
        ("n_classes", count(|result| result.n_classes)),
        ("n_bags", count(|result| result.n_bags)),
        ("smallest_bag", Json::from(result.and_then(|result| result.smallest_bag))),
        ("n_train", count(|result| result.n_train)),
        ("remainder", count(|result| result.remainder)),
        ("n_held_out", count(|result| result.n_held_out)),
        ("n_held_out_bags", count(|result| result.n_held_out_bags)),
        ("images_per_s", number(last.map(|last| last.images_per_s))),
        ("train_s", number(result.map(|result| result.train_s))),
        ("version", Json::from(result.map(|result| result.version.as_str()))),
        ("reason", Json::from(row.reason.as_deref())),
    ]);
    fields
}

pub(crate) fn json(value: &toml::Value) -> Json {
    match value {
        toml::Value::Integer(n) => Json::from(*n),
        toml::Value::Float(x) => Json::from(*x),
        toml::Value::Boolean(flag) => Json::from(*flag),
        toml::Value::String(text) => Json::from(text.as_str()),
        other => Json::from(other.to_string()),
    }
}

fn csv_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
