//! The directory of a sweep: the grid, the plan made from it, and one directory for each run.
//!
//! ```text
//! sweep.toml           the grid, with every default written out
//! plan.jsonl           one cell a line: index, run, config
//! runs/<run>/          see `run_dir`
//! results.{csv,jsonl}, figures/, ...    derived from the runs: safe to delete
//! ```

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic::write_atomically;
use crate::config::RunConfig;
use crate::criterion::Criterion;
use crate::error::SweepError;
use crate::filter::Filter;
use crate::grid::{Prune, Sweep};
use crate::record::to_json;
use crate::run_dir::RunDir;

/// One run of a plan, and one line of `plan.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Its place in the plan, from 0.
    pub index: usize,
    /// Its name, [`RunConfig::run_name`].
    pub run: String,
    /// Its configuration.
    pub config: RunConfig,
}

/// A sweep directory and its plan.
#[derive(Debug, Clone)]
pub struct SweepDir {
    path: PathBuf,
    cells: Vec<Cell>,
    prune: Option<Prune>,
    criterion: Criterion,
}

/// The cells of a sweep, in the order of [`Sweep::expand`].
///
/// # Errors
/// Those of [`Sweep::expand`].
pub fn plan(sweep: &Sweep) -> Result<Vec<Cell>, SweepError> {
    let cell = |(index, config): (usize, RunConfig)| Cell { index, run: config.run_name(), config };
    Ok(sweep.expand()?.into_iter().enumerate().map(cell).collect())
}

impl SweepDir {
    /// Makes the directory of a sweep, or opens it if it was planned from the same grid.
    ///
    /// # Errors
    /// The cells that differ, for a directory of another grid.
    pub fn open_or_create(path: impl Into<PathBuf>, sweep: &Sweep) -> Result<Self, SweepError> {
        let path = path.into();
        let cells = plan(sweep)?;
        let (plan_path, sweep_path) = (path.join("plan.jsonl"), path.join("sweep.toml"));
        if plan_path.exists() {
            let there = read_plan(&plan_path)?;
            let (added, removed) = (names_beyond(&cells, &there), names_beyond(&there, &cells));
            if !(added.is_empty() && removed.is_empty()) {
                return Err(other_grid(&path, &added, &removed));
            }
        }
        fs_err::create_dir_all(path.join("runs"))?;
        write_if_changed(&sweep_path, &sweep.to_toml()?)?;
        let mut lines = String::new();
        for cell in &cells {
            lines += &to_json(cell)?;
            lines.push('\n');
        }
        // The plan comes last: where it is, the rest is.
        write_if_changed(&plan_path, &lines)?;
        Ok(Self { path, cells, prune: sweep.prune(), criterion: sweep.criterion() })
    }

    /// Opens a sweep directory by its plan.
    ///
    /// # Errors
    /// [`SweepError::Io`] if there is no plan, or what is wrong with a configuration.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SweepError> {
        let path = path.into();
        let cells = read_plan(&path.join("plan.jsonl"))?;
        let sweep = Sweep::read(&path.join("sweep.toml"))?;
        Ok(Self { path, cells, prune: sweep.prune(), criterion: sweep.criterion() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How runs are held back, if they are.
    pub fn prune(&self) -> Option<&Prune> {
        self.prune.as_ref()
    }

    /// What hyper-parameters are chosen by.
    pub fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// The cells of the plan, by index.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cells that a filter takes, in the order of the plan.
    pub fn matching(&self, filter: &Filter) -> Vec<&Cell> {
        self.cells.iter().filter(|cell| filter.matches(&cell.config)).collect()
    }

    /// The directory of a cell's run, which need not exist yet.
    pub fn run_dir(&self, cell: &Cell) -> RunDir {
        RunDir::at(self.path.join("runs").join(&cell.run))
    }
}

/// A directory that was planned from another grid: the cells that are asked for and not in the plan, and the reverse.
fn other_grid(path: &Path, added: &[String], removed: &[String]) -> SweepError {
    SweepError::Invalid(format!(
        "{} was planned from another grid: {} more cells asked for{}, {} no longer asked for{}\nchoose another folder, or \
         delete its sweep.toml and plan.jsonl to plan anew: finished runs are found again by name",
        path.display(),
        added.len(),
        first_names(added),
        removed.len(),
        first_names(removed)
    ))
}

/// The first few names, in brackets: enough to see what kind of cells differ.
fn first_names(names: &[String]) -> String {
    const SHOWN: usize = 3;
    if names.is_empty() {
        return String::new();
    }
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!(" ({}{more})", names[..names.len().min(SHOWN)].join(", "))
}

fn read_plan(path: &Path) -> Result<Vec<Cell>, SweepError> {
    let text = fs_err::read_to_string(path)?;
    let parse = |(index, line): (usize, &str)| {
        let cell: Cell =
            serde_json::from_str(line).map_err(|error| SweepError::json(path, index + 1, &error))?;
        cell.config.check()?;
        Ok(cell)
    };
    text.lines().enumerate().map(parse).collect()
}

/// The names in `cells` that are not in `others`.
fn names_beyond(cells: &[Cell], others: &[Cell]) -> Vec<String> {
    let others: HashSet<_> = others.iter().map(|cell| &cell.run).collect();
    cells.iter().map(|cell| &cell.run).filter(|run| !others.contains(run)).cloned().collect()
}

fn write_if_changed(path: &Path, text: &str) -> Result<(), SweepError> {
    if !path.exists() || fs_err::read_to_string(path)? != text {
        write_atomically(path, text.as_bytes())?;
    }
    Ok(())
}
