//! What the files of a sweep or a run say at one moment.

use std::collections::BTreeSet;
use std::path::Path;

use llp_sweep::collect::{Row, row};
use llp_sweep::differences::Differences;
use llp_sweep::record::EpochRecord;
use llp_sweep::run_dir::{RunDir, RunState};
use llp_sweep::status::Counts;
use llp_sweep::sweep_dir::{Cell, SweepDir};
use serde_json::json;

use crate::environment::host;
use crate::failure::Failure;

/// The runs that are looked at again and again.
pub(super) struct Watched {
    /// What to call all of it.
    name: String,
    cells: Vec<(Cell, RunDir)>,
    /// What to call each of them.
    labels: Vec<String>,
    /// The rows of runs that came to their end, which cannot change, by place.
    ended: Vec<Option<Seen>>,
    /// While nothing is being trained: the numbers of runs in each state, and the place and the epochs of the run that was
    /// trained last.
    last: Option<(Counts, usize, Vec<EpochRecord>)>,
}

/// One run at one moment.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) run: String,
    /// What distinguishes it from the others, or its name.
    pub(super) label: String,
    /// Whether its curves are shown.
    pub(super) is_shown: bool,
    pub(super) state: RunState,
    /// Epochs done, and in all.
    pub(super) epochs: (usize, usize),
    /// Why it failed or stopped.
    pub(super) reason: Option<String>,
    /// The epochs of a run whose curves are shown; of others at most the last.
    pub(super) records: Vec<EpochRecord>,
}

/// Everything at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) name: String,
    /// The number of runs in each state.
    pub(super) counts: Counts,
    pub(super) runs: Vec<Seen>,
}

impl Watched {
    /// A sweep, or a run by itself.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let cells: Vec<_> = if path.join("config.toml").exists() {
            let (dir, config) = RunDir::open(path)?;
            vec![(Cell { index: 0, run: config.run_name(), config }, dir)]
        } else {
            let sweep = SweepDir::open(path)?;
            sweep.cells().iter().map(|cell| (cell.clone(), sweep.run_dir(cell))).collect()
        };
        Ok(Self { name, ended: vec![None; cells.len()], labels: labels(&cells), cells, last: None })
    }

    /// Looks at all files that may have changed.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        let here = host();
        let mut runs = Vec::new();
        let places = self.cells.iter().zip(&self.labels).zip(&mut self.ended);
        for (((cell, dir), label), ended) in places {
            let seen = ended.clone().unwrap_or_else(|| seen(dir, row(dir, cell.clone(), &here), label));
            if seen.state.is_ended() {
                *ended = Some(seen.clone());
            }
            runs.push(seen);
        }
        if runs.iter().all(|run| run.state != RunState::Running) {
            self.show_last(&mut runs);
        }
        Snapshot::new(self.name.clone(), runs)
    }

    /// Shows the curves of the run that was trained last. Its files are read again when a state has changed.
    fn show_last(&mut self, runs: &mut [Seen]) {
        let counts = counts(runs);
        if self.last.as_ref().is_none_or(|(known, ..)| *known != counts) {
            let has_epochs = |place: &usize| !runs[*place].records.is_empty();
            // Of runs that ended at the same moment, the last of the plan.
            let newest =
                (0..runs.len()).filter(has_epochs).max_by_key(|place| self.cells[*place].1.last_epoch_at());
            self.last =
                newest.map(|place| (counts, place, self.cells[place].1.read_metrics().unwrap_or_default()));
        }
        if let Some((_, place, records)) = &self.last {
            let run = &mut runs[*place];
            (run.is_shown, run.records) = (true, records.clone());
        }
    }
}

/// What distinguishes each cell from the others, where that is unique; else their names.
fn labels(cells: &[(Cell, RunDir)]) -> Vec<String> {
    let differences = Differences::between(cells.iter().map(|(cell, _)| &cell.config));
    let sizes: BTreeSet<usize> = cells.iter().map(|(cell, _)| cell.config.bags.size).collect();
    let label = |(cell, _): &(Cell, RunDir)| {
        let size = (sizes.len() > 1).then(|| format!("bags of {}", cell.config.bags.size));
        let words = Some(differences.of(&cell.config)).filter(|words| !words.is_empty());
        size.into_iter().chain(words).collect::<Vec<_>>().join(", ")
    };
    let labels: Vec<String> = cells.iter().map(label).collect();
    let is_telling = cells.len() > 1 && labels.iter().collect::<BTreeSet<_>>().len() == cells.len();
    if is_telling { labels } else { cells.iter().map(|(cell, _)| cell.run.clone()).collect() }
}

/// The number of runs in each state.
fn counts(runs: &[Seen]) -> Counts {
    RunState::ALL.map(|state| (state, runs.iter().filter(|run| run.state == state).count()))
}

/// The states in which nothing more happens by itself.
const OVER: [RunState; 6] = [
    RunState::Complete,
    RunState::Diverged,
    RunState::Failed,
    RunState::Parked,
    RunState::Cancelled,
    RunState::Pruned,
];

fn seen(dir: &RunDir, row: Row, label: &str) -> Seen {
    // What cannot be read now, since it is being written, can be read next time.
    let mut records = match row.state {
        RunState::Pending => Vec::new(),
        _ => dir.read_metrics().unwrap_or_default(),
    };
    let done = records.last().map_or(0, |record| record.epoch);
    if row.state != RunState::Running {
        records.drain(..records.len().saturating_sub(1));
    }
    let status = dir.status().ok().flatten();
    let epochs = (done, status.map_or(row.cell.config.optim.epochs, |status| status.epochs));
    Seen {
        run: row.cell.run,
        label: label.to_owned(),
        is_shown: row.state == RunState::Running,
        state: row.state,
        epochs,
        reason: row.reason,
        records,
    }
}

impl Seen {
    /// About how long it will take, in seconds: the epochs that are left at the mean pace of those that are done.
    /// Returns `None` unless it is being trained and has done an epoch.
    pub(super) fn seconds_left(&self) -> Option<f64> {
        let last = self.records.last().filter(|last| self.state == RunState::Running && last.epoch > 0)?;
        let n_left = self.epochs.1.saturating_sub(self.epochs.0);
        Some(n_left as f64 * last.elapsed_s / last.epoch as f64)
    }
}

impl Snapshot {
    pub(super) fn new(name: String, runs: Vec<Seen>) -> Self {
        Self { name, counts: counts(&runs), runs }
    }

    fn count(&self, state: RunState) -> usize {
        self.counts.iter().find(|(counted, _)| *counted == state).map_or(0, |(_, n)| *n)
    }

    /// Runs that came to their end or are given up.
    pub(super) fn n_over(&self) -> usize {
        OVER.map(|state| self.count(state)).iter().sum()
    }

    /// Whether nothing is left to be done.
    pub(super) fn is_over(&self) -> bool {
        self.n_over() == self.runs.len()
    }

    /// Training images per second, of all running runs together.
    pub(super) fn images_per_s(&self) -> f64 {
        self.running().filter_map(|run| Some(run.records.last()?.images_per_s)).sum()
    }

    /// The runs whose curves are shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Seen> {
        self.runs.iter().filter(|run| run.is_shown)
    }

    /// The runs that are being trained.
    pub(super) fn running(&self) -> impl Iterator<Item = &Seen> {
        self.runs.iter().filter(|run| run.state == RunState::Running)
    }

    /// About how long it will take, in seconds: the epochs that are left at the mean pace of those that are done, as
    /// many runs at once as now. Nothing while none is running, or none has done an epoch.
    pub(super) fn seconds_left(&self) -> Option<f64> {
        let n_running = self.running().count();
        let paces = self.runs.iter().filter_map(|run| run.records.last());
        let (n, s) = paces.fold((0, 0.0), |(n, s), record| (n + record.epoch, s + record.elapsed_s));
        let left = self.runs.iter().filter(|run| !OVER.contains(&run.state));
        let n_left: usize = left.map(|run| run.epochs.1.saturating_sub(run.epochs.0)).sum();
        (n_running > 0 && n > 0).then(|| n_left as f64 * s / n as f64 / n_running as f64)
    }

    /// Numbers of runs by state, pace and time left in a line.
    pub(super) fn line(&self) -> String {
        let states = self.counts.iter().filter(|(_, n)| *n > 0);
        let states: Vec<_> = states.map(|(state, n)| format!("{n} {}", state.as_str())).collect();
        let parts = [
            Some(format!("{} of {} done: {}", self.n_over(), self.runs.len(), states.join(", "))),
            (self.images_per_s() > 0.0).then(|| format!("{:.0} instances/s", self.images_per_s())),
            self.seconds_left().map(left),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// The same for programs.
    pub(super) fn json(&self) -> serde_json::Value {
        let counts: serde_json::Map<_, _> =
            self.counts.iter().map(|(state, n)| (state.as_str().to_owned(), json!(n))).collect();
        let run = |run: &Seen| {
            let (epoch, epochs) = run.epochs;
            json!({ "run": run.run, "epoch": epoch, "epochs": epochs, "seconds_left": run.seconds_left() })
        };
        json!({
            "runs": self.runs.len(),
            "states": counts,
            "running": self.running().map(run).collect::<Vec<_>>(),
            "images_per_s": self.images_per_s(),
            "seconds_left": self.seconds_left(),
        })
    }
}

/// An estimate of seconds in words.
pub(super) fn left(seconds: f64) -> String {
    format!("about {} left", humantime::format_duration(whole(seconds)))
}

/// Seconds, as exact as an estimate of them is.
fn whole(seconds: f64) -> std::time::Duration {
    let grain = if seconds < 120.0 { 1.0 } else { 60.0 };
    std::time::Duration::from_secs(((seconds / grain).ceil() * grain).min(1e9) as u64)
}
