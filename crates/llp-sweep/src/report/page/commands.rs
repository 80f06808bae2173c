//! The command that repeats each point.

use maud::{Markup, html};

use super::super::ReportData;
use super::by_approach;

pub(super) fn section(report_data: &ReportData) -> Markup {
    html! {
        p {
            "Each command trains one of the networks behind the figures again: one for each data set, loss, bag size and "
            "seed, at the chosen hyper-parameters. A click selects a whole command."
        }
        @for (data, approach, groups) in by_approach(&report_data.groups) {
            h3 { (approach.title()) ", " (data) }
            @for group in groups {
                @if let Some(chosen) = &group.chosen {
                    p.commands {
                        "Bag size " (group.sizes)
                        @for row in &chosen.rows {
                            @let cell = &report_data.rows[*row].cell;
                            code { (cell.config.train_command(&format!("runs/{}", cell.run))) }
                        }
                    }
                }
            }
        }
    }
}
