//! The runs that have no result to show, with the reason.

use maud::{Markup, html};

use super::super::ReportData;
use super::scrolled;
use crate::collect::Row;
use crate::run_dir::RunState;

pub(super) fn section(report_data: &ReportData) -> Markup {
    let gaps: Vec<&Row> = report_data.rows.iter().filter(|row| row.state != RunState::Complete).collect();
    if gaps.is_empty() {
        return html! { p { "None: all " (report_data.rows.len()) " runs are complete." } };
    }
    let table = html! {
        table {
            caption.hidden { "Runs without a result" }
            thead { tr { th scope="col" { "Run" } th.words scope="col" { "State" } th.words scope="col" { "Reason" } } }
            tbody {
                @for row in gaps {
                    tr { th scope="row" { code { (row.cell.run) } } td.words { (row.state.as_str()) } td.words { (reason(row)) } }
                }
            }
        }
    };
    scrolled("Runs without a result", &table)
}

fn reason(row: &Row) -> String {
    let diverged = row.result.as_ref().and_then(|result| result.diverged_at.as_ref());
    if let Some(at) = diverged {
        return format!(
            "the loss was not finite in epoch {}, between steps {} and {}",
            at.epoch, at.first_step, at.last_step
        );
    }
    let known = row.reason.clone();
    known.unwrap_or_else(|| match row.state {
        RunState::Pending => "not started".to_owned(),
        RunState::Running => "a process works on it".to_owned(),
        RunState::Interrupted => "its process ended; the same command goes on".to_owned(),
        RunState::Cancelled => "cancelled; llp sweep retry takes that back".to_owned(),
        RunState::Failed | RunState::Parked | RunState::Pruned | RunState::Diverged | RunState::Complete => {
            "not recorded".to_owned()
        }
    })
}
