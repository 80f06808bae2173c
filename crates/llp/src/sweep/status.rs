//! `llp sweep status`.

use std::path::PathBuf;

use clap::Args;
use llp_sweep::run_dir::RunState;
use llp_sweep::status::{self, Counts, CrossRow, Standing};
use llp_sweep::sweep_dir::SweepDir;
use serde_json::{Map, Value as Json, json};

use crate::environment::{host, print, print_json};
use crate::failure::{Failure, code};
use crate::sweep::FilterArgs;
use crate::units::{counted, duration};
use crate::{Global, Output};

#[derive(Args)]
pub(crate) struct StatusArgs {
    /// The sweep's directory.
    #[arg(value_name = "SWEEP")]
    dir: PathBuf,
    /// A table with a row for each combination of these settings, as in `loss,bag_size`.
    #[arg(long, value_name = "KEY,...")]
    by: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
}

pub(crate) fn status(global: Global, args: &StatusArgs) -> Result<u8, Failure> {
    let filter = args.filter.parse()?;
    let keys = args.by.as_deref().map(|list| status::keys("--by", list)).transpose()?;
    let sweep = SweepDir::open(&args.dir)?;
    let standings = status::survey(&sweep, &sweep.matching(&filter), &host());
    let table = keys.map(|keys| (status::cross(&standings, &keys), keys));
    if global.output == Output::Json {
        print_json(&as_json(&sweep, &standings, table.as_ref()))?;
    } else {
        for line in as_text(&sweep, &standings, table.as_ref()) {
            print(&line)?;
        }
    }
    Ok(code::SUCCESS)
}

type Table = (Vec<CrossRow>, Vec<&'static str>);

/// The cells that need attention.
fn troubled<'a>(standings: &'a [Standing<'a>]) -> impl Iterator<Item = &'a Standing<'a>> {
    standings.iter().filter(|standing| matches!(standing.state, RunState::Failed | RunState::Parked))
}

fn as_json(sweep: &SweepDir, standings: &[Standing<'_>], table: Option<&Table>) -> Json {
    let mut object = counts_as_json(&status::count(standings));
    let remaining = status::remaining(standings);
    object.insert("remaining_s".to_owned(), json!(remaining.map(|remaining| remaining.seconds)));
    let cell = |standing: &Standing<'_>| {
        let log = sweep.run_dir(standing.cell).log_path();
        json!({
            "index": standing.cell.index, "run": standing.cell.run, "state": standing.state,
            "reason": standing.reason, "log": log,
        })
    };
    object.insert("epochs_saved".to_owned(), json!(status::epochs_saved(standings)));
    object.insert("cells".to_owned(), troubled(standings).map(cell).collect());
    if let Some((rows, keys)) = table {
        let row = |row: &CrossRow| {
            let values = keys.iter().map(|key| (*key).to_owned()).zip(row.values.iter().cloned());
            Json::Object(values.chain(counts_as_json(&row.counts)).collect())
        };
        object.insert("by".to_owned(), rows.iter().map(row).collect());
    }
    Json::Object(object)
}

fn counts_as_json(counts: &Counts) -> Map<String, Json> {
    counts.iter().map(|(state, n)| (state.as_str().to_owned(), json!(n))).collect()
}

fn as_text(sweep: &SweepDir, standings: &[Standing<'_>], table: Option<&Table>) -> Vec<String> {
    let counts = status::count(standings);
    let mut lines: Vec<String> =
        counts.iter().map(|(state, count)| format!("{:<12} {count}", state.as_str())).collect();
    if let Some(remaining) = status::remaining(standings).filter(|remaining| remaining.seconds > 0.0) {
        lines.push(format!(
            "about {} of training are left, by the epochs of {}",
            duration(remaining.seconds),
            counted(remaining.n_finished, "finished run")
        ));
    }
    if let saved @ 1.. = status::epochs_saved(standings) {
        lines.push(format!("pruning has saved {saved} epochs"));
    }
    if let Some((rows, keys)) = table {
        lines.push(String::new());
        lines.extend(aligned(&cross_table(rows, keys)));
    }
    let troubled: Vec<_> = troubled(standings).collect();
    if !troubled.is_empty() {
        lines.push(String::new());
    }
    for standing in troubled {
        let reason = standing.reason.as_deref().unwrap_or("no reason was recorded");
        let log = sweep.run_dir(standing.cell).log_path();
        lines.push(format!(
            "{} {}: {reason} (see {})",
            standing.state.as_str(),
            standing.cell.run,
            log.display()
        ));
    }
    lines
}

/// A head and rows, with columns only for the states that occur.
fn cross_table(rows: &[CrossRow], keys: &[&'static str]) -> Vec<Vec<String>> {
    let occurs = |place: &usize| rows.iter().any(|row| row.counts[*place].1 > 0);
    let places: Vec<usize> = (0..RunState::ALL.len()).filter(occurs).collect();
    let states = places.iter().map(|place| RunState::ALL[*place].as_str());
    let head = keys.iter().copied().chain(states).map(str::to_owned).collect();
    let text = |value: &Json| match value {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |row: &CrossRow| {
        let counts = places.iter().map(|place| row.counts[*place].1.to_string());
        row.values.iter().map(text).chain(counts).collect()
    };
    std::iter::once(head).chain(rows.iter().map(row)).collect()
}

/// Columns of equal width, two spaces apart.
fn aligned(table: &[Vec<String>]) -> Vec<String> {
    let n_columns = table.first().map_or(0, Vec::len);
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect()
}
