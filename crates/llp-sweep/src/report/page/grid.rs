//! Heat maps over learning rate, alpha and what else was tried, one for each data set, loss and bag size.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::super::ReportData;
use super::super::measure::Measure;
use super::{by_approach, percent};
use crate::collect::Row;
use crate::config::RunConfig;
use crate::criterion::Criterion;
use crate::run_dir::RunState;
use crate::select::{Group, Spread};

pub(super) fn section(report_data: &ReportData) -> Markup {
    let is_labelled = Measure::any_labelled(&report_data.groups);
    html! {
        p {
            @if is_labelled { "Test accuracy in percent, and below it the criterion on held-out bags, which chooses" }
            @else { "The criterion on held-out bags, which chooses" }
            ", over the learning rate and what else was tried (rows) and alpha (columns); means over seeds of the same "
            "settings. A frame marks the choice. What did not come to its end is named in place of a number."
        }
        @for (data, approach, groups) in by_approach(&report_data.groups) {
            h3 { (approach.title()) ", " (data) }
            div.tiles { @for group in groups { (heat_map(report_data, group)) } }
        }
    }
}

/// Settings of a row of a heat map: the learning rate and all else that differs but alpha, in words.
type Settings = (Option<f64>, String);

fn heat_map(report_data: &ReportData, group: &Group) -> Markup {
    let measure = Measure::of(&report_data.groups, &group.data);
    let rows: Vec<&Row> = report_data.rows.iter().filter(|row| group.has(&row.cell.config)).collect();
    let settings = |config: &RunConfig| (config.rate(), group.others_in_words(config));
    let mut lines: Vec<Settings> = rows.iter().map(|row| settings(&row.cell.config)).collect();
    lines.sort_by(|a, b| a.0.unwrap_or(0.0).total_cmp(&b.0.unwrap_or(0.0)).then(natural(&a.1, &b.1)));
    lines.dedup();
    let alphas = distinct(rows.iter().map(|row| row.cell.config.loss.alpha));
    let has_alpha = alphas != [None];
    let cell = |line: &Settings, alpha: &Option<f64>| {
        let is_here = |config: &RunConfig| settings(config) == *line && config.loss.alpha == *alpha;
        let here: Vec<&Row> = rows.iter().filter(|row| is_here(&row.cell.config)).copied().collect();
        let is_chosen = group.chosen.as_ref().is_some_and(|chosen| is_here(&chosen.config));
        heat_cell(&here, group.criterion, measure, is_chosen)
    };
    html! {
        div.tile tabindex="0" role="region" aria-label={ "Bag size " (group.sizes) } {
            table.heat {
                caption { "Bag size " (group.sizes) }
                thead {
                    tr {
                        th scope="col" { "Rate" }
                        @for alpha in &alphas {
                            th scope="col" {
                                @match alpha {
                                    Some(alpha) => { "alpha " (alpha) },
                                    None if has_alpha => "no alpha",
                                    None if measure == Measure::Accuracy => "Accuracy",
                                    None => "Criterion",
                                }
                            }
                        }
                    }
                }
                tbody {
                    @for line in &lines {
                        tr {
                            th scope="row" { @if let Some(rate) = line.0 { (rate) } (line.1) }
                            @for alpha in &alphas { (cell(line, alpha)) }
                        }
                    }
                }
            }
        }
    }
}

/// The order of texts in which numbers are in the order of their values: shorter ones first.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// What became of the runs of the same settings.
fn heat_cell(rows: &[&Row], criterion: Criterion, measure: Measure, is_chosen: bool) -> Markup {
    let last: Vec<_> = rows.iter().filter_map(|row| row.last_epoch()).collect();
    let mean = |values: Vec<f64>| Spread::of(&values).map(|spread| spread.mean);
    let accuracy = mean(last.iter().filter_map(|record| record.test_accuracy).collect());
    let criterion = mean(last.iter().filter_map(|record| criterion.of(record)).collect());
    let gaps = gaps(rows);
    let heat = accuracy.map_or(0.0, |accuracy| 100.0 * accuracy);
    let class = if is_chosen {
        "chosen"
    } else if rows.is_empty() {
        "absent"
    } else {
        ""
    };
    html! {
        td class=(class) style={ "--heat:" (format!("{heat:.0}")) } {
            @match (accuracy, criterion) {
                (Some(accuracy), _) => (percent(accuracy)),
                (None, Some(criterion)) if measure != Measure::Accuracy => (format!("{criterion:.4}")),
                (None, Some(_)) => "no labels",
                (None, None) => {}
            }
            @if let Some(criterion) = criterion.filter(|_| measure == Measure::Accuracy) {
                small { (format!("{criterion:.3}")) }
            }
            @for gap in gaps { small.gap { (gap) } }
            @if rows.is_empty() { "not tried" }
        }
    }
}

/// The states of runs that are not complete, with their number where there are several runs.
fn gaps(rows: &[&Row]) -> Vec<String> {
    let of = |state: RunState| {
        let n = rows.iter().filter(|row| row.state == state).count();
        let count = if rows.len() > 1 { format!(" {n} of {}", rows.len()) } else { String::new() };
        (n > 0).then(|| format!("{}{count}", state.as_str()))
    };
    RunState::ALL.into_iter().filter(|state| *state != RunState::Complete).filter_map(of).collect()
}

/// The values that occur, from the smallest.
fn distinct(values: impl Iterator<Item = Option<f64>>) -> Vec<Option<f64>> {
    // Positive numbers are in the order of their bits.
    let bits: BTreeSet<Option<u64>> = values.map(|value| value.map(f64::to_bits)).collect();
    bits.into_iter().map(|bits| bits.map(f64::from_bits)).collect()
}
