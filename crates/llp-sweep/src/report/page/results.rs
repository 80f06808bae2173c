//! The main table, the two figures, and what was chosen.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::super::chart::{self, Figure};
use super::super::table::percent as mean_and_spread;
use super::super::{Material, figures, inline};
use super::{Tables, bag_sizes, by_loss, data_sets, duration, scrolled};
use crate::select::{Group, rule_of};

/// Final test accuracy: the table to take along, and both figures.
pub(super) fn accuracy(material: &Material, tables: &Tables) -> Markup {
    let groups = &material.groups;
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
        (figure(&figures::over_bag_sizes(groups), &rule_of(groups)))
        (figure(&figures::over_epochs(&material.curves, groups), &rule_of(groups)))
    }
}

fn main_table(groups: &[Group], data: &str) -> Markup {
    let groups: Vec<&Group> = groups.iter().filter(|group| group.data == data).collect();
    let losses: BTreeSet<_> = groups.iter().map(|group| group.loss).collect();
    let sizes: BTreeSet<_> = groups.iter().map(|group| group.bag_size).collect();
    let find = |size, loss| groups.iter().find(|group| group.bag_size == size && group.loss == loss);
    let table = html! {
        table {
            caption { (data) ": final test accuracy in percent" }
            thead { tr { th scope="col" { "Bag size" } @for loss in &losses { th scope="col" { (loss.title()) } } } }
            tbody {
                @for &size in &sizes {
                    tr {
                        th scope="row" { (size) }
                        @for &loss in &losses { td { (find(size, loss).map_or_else(String::new, |group| entry(group))) } }
                    }
                }
            }
        }
    };
    let is_short = groups.iter().any(|group| group.n_eligible < group.n_candidates);
    html! {
        (scrolled(&format!("Final test accuracy on {data}"), &table))
        @if is_short {
            p.note { "* rests on fewer hyper-parameters than were tried: some diverged or did not finish." }
        }
    }
}

/// Mean and spread of the chosen hyper-parameters, or why there is none.
fn entry(group: &Group) -> String {
    let Some(chosen) = &group.chosen else {
        return if group.n_missing > 0 { "not finished".to_owned() } else { "diverged".to_owned() };
    };
    let accuracy = chosen.test_accuracy.map_or_else(|| "no labels".to_owned(), mean_and_spread);
    if group.n_eligible < group.n_candidates { format!("{accuracy} *") } else { accuracy }
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

/// Which hyper-parameters were chosen, from how many, at what cost against the best.
pub(super) fn choice(material: &Material) -> Markup {
    let sizes = bag_sizes(&material.groups).len();
    html! {
        @for (data, loss, groups) in by_loss(&material.groups) {
            @let title = format!("{}, {data}", loss.title());
            h3 { (title) }
            @let table = html! {
                table {
                    caption.hidden { "Chosen hyper-parameters, " (title) }
                    thead {
                        tr {
                            @for heading in [
                                "Bag size", "Learning rate", "Alpha", "Held-out bags", "Criterion", "Accuracy",
                                "At chosen epoch", "Seeds", "Best accuracy", "at", "Gap", "Complete", "Time",
                            ] { th scope="col" { (heading) } }
                        }
                    }
                    tbody { @for group in &groups { (chosen_row(material, group)) } }
                }
            };
            (scrolled(&title, &table))
        }
        @if sizes > 0 {
            p.note {
                "Criterion: that of the choice, after the last epoch; held-out bags: those that it rests on; at chosen "
                "epoch: accuracy after the epoch that held-out bags prefer; accuracies and the gap to the best in percent; complete: hyper-parameters that "
                "are complete for all their seeds, of those that were tried; time: training of all runs of the row."
            }
        }
    }
}

fn chosen_row(material: &Material, group: &Group) -> Markup {
    let dash = || "–".to_owned();
    let chosen = group.chosen.as_ref();
    let rate = |candidate: &crate::select::Candidate| {
        format!("{}{}", candidate.config.optim.lr, group.others_in_words(candidate))
    };
    let parameters = |candidate: &crate::select::Candidate| {
        let alpha = candidate.config.loss.alpha.map_or_else(String::new, |alpha| format!(", alpha {alpha}"));
        format!("rate {}{alpha}", rate(candidate))
    };
    let best = group.best_by_test.as_ref();
    let time: f64 = material
        .rows
        .iter()
        .filter(|row| {
            let config = &row.cell.config;
            (&*config.data.name, config.loss.name, config.bags.size)
                == (&*group.data, group.loss, group.bag_size)
        })
        .filter_map(|row| Some(row.result.as_ref()?.train_s))
        .sum();
    html! {
        tr {
            th scope="row" { (group.bag_size) }
            td { (chosen.map_or_else(dash, rate)) }
            td { (chosen.and_then(|chosen| chosen.config.loss.alpha).map_or_else(dash, |alpha| alpha.to_string())) }
            td { (chosen.map_or_else(dash, |chosen| chosen.n_held_out_bags.to_string())) }
            td { (chosen.and_then(|chosen| chosen.criterion).map_or_else(dash, |value| format!("{:.4}", value.mean))) }
            td { (chosen.and_then(|chosen| chosen.test_accuracy).map_or_else(dash, mean_and_spread)) }
            td { (chosen.and_then(|chosen| chosen.chosen_epoch_accuracy).map_or_else(dash, mean_and_spread)) }
            td { (chosen.map_or_else(dash, |chosen| chosen.n_seeds().to_string())) }
            td { (best.and_then(|best| best.test_accuracy).map_or_else(dash, mean_and_spread)) }
            td { (best.map_or_else(dash, parameters)) }
            td { (group.regret().map_or_else(dash, |regret| format!("{:.1}", 100.0 * regret))) }
            td { (group.n_eligible) " of " (group.n_candidates) }
            td { (duration(time)) }
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
