//! What a report is made of.

use std::collections::HashSet;
use std::path::Path;

use super::insight::Insight;
use super::regret::choices;
use crate::claim::Host;
use crate::collect::{self, Row, collect};
use crate::criterion::Criterion;
use crate::error::SweepError;
use crate::record::EpochRecord;
use crate::run_dir::RunDir;
use crate::select::{Group, select};
use crate::sweep_dir::{Cell, SweepDir};

/// Up to this many runs, each is shown by itself.
const N_EACH: usize = 12;

/// The runs of a report, what was chosen among them, and how the chosen ones learned.
#[derive(Debug, Clone)]
pub struct ReportData {
    /// All runs.
    pub rows: Vec<Row>,
    /// What to call each of them: the name of its directory.
    pub names: Vec<String>,
    /// What the choice is by.
    pub criterion: Criterion,
    /// The choice within each data set, loss and bag size.
    pub groups: Vec<Group>,
    /// The choices of each criterion, for comparison.
    pub choices: Vec<Vec<Group>>,
    /// The bags and instances of a single run as its network sees them, or why they cannot be shown; `None` where the
    /// report is not on one run.
    pub insight: Option<Result<Insight, String>>,
    /// The epochs of each row that is among the chosen ones, or of each of a few; none for the others.
    pub(super) curves: Vec<Vec<EpochRecord>>,
}

impl ReportData {
    /// Everything of one sweep.
    ///
    /// # Errors
    /// Metrics of a complete run that cannot be read.
    pub fn of_sweep(sweep: &SweepDir, here: &Host) -> Result<Self, SweepError> {
        let dirs = sweep.cells().iter().map(|cell| sweep.run_dir(cell)).collect::<Vec<_>>();
        Self::new(collect(sweep, here), &dirs, sweep.criterion())
    }

    /// Everything in some directories, each that of a sweep or of a run. A run that occurs twice counts once. The choice
    /// is by the criterion of the first sweep.
    ///
    /// # Errors
    /// What keeps a directory from being read: [`SweepError::Io`] names the file that is missing.
    pub fn of_directories<P: AsRef<Path>>(paths: &[P], here: &Host) -> Result<Self, SweepError> {
        let (mut rows, mut dirs, mut criterion) = (Vec::new(), Vec::new(), None);
        for path in paths.iter().map(AsRef::as_ref) {
            if path.join("plan.jsonl").exists() {
                let sweep = SweepDir::open(path)?;
                dirs.extend(sweep.cells().iter().map(|cell| sweep.run_dir(cell)));
                rows.extend(collect(&sweep, here));
                criterion = criterion.or(Some(sweep.criterion()));
            } else {
                let (dir, config) = RunDir::open(path)?;
                let cell = Cell { index: rows.len(), run: config.run_name(), config };
                rows.push(collect::row(&dir, cell, here));
                dirs.push(dir);
            }
        }
        let mut seen = HashSet::new();
        let is_new: Vec<bool> = rows.iter().map(|row: &Row| seen.insert(row.cell.run.clone())).collect();
        let keep = |index: &usize| is_new[*index];
        let dirs: Vec<_> = (0..dirs.len()).filter(keep).map(|index| dirs[index].clone()).collect();
        let rows = (0..rows.len()).filter(keep).map(|index| rows[index].clone()).collect();
        Self::new(rows, &dirs, criterion.unwrap_or(Criterion::Kl))
    }

    fn new(rows: Vec<Row>, dirs: &[RunDir], criterion: Criterion) -> Result<Self, SweepError> {
        let groups = select(&rows, criterion);
        let name = |dir: &RunDir| {
            let path = dir.path();
            path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
        };
        let mut report_data = Self {
            choices: choices(&rows),
            names: dirs.iter().map(name).collect(),
            curves: vec![Vec::new(); rows.len()],
            insight: None,
            criterion,
            rows,
            groups,
        };
        for &row in
            report_data.groups.iter().filter_map(|group| group.chosen.as_ref()).flat_map(|of| &of.rows)
        {
            report_data.curves[row] = dirs[row].read_metrics()?;
        }
        if report_data.shows_each_run() {
            for (curve, dir) in report_data.curves.iter_mut().zip(dirs) {
                // What an interrupted run has left may end anywhere; the table of runs names it.
                *curve = dir.read_metrics().unwrap_or_default();
            }
        }
        Ok(report_data)
    }

    /// Whether learning curves are those of each run: of a few that are not repeated over seeds.
    pub(super) fn shows_each_run(&self) -> bool {
        let is_single = |group: &Group| group.chosen.as_ref().is_none_or(|chosen| chosen.rows.len() == 1);
        self.rows.len() <= N_EACH && self.groups.iter().all(is_single)
    }

    /// Whether there was anything to choose from.
    pub(super) fn has_choice(&self) -> bool {
        self.groups.iter().any(|group| group.n_candidates > 1)
    }
}
