//! One row for each run, with its own settings and its own numbers.

use maud::{Markup, html};

use super::super::ReportData;
use super::super::runs::{RunLine, lines};
use super::scrolled;

/// More rows than these are folded up.
const N_OPEN: usize = 40;

pub(super) fn section(report_data: &ReportData) -> Markup {
    let runs = lines(report_data);
    let has = |pick: fn(&RunLine) -> &str| runs.iter().any(|run| !pick(run).is_empty());
    let (has_settings, has_held_out) = (has(|run| &run.settings), has(|run| &run.held_out));
    let (has_accuracy, has_trend) = (has(|run| &run.accuracy), has(|run| run.trend));
    let criterion = format!("Held-out {}", report_data.criterion.in_middle());
    let table = html! {
        table {
            caption.hidden { "Runs" }
            thead {
                tr {
                    th scope="col" { "Run" }
                    @if has_settings { th.words scope="col" { "Settings that differ" } }
                    th scope="col" { "Bags" }
                    th scope="col" { "Bag size" }
                    th scope="col" { "Epochs" }
                    @if has_trend { th scope="col" { "Training loss" } }
                    @if has_held_out { th scope="col" { (criterion) } }
                    @if has_accuracy { th scope="col" { "Test accuracy (%)" } }
                    th scope="col" { "Time" }
                    th scope="col" { "State" }
                }
            }
            tbody {
                @for run in &runs {
                    tr {
                        th scope="row" { code { (run.name) } }
                        @if has_settings { td.words { (run.settings) } }
                        td { (run.n_bags) }
                        td { (run.sizes) }
                        td { (run.epochs) }
                        @if has_trend { td { (run.trend) } }
                        @if has_held_out { td { (dash(&run.held_out)) } }
                        @if has_accuracy { td { (dash(&run.accuracy)) } }
                        td { (run.time) }
                        td { (run.state) }
                    }
                }
            }
        }
    };
    let table = scrolled("Runs", &table);
    html! {
        @if runs.len() > N_OPEN { details { summary { (runs.len()) " runs" } (table) } } @else { (table) }
        p.note {
            "Numbers after the last epoch of each run; nothing is averaged here."
            @if has_trend { " Training loss: whether it was still falling when the training ended." }
            @if report_data.insight.is_none() {
                " The report on a single run, " code { "llp report RUN" } ", also shows its bags, its instances and its "
                "calibration."
            }
        }
    }
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}
