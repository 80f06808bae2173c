//! The page that shows everything about some runs: one HTML file that loads nothing and runs no script.

mod calibration;
mod choice;
mod classes;
mod commands;
mod ends;
mod fit;
mod grid;
mod instances;
mod learning;
mod regret;
mod results;
mod runs;
mod summary;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeSet;

use super::ReportData;
use super::color::definitions;
use super::insight::Insight;
use super::measure::Measure;
use crate::config::Approach;
use crate::select::Group;

const STYLE: &str = include_str!("page/style.css");

/// The main table in the forms that can be taken from the page.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) markdown: String,
    pub(super) csv: String,
    pub(super) latex: String,
}

/// A section: its anchor, its heading, its content.
type Section = (&'static str, String, Markup);

/// The sections that have something to show.
fn sections(report_data: &ReportData, tables: &Tables) -> Vec<Section> {
    let groups = &report_data.groups;
    let finals = if Measure::all_labelled(groups) {
        results::final_title(Measure::Accuracy)
    } else if Measure::any_labelled(groups) {
        "Final results".to_owned()
    } else {
        results::final_title(Measure::HeldOut(report_data.criterion))
    };
    let seen = report_data.insight.as_ref().and_then(|insight| insight.as_ref().ok());
    let of_run = |anchor, heading: &str, show: fn(&Insight) -> Markup| {
        seen.map(|insight| (anchor, heading.to_owned(), show(insight)))
    };
    let (has_choice, is_labelled) = (report_data.has_choice(), Measure::any_labelled(groups));
    let section = |is_shown: bool, anchor, heading: &str, content: &dyn Fn() -> Markup| {
        is_shown.then(|| (anchor, heading.to_owned(), content()))
    };
    [
        section(true, "summary", "Summary", &|| summary::section(report_data)),
        section(true, "runs", "Runs", &|| runs::section(report_data)),
        section(true, "finals", &finals, &|| results::finals(report_data, tables)),
        section(has_choice, "choice", "Choice of hyper-parameters", &|| choice::section(report_data)),
        section(has_choice && is_labelled, "regret", "What choosing without labels costs", &|| {
            regret::section(report_data)
        }),
        section(has_choice, "grid", "All hyper-parameters", &|| grid::section(report_data)),
        section(true, "learning", "Learning curves", &|| learning::section(report_data)),
        of_run("bags", "Bags: predicted and known shares", fit::section),
        of_run("instances", "Instances", instances::section),
        of_run("calibration", "Calibration", calibration::section),
        section(is_labelled, "classes", "Classes", &|| classes::section(report_data)),
        section(true, "ends", "Runs without a result", &|| ends::section(report_data)),
        section(true, "commands", "Commands", &|| commands::section(report_data)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The whole page.
pub(super) fn html(report_data: &ReportData, tables: &Tables) -> String {
    let sections = sections(report_data, tables);
    let title = format!("Learning from label proportions: {}", listed(data_sets(&report_data.groups)));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Without one, browsers ask the server for an icon.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(style(&report_data.groups))) }
            }
            body {
                header { h1 { (title) } }
                nav aria-label="Contents" {
                    ol { @for (anchor, heading, _) in &sections { li { a href={ "#" (anchor) } { (heading) } } } }
                }
                main {
                    @for (anchor, heading, content) in &sections {
                        section id=(anchor) { h2 { (heading) } (content) }
                    }
                }
            }
        }
    };
    page.into_string()
}

/// The style sheet with the colors of lines. Paper is light, whatever the screen is.
fn style(groups: &[Group]) -> String {
    let n_sizes = bag_sizes(groups).len();
    let (light, dark) = (definitions(n_sizes, false), definitions(n_sizes, true));
    format!("{STYLE}:root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}")
}

/// A figure or table that scrolls sideways in its own box where it is wider than the page.
fn scrolled(label: &str, content: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(label) { (content) } }
}

fn data_sets(groups: &[Group]) -> BTreeSet<&str> {
    groups.iter().map(|group| group.data.as_str()).collect()
}

fn bag_sizes(groups: &[Group]) -> BTreeSet<usize> {
    groups.iter().map(|group| group.bag_size).collect()
}

/// Each data set and loss, with its groups in the order of bag sizes.
fn by_approach(groups: &[Group]) -> Vec<(&str, Approach, Vec<&Group>)> {
    let pairs: BTreeSet<_> = groups.iter().map(|group| (group.data.as_str(), group.approach)).collect();
    let members = |(data, approach)| {
        let of = groups.iter().filter(|group| group.data == data && group.approach == approach);
        (data, approach, of.collect())
    };
    pairs.into_iter().map(members).collect()
}

/// Things with commas between them.
fn listed<T: ToString>(things: impl IntoIterator<Item = T>) -> String {
    things.into_iter().map(|thing| thing.to_string()).collect::<Vec<_>>().join(", ")
}

/// A fraction in percent.
fn percent(fraction: f64) -> String {
    format!("{:.1}", 100.0 * fraction)
}

/// A time in words.
pub(super) fn duration(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}
