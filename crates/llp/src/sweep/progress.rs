//! The progress of a sweep: a bar for all cells and one for each that runs, or a line per cell.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar};
use llp_sweep::claim::Owner;
use llp_sweep::executor::{CellEnd, Progress, Totals};
use llp_sweep::record::EpochRecord;
use llp_sweep::sweep_dir::Cell;

use crate::environment::tell;
use crate::train::progress::{GAP, Style, bar_style, beside_bar, describe};

/// What the instances of any sweep are.
const UNIT: &str = "instances";

/// Shows what an executor reports.
pub(crate) struct Cells {
    style: Style,
    n_all: usize,
    n_ended: usize,
    bars: Option<Bars>,
    /// The last epoch of each running cell, by name.
    last: BTreeMap<String, EpochRecord>,
}

struct Bars {
    all: MultiProgress,
    sweep: ProgressBar,
    cells: BTreeMap<String, ProgressBar>,
}

impl Cells {
    pub(crate) fn new(style: Style, n_all: usize) -> Self {
        let bars = (style == Style::Bar).then(|| {
            let all = MultiProgress::new();
            let sweep = ProgressBar::new(n_all as u64).with_style(bar_style()).with_prefix("sweep");
            Bars { sweep: all.add(sweep), all, cells: BTreeMap::new() }
        });
        Self { style, n_all, n_ended: 0, bars, last: BTreeMap::new() }
    }

    /// Leaves the last state of the sweep's bar on the screen.
    pub(crate) fn finish(&self) {
        if let Some(bars) = &self.bars {
            bars.sweep.abandon();
        }
    }

    fn line(&self, text: &str) {
        match (&self.bars, self.style) {
            // A message that cannot be drawn is lost with the terminal.
            (Some(bars), _) => drop(bars.all.println(text)),
            (None, Style::None) => {}
            (None, _) => tell(text),
        }
    }
}

/// Whether nothing more is done about a cell that ended so.
fn is_final(end: &CellEnd) -> bool {
    match end {
        CellEnd::Complete | CellEnd::Diverged | CellEnd::Paused | CellEnd::Cancelled => true,
        CellEnd::Interrupted => false,
        CellEnd::Died { is_retried, .. } | CellEnd::Failed { is_retried, .. } => !is_retried,
    }
}

impl Progress for Cells {
    fn started(&mut self, cell: &Cell, _attempt: u32) {
        if let Some(bars) = &mut self.bars {
            let bar = ProgressBar::new(cell.config.optim.epochs as u64).with_style(bar_style());
            bars.cells.insert(cell.run.clone(), bars.all.add(bar.with_prefix(cell.run.clone())));
        }
    }

    fn epoch(&mut self, cell: &Cell, record: &EpochRecord) {
        self.last.insert(cell.run.clone(), record.clone());
        if let Some(bar) = self.bars.as_ref().and_then(|bars| bars.cells.get(&cell.run)) {
            bar.set_length(bar.length().unwrap_or(0).max(record.epoch as u64));
            bar.set_position(record.epoch as u64);
            let place = format!("{}/{}", record.epoch, cell.config.optim.epochs);
            let parts: Vec<String> = [place].into_iter().chain(describe(record, UNIT)).collect();
            bar.set_message(beside_bar(&parts));
        }
    }

    fn ended(&mut self, cell: &Cell, end: &CellEnd) {
        if let Some(bar) = self.bars.as_mut().and_then(|bars| bars.cells.remove(&cell.run)) {
            bar.finish_and_clear();
        }
        // Several cells may end before the totals arrive that count them.
        self.n_ended += usize::from(is_final(end));
        let last = self.last.remove(&cell.run);
        let numbers =
            last.map_or_else(String::new, |record| format!("{GAP}{}", describe(&record, UNIT).join(GAP)));
        let end = match end {
            CellEnd::Complete => format!("complete{numbers}"),
            CellEnd::Diverged => "diverged".to_owned(),
            CellEnd::Interrupted => "stopped with a checkpoint".to_owned(),
            CellEnd::Paused => format!("held back behind better ones{numbers}"),
            CellEnd::Cancelled => "cancelled".to_owned(),
            CellEnd::Died { deaths, is_retried: true } => {
                format!("its process was killed ({deaths} times so far), will be tried again")
            }
            CellEnd::Died { deaths, .. } => format!("parked: its process was killed {deaths} times"),
            CellEnd::Failed { is_retried: true, reason, .. } => {
                format!("failed, will be tried again: {reason}")
            }
            CellEnd::Failed { reason, .. } => format!("failed: {reason}"),
        };
        self.line(&format!("[{}/{}] {}  {end}", self.n_ended, self.n_all, cell.run));
    }

    fn freed(&mut self, cell: &Cell, dead: &Owner) {
        self.line(&format!("warning: {} is taken over from {dead}, whose heartbeat stopped", cell.run));
    }

    fn totals(&mut self, totals: &Totals) {
        self.n_ended = totals.ended() + totals.failed + totals.parked + totals.cancelled + totals.pruned;
        if let Some(bars) = &self.bars {
            bars.sweep.set_position(self.n_ended as u64);
            bars.sweep.set_message(format!("{}/{}", self.n_ended, self.n_all));
        }
    }
}

#[cfg(test)]
mod tests {
    use llp_sweep::grid::Sweep;
    use llp_sweep::sweep_dir::plan;

    use super::*;

    /// Each cell that ends counts at once, those that will be tried again do not, and totals that come later agree.
    #[test]
    fn ends_are_counted_once() {
        let cells = plan(&Sweep::preset("digits").unwrap()).unwrap();
        let mut progress = Cells::new(Style::None, cells.len());
        let failure = |is_retried| CellEnd::Failed { attempt: 1, is_retried, reason: "none".to_owned() };
        let ends =
            [CellEnd::Complete, failure(true), CellEnd::Diverged, failure(false), CellEnd::Interrupted];
        let counts = ends.iter().zip(&cells).map(|(end, cell)| {
            progress.ended(cell, end);
            progress.n_ended
        });
        assert_eq!(counts.collect::<Vec<_>>(), [1, 1, 2, 3, 3]);
        progress.totals(&Totals { complete: 1, diverged: 1, failed: 1, ..Totals::default() });
        assert_eq!(progress.n_ended, 3);
    }
}
