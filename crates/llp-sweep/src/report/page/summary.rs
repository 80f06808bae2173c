//! What was run, how it ended, and how the shown results were chosen.

use maud::{Markup, html};
use std::collections::BTreeSet;

use super::super::ReportData;
use super::super::measure::Measure;
use super::super::table::size_in_words;
use super::{bag_sizes, data_sets, duration, listed};
use crate::config::Approach;
use crate::criterion::Criterion;
use crate::run_dir::RunState;
use crate::select::{Group, rule_of};

pub(super) fn section(report_data: &ReportData) -> Markup {
    let ReportData { rows, groups, .. } = report_data;
    let approaches: BTreeSet<_> = groups.iter().map(|group| group.approach).collect();
    let has_methods = approaches.iter().any(|approach| matches!(approach, Approach::Method(_)));
    let seeds: BTreeSet<_> = rows.iter().map(|row| row.cell.config.seed).collect();
    let states = RunState::ALL.into_iter().filter_map(|state| {
        let n = rows.iter().filter(|row| row.state == state).count();
        (n > 0).then(|| format!("{n} {}", state.as_str()))
    });
    let results = || rows.iter().filter_map(|row| row.result.as_ref());
    let time: f64 = results().map(|result| result.train_s).sum();
    let versions: BTreeSet<_> = results().map(|result| result.version.as_str()).collect();
    let all: Vec<&Group> = groups.iter().collect();
    let sizes = |largest| size_in_words(&all, largest);
    let is_labelled = Measure::any_labelled(groups);
    let facts = [
        ("Data", listed(data_sets(groups))),
        (
            if has_methods { "Losses and methods" } else { "Losses" },
            listed(approaches.into_iter().map(Approach::title)),
        ),
        ("Bag sizes", listed(bag_sizes(groups).into_iter().map(sizes))),
        ("Seeds", listed(seeds)),
        ("Runs", format!("{}: {}", rows.len(), listed(states))),
        ("Training time", format!("{}, all runs together", duration(time))),
        (
            "Version",
            if versions.is_empty() {
                "no run has ended".to_owned()
            } else {
                format!("llp {}", listed(versions))
            },
        ),
    ];
    html! {
        @if let Some(result) = single_result(groups) { p.result { (result) } }
        dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
        @if report_data.has_choice() { p { (rule_of(groups)) } }
        @if let Some(Err(reason)) = &report_data.insight {
            p.note { "Bags and instances are not shown: " (reason) "." }
        }
        p {
            @if rows.len() > 1 {
                "Numbers of hyper-parameters are means over seeds, with one sample standard deviation where there are several; "
                "the table of runs has the numbers of each run. "
            }
            @if is_labelled { "Accuracy is the share of test instances whose most probable class is their label. " }
            @else { "No test instance has a label: " (criterion_in_words(report_data.criterion)) " " }
            @if is_labelled && report_data.has_choice() {
                "The gap to the best is the test accuracy that choosing without labels gives away against the best "
                "hyper-parameters of the same grid."
            }
        }
    }
}

/// The result in a line, where there is one only.
fn single_result(groups: &[Group]) -> Option<String> {
    let [group] = groups else { return None };
    let (chosen, measure) = (group.chosen.as_ref()?, Measure::of(groups, &group.data));
    measure.of_candidate(chosen)?;
    let unit = if measure == Measure::Accuracy { " %".to_owned() } else { format!(" {}", measure.unit()) };
    Some(format!("{}: {}{unit}", measure.title(), measure.text(chosen)))
}

/// What a criterion measures, in a sentence.
fn criterion_in_words(criterion: Criterion) -> &'static str {
    match criterion {
        Criterion::Kl => {
            "the held-out KL says how far mean predictions are from the known shares, on bags that training did not see; \
             smaller is better."
        }
        Criterion::CountL1 => {
            "the held-out L1 of counts says how far numbers of predicted classes are from the known ones, on bags that \
             training did not see; smaller is better."
        }
        Criterion::CountLikelihood => {
            "the held-out count likelihood, in its negative logarithm, says how improbable the known counts are to the \
             network, on bags that training did not see; smaller is better."
        }
    }
}
