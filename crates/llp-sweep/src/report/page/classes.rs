//! Accuracy of each class, and which classes were taken for which.

use maud::{Markup, html};

use super::super::ReportData;
use super::{by_approach, percent, scrolled};
use crate::record::Confusion;
use crate::select::Group;

/// Up to this many classes, all pairs are shown; of more, the most frequent confusions.
const N_CLASSES_SHOWN: usize = 20;
/// How many of these.
const N_CONFUSIONS: usize = 12;

pub(super) fn section(report_data: &ReportData) -> Markup {
    let approaches = by_approach(&report_data.groups);
    let is_known = report_data
        .rows
        .iter()
        .any(|row| row.result.as_ref().is_some_and(|result| result.test_confusion.is_some()));
    if !is_known {
        return html! {
            p {
                "Not recorded: no run has test labels, or all ended with a version of the program that did not record "
                "how the test instances were classified."
            }
        };
    }
    html! {
        p { "Test instances at the chosen hyper-parameters, all seeds together. Numbers are percent of the class." }
        @for (data, approach, groups) in approaches {
            @let known: Vec<(&Group, Confusion)> =
                groups.iter().filter_map(|group| Some((*group, confusion(report_data, group)?))).collect();
            h3 { (approach.title()) ", " (data) }
            @if known.len() < groups.len() {
                p.note { "Not recorded or without a choice: " (groups.len() - known.len()) " of " (groups.len()) " bag sizes." }
            }
            @if let Some((_, first)) = known.first() {
                @let label = format!("Accuracy of each class, {}, {data}", approach.title());
                (scrolled(&label, &accuracies(&label, &first.classes, &known)))
                div.tiles { @for (group, confusion) in &known { (matrix(group, confusion)) } }
            }
        }
    }
}

fn confusion(report_data: &ReportData, group: &Group) -> Option<Confusion> {
    let rows = &group.chosen.as_ref()?.rows;
    let parts: Option<Vec<&Confusion>> =
        rows.iter().map(|row| report_data.rows[*row].result.as_ref()?.test_confusion.as_ref()).collect();
    Confusion::sum(parts?.into_iter())
}

fn accuracies(label: &str, classes: &[String], known: &[(&Group, Confusion)]) -> Markup {
    html! {
        table.heat {
            caption { (label) }
            thead { tr { th scope="col" { "Bag size" } @for class in classes { th scope="col" { (class) } } } }
            tbody {
                @for (group, confusion) in known {
                    tr { th scope="row" { (group.sizes) } @for accuracy in confusion.class_accuracy() { (share(accuracy)) } }
                }
            }
        }
    }
}

fn share(fraction: Option<f64>) -> Markup {
    html! {
        @if let Some(fraction) = fraction {
            td style={ "--heat:" (format!("{:.0}", 100.0 * fraction)) } { (percent(fraction)) }
        } @else {
            td { "–" }
        }
    }
}

fn matrix(group: &Group, confusion: &Confusion) -> Markup {
    let caption = format!("Bag size {}: class (rows) taken for class (columns)", group.sizes);
    let table = if confusion.classes.len() <= N_CLASSES_SHOWN {
        html! {
            table.heat.matrix {
                caption { (caption) }
                thead { tr { th scope="col" { "" } @for class in &confusion.classes { th scope="col" { (class) } } } }
                tbody {
                    @for (class, counts) in confusion.classes.iter().zip(&confusion.counts) {
                        @let n = counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
                        tr {
                            th scope="row" { (class) }
                            @for count in counts {
                                @let share = 100.0 * f64::from(*count) / n;
                                td style={ "--heat:" (format!("{share:.0}")) } { (format!("{share:.0}")) }
                            }
                        }
                    }
                }
            }
        }
    } else {
        most_frequent(group, confusion)
    };
    html! { div.tile tabindex="0" role="region" aria-label=(caption) { (table) } }
}

fn most_frequent(group: &Group, confusion: &Confusion) -> Markup {
    let mut pairs = Vec::new();
    for (class, counts) in confusion.counts.iter().enumerate() {
        let n = counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
        let others =
            counts.iter().enumerate().filter(|(predicted, count)| *predicted != class && **count > 0);
        pairs.extend(others.map(|(predicted, count)| (f64::from(*count) / n, class, predicted)));
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    pairs.truncate(N_CONFUSIONS);
    html! {
        table.heat {
            caption { "Bag size " (group.sizes) ": the most frequent confusions" }
            thead { tr { th scope="col" { "Class" } th scope="col" { "taken for" } th scope="col" { "%" } } }
            tbody {
                @for (fraction, class, predicted) in pairs {
                    tr { th scope="row" { (confusion.classes[class]) } td { (confusion.classes[predicted]) } (share(Some(fraction))) }
                }
            }
        }
    }
}
