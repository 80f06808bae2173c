//! Which hyper-parameters were chosen, from how many, at what cost against the best.

use maud::{Markup, html};

use super::super::ReportData;
use super::super::measure::Measure;
use super::super::table::{edges, percent as mean_and_spread};
use super::{by_approach, duration, scrolled};
use crate::select::{Candidate, Group};

/// Headings of all tables, and of those of data with labels.
const ALWAYS: [&str; 7] =
    ["Bag size", "Learning rate", "Alpha", "Held-out bags", "Criterion", "Seeds", "Complete"];
const LABELLED: [&str; 5] = ["Accuracy", "At chosen epoch", "Best accuracy", "at", "Gap"];

pub(super) fn section(report_data: &ReportData) -> Markup {
    html! {
        @for (data, approach, groups) in by_approach(&report_data.groups) {
            @let title = format!("{}, {data}", approach.title());
            @let is_labelled = Measure::of(&report_data.groups, data) == Measure::Accuracy;
            h3 { (title) }
            @let table = html! {
                table {
                    caption.hidden { "Chosen hyper-parameters, " (title) }
                    thead {
                        tr {
                            @for heading in ALWAYS { th scope="col" { (heading) } }
                            @if is_labelled { @for heading in LABELLED { th scope="col" { (heading) } } }
                            th scope="col" { "Time" }
                        }
                    }
                    tbody { @for group in &groups { (row(report_data, group, is_labelled)) } }
                }
            };
            (scrolled(&title, &table))
        }
        @for sentence in edges(&report_data.groups) { p { (sentence) } }
        p.note {
            "Criterion: that of the choice, after the last epoch; held-out bags: those that it rests on; complete: "
            "hyper-parameters that are complete for all their seeds, of those that were tried; time: training of all runs "
            "of the row."
            @if Measure::any_labelled(&report_data.groups) {
                " Accuracies and the gap to the best are in percent; at chosen epoch: accuracy after the epoch that "
                "held-out bags prefer."
            }
        }
    }
}

fn row(report_data: &ReportData, group: &Group, is_labelled: bool) -> Markup {
    let dash = || "–".to_owned();
    let chosen = group.chosen.as_ref();
    let settings = |candidate: &Candidate| group.settings_in_words(&candidate.config);
    html! {
        tr {
            th scope="row" { (group.sizes) }
            td { (chosen.map_or_else(dash, settings)) }
            td { (chosen.and_then(|chosen| chosen.config.loss.alpha).map_or_else(dash, |alpha| alpha.to_string())) }
            td { (chosen.map_or_else(dash, |chosen| chosen.n_held_out_bags.to_string())) }
            td { (chosen.and_then(|chosen| chosen.criterion).map_or_else(dash, |value| format!("{:.4}", value.mean))) }
            td { (chosen.map_or_else(dash, |chosen| chosen.n_seeds().to_string())) }
            td { (group.n_eligible) " of " (group.n_candidates) }
            @if is_labelled { (accuracies(group)) }
            td { (duration(training_time(report_data, group))) }
        }
    }
}

/// What labels show about a choice.
fn accuracies(group: &Group) -> Markup {
    let dash = || "–".to_owned();
    let (chosen, best) = (group.chosen.as_ref(), group.best_by_test.as_ref());
    let parameters = |candidate: &Candidate| {
        let alpha = candidate.config.loss.alpha.map_or_else(String::new, |alpha| format!(", alpha {alpha}"));
        let rate = if candidate.config.rate().is_some() { "rate " } else { "" };
        format!("{rate}{}{alpha}", group.settings_in_words(&candidate.config))
    };
    html! {
        td { (chosen.and_then(|chosen| chosen.test_accuracy).map_or_else(dash, mean_and_spread)) }
        td { (chosen.and_then(|chosen| chosen.chosen_epoch_accuracy).map_or_else(dash, mean_and_spread)) }
        td { (best.and_then(|best| best.test_accuracy).map_or_else(dash, mean_and_spread)) }
        td { (best.map_or_else(dash, parameters)) }
        td { (group.regret().map_or_else(dash, |regret| format!("{:.1}", 100.0 * regret))) }
    }
}

/// Of all runs of a group, in seconds.
fn training_time(report_data: &ReportData, group: &Group) -> f64 {
    let of_group = report_data.rows.iter().filter(|row| group.has(&row.cell.config));
    of_group.filter_map(|row| Some(row.result.as_ref()?.train_s)).sum()
}
