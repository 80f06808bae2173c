//! The command that repeats each point.

use maud::{Markup, html};

use super::super::ReportData;
use super::by_loss;

pub(super) fn section(report_data: &ReportData) -> Markup {
    html! {
        p {
            "Each command trains one of the networks behind the figures again: one for each data set, loss, bag size and "
            "seed, at the chosen hyper-parameters. A click selects a whole command."
        }
        @for (data, loss, groups) in by_loss(&report_data.groups) {
            h3 { (loss.title()) ", " (data) }
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
