//! The main table and the two figures.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::super::chart::{self, Figure};
use super::super::measure::Measure;
use super::super::table::size_in_words;
use super::super::{ReportData, figures, inline};
use super::{Tables, data_sets, scrolled};
use crate::select::{Group, rule_of};

/// The final results: the table to take along, and both figures.
pub(super) fn finals(report_data: &ReportData, tables: &Tables) -> Markup {
    let groups = &report_data.groups;
    let downloads = [
        ("Markdown", "table.md", "text/markdown", &tables.markdown),
        ("CSV", "table.csv", "text/csv", &tables.csv),
        ("LaTeX", "table.tex", "application/x-tex", &tables.latex),
    ];
    html! {
        @for data in data_sets(groups) { (main_table(groups, data)) }
        p.downloads {
            "This table as "
            @for (index, (name, file, kind, text)) in downloads.into_iter().enumerate() {
                @if index > 0 { ", " }
                a download=(file) href=(data_link(kind, text)) { (name) }
            }
            "."
        }
        @for shown in [figures::over_bag_sizes(groups), figures::over_epochs(&report_data.curves, groups)] {
            @if shown.has_points() { (figure(&shown, &rule_of(groups))) }
        }
    }
}

fn main_table(groups: &[Group], data: &str) -> Markup {
    let measure = Measure::of(groups, data);
    let (title, unit) = (final_title(measure), measure.unit().replace('%', "percent"));
    let groups: Vec<&Group> = groups.iter().filter(|group| group.data == data).collect();
    let approaches: BTreeSet<_> = groups.iter().map(|group| group.approach).collect();
    let sizes: BTreeSet<_> = groups.iter().map(|group| group.bag_size).collect();
    let find =
        |size, approach| groups.iter().find(|group| group.bag_size == size && group.approach == approach);
    let table = html! {
        table {
            caption { (data) ": " (title) ", in " (unit) }
            thead { tr { th scope="col" { "Bag size" } @for approach in &approaches { th scope="col" { (approach.title()) } } } }
            tbody {
                @for &size in &sizes {
                    tr {
                        th scope="row" { (size_in_words(&groups, size)) }
                        @for &approach in &approaches { td { (find(size, approach).map_or_else(String::new, |group| entry(group, measure))) } }
                    }
                }
            }
        }
    };
    let is_short = groups.iter().any(|group| group.n_eligible < group.n_candidates);
    html! {
        (scrolled(&format!("{title} on {data}"), &table))
        @if is_short {
            p.note { "* rests on fewer hyper-parameters than were tried: some diverged or did not finish." }
        }
    }
}

/// What the final results are called.
pub(super) fn final_title(measure: Measure) -> String {
    match measure {
        Measure::Accuracy => "Final test accuracy".to_owned(),
        held_out @ Measure::HeldOut(_) => held_out.title(),
    }
}

/// Mean and spread of the chosen hyper-parameters, or why there is none.
fn entry(group: &Group, measure: Measure) -> String {
    let Some(chosen) = &group.chosen else {
        return group.without_choice().to_owned();
    };
    let value = measure.text(chosen);
    if group.n_eligible < group.n_candidates { format!("{value} *") } else { value }
}

fn figure(figure: &Figure, rule: &str) -> Markup {
    // The summary has the rule once for the whole page.
    let caption = figure.caption.replace(rule, "");
    let drawing = inline::svg(&chart::draw_bare(figure), &figure.title);
    html! {
        figure {
            (scrolled(&figure.title, &PreEscaped(drawing)))
            figcaption { strong { (figure.title) "." } " " (caption) }
        }
    }
}

/// A text as the target of a link.
fn data_link(kind: &str, text: &str) -> String {
    let mut link = format!("data:{kind};charset=utf-8,");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link
}
