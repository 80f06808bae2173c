//! What each criterion loses against the best candidate, where there are labels.

use maud::{Markup, html};

use super::super::ReportData;
use super::super::regret::{Regret, regrets};
use super::{percent, scrolled};

/// Fewer held-out bags than these are no ground for a choice.
const N_BAGS_MIN: usize = 4;

pub(super) fn section(report_data: &ReportData) -> Markup {
    let (all, enough) = (regrets(&report_data.choices, 0), regrets(&report_data.choices, N_BAGS_MIN));
    if all.is_empty() {
        return html! { p.note { "Nothing to compare: no labels, or no two complete hyper-parameters." } };
    }
    let of_enough = |regret: &Regret| {
        enough.iter().find(|other| (&other.data, other.criterion) == (&regret.data, regret.criterion))
    };
    let table = html! {
        table {
            caption.hidden { "Regret of each criterion" }
            thead {
                tr {
                    @for heading in [
                        "Data", "Criterion", "Groups", "Mean", "Worst", "Groups*", "Mean*", "Worst*",
                    ] { th scope="col" { (heading) } }
                }
            }
            tbody {
                @for regret in &all {
                    tr {
                        th scope="row" { (regret.data) }
                        td { (regret.criterion.title()) }
                        (numbers(Some(regret)))
                        (numbers(of_enough(regret)))
                    }
                }
            }
        }
    };
    html! {
        (scrolled("Regret of each criterion", &table))
        p.note {
            "Regret: test accuracy of the best hyper-parameters in hindsight minus that of those chosen by the criterion on "
            "held-out bags, in points of percent; mean and worst over losses and bag sizes with at least two candidates. "
            "* with at least " (N_BAGS_MIN) " held-out bags. Labels measure it, and have no part in the choice."
        }
    }
}

fn numbers(regret: Option<&Regret>) -> Markup {
    html! {
        td { (regret.map_or_else(|| "–".to_owned(), |regret| regret.n_groups.to_string())) }
        td { (regret.map_or_else(|| "–".to_owned(), |regret| percent(regret.mean))) }
        td { (regret.map_or_else(|| "–".to_owned(), |regret| percent(regret.worst))) }
    }
}
