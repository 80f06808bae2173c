//! One line for each run: its name, its own settings, its own numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Material;
use super::page::duration;
use crate::bag_sizes::BagSizes;
use crate::collect::Row;
use crate::config::{KEYS, RunConfig, Values, value_text};
use crate::run_dir::RunState;

/// What a table says of a run, as text; what there is not is empty.
#[derive(Debug)]
pub(super) struct RunLine {
    pub(super) name: String,
    /// What differs between the runs, as in `lr 0.03, width 8`.
    pub(super) settings: String,
    pub(super) n_bags: String,
    pub(super) sizes: String,
    pub(super) epochs: String,
    /// Whether the training loss was still falling.
    pub(super) trend: &'static str,
    /// The criterion on held-out bags.
    pub(super) held_out: String,
    /// Test accuracy in percent.
    pub(super) accuracy: String,
    pub(super) time: String,
    pub(super) state: &'static str,
}

/// The lines of all runs, in their order.
pub(super) fn lines(material: &Material) -> Vec<RunLine> {
    let keys = differing(material.rows.iter().map(|row| &row.cell.config));
    let line = |(row, name): (&Row, &String)| line(material, row, name, &keys);
    material.rows.iter().zip(&material.names).map(line).collect()
}

/// The lines as a Markdown table.
pub(super) fn markdown(material: &Material) -> String {
    let criterion = format!("held-out {}", material.criterion.in_middle());
    let mut text = format!(
        "| run | settings that differ | bags | bag size | epochs | {criterion} | test accuracy, % | time | state |\n\
         |:---|:---|---:|---:|---:|---:|---:|---:|:---|\n"
    );
    for run in lines(material) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            run.name.replace('|', "\\|"),
            run.settings.replace('|', "\\|"),
            run.n_bags,
            run.sizes,
            run.epochs,
            run.held_out,
            run.accuracy,
            run.time,
            run.state
        );
    }
    text
}

fn line(material: &Material, row: &Row, name: &str, keys: &[&'static str]) -> RunLine {
    let config = &row.cell.config;
    let result = row.result.as_ref();
    let last = result.and_then(|result| result.last.as_ref());
    let complete = last.filter(|_| row.state == RunState::Complete);
    let planned = config.optim.epochs;
    let trend = match result.and_then(|result| result.still_falling) {
        Some(true) => "still falling",
        Some(false) => "at rest",
        None => "",
    };
    RunLine {
        name: name.to_owned(),
        settings: settings(config, keys),
        n_bags: result.map_or_else(|| "–".to_owned(), |result| result.n_bags.to_string()),
        sizes: BagSizes::of(config, result).to_string(),
        epochs: match result {
            Some(result) if result.epochs >= planned => result.epochs.to_string(),
            Some(result) => format!("{} of {planned}", result.epochs),
            None => planned.to_string(),
        },
        trend,
        held_out: complete
            .and_then(|last| material.criterion.of(last))
            .map_or_else(String::new, |value| format!("{value:.4}")),
        accuracy: complete
            .and_then(|last| last.test_accuracy)
            .map_or_else(String::new, |accuracy| format!("{:.1}", 100.0 * accuracy)),
        time: result.map_or_else(|| "–".to_owned(), |result| duration(result.train_s)),
        state: row.state.as_str(),
    }
}

/// Keys in which some configurations differ, but for what has a column of its own.
fn differing<'a>(configs: impl Iterator<Item = &'a RunConfig>) -> Vec<&'static str> {
    let texts = |config: &RunConfig| -> BTreeMap<&'static str, String> {
        Values::of(config).iter().map(|(key, value)| (key.name, value_text(value))).collect()
    };
    let texts: Vec<_> = configs.map(texts).collect();
    let differs = |key: &str| texts.iter().any(|of| of.get(key) != texts[0].get(key));
    let is_shown = |key: &str| !["optim.epochs", "bags.size", "preset"].contains(&key);
    KEYS.iter().map(|key| key.name).filter(|key| is_shown(key) && differs(key)).collect()
}

/// The values of keys in words; a key that the run does without is left out.
fn settings(config: &RunConfig, keys: &[&'static str]) -> String {
    let values = Values::of(config);
    let pairs = values.iter().filter(|(key, _)| keys.contains(&key.name)).map(|(key, value)| {
        let value = value_text(value);
        let value = value.trim_matches('"');
        // The first letters of a hash tell it from others.
        let n_shown = if key.name.ends_with("hash") { 8 } else { usize::MAX };
        format!("{} {}", word(key.name), value.chars().take(n_shown).collect::<String>())
    });
    pairs.collect::<Vec<_>>().join(", ")
}

/// A key in short: its last part, unless that says nothing by itself.
fn word(key: &'static str) -> &'static str {
    match key {
        "data.name" => "data",
        "loss.name" => "loss",
        "network.name" => "network",
        "optim.name" => "optimizer",
        "bags.seed" => "seed of bags",
        "bags.hash" => "bags",
        _ => key.rsplit('.').next().unwrap_or(key),
    }
}
