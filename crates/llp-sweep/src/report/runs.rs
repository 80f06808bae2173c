//! One line for each run: its name, its own settings, its own numbers.

use std::fmt::Write as _;

use super::ReportData;
use super::page::duration;
use crate::bag_sizes::BagSizes;
use crate::collect::Row;
use crate::differences::Differences;
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
pub(super) fn lines(report_data: &ReportData) -> Vec<RunLine> {
    let differences = Differences::between(report_data.rows.iter().map(|row| &row.cell.config));
    let line = |(row, name): (&Row, &String)| line(report_data, row, name, &differences);
    report_data.rows.iter().zip(&report_data.names).map(line).collect()
}

/// The lines as a Markdown table.
pub(super) fn markdown(report_data: &ReportData) -> String {
    let criterion = format!("held-out {}", report_data.criterion.in_middle());
    let mut text = format!(
        "| run | settings that differ | bags | bag size | epochs | {criterion} | test accuracy, % | time | state |\n\
         |:---|:---|---:|---:|---:|---:|---:|---:|:---|\n"
    );
    for run in lines(report_data) {
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

fn line(report_data: &ReportData, row: &Row, name: &str, differences: &Differences) -> RunLine {
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
        settings: differences.of(config),
        n_bags: result.map_or_else(|| "–".to_owned(), |result| result.n_bags.to_string()),
        sizes: BagSizes::of(config, result).to_string(),
        epochs: match result {
            Some(result) if result.epochs >= planned => result.epochs.to_string(),
            Some(result) => format!("{} of {planned}", result.epochs),
            None => planned.to_string(),
        },
        trend,
        held_out: complete
            .and_then(|last| report_data.criterion.of(last))
            .map_or_else(String::new, |value| format!("{value:.4}")),
        accuracy: complete
            .and_then(|last| last.test_accuracy)
            .map_or_else(String::new, |accuracy| format!("{:.1}", 100.0 * accuracy)),
        time: result.map_or_else(|| "–".to_owned(), |result| duration(result.train_s)),
        state: row.state.as_str(),
    }
}
