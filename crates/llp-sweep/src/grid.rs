//! Grids: a sweep file, and the runs that it describes.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use strum::VariantNames as _;
use toml::{Table, Value};

use crate::config::{
    KEYS, Layers, Leaf, RunConfig, SCHEMA, Values, accept, known_key, leaves, nearest, preset,
};
use crate::criterion::Criterion;
use crate::error::{Origin, SweepError};

/// A sweep file.
///
/// ```toml
/// schema = 1
/// name = "mine"
/// # Leave out cells: those that have, for every key of one entry, one of its values.
/// exclude = [{ "loss.name" = ["avg-kl"], "bags.size" = [1] }]
///
/// [base]                  # a run configuration; complete, or with `preset` as its base
/// preset = "digits"
/// optim.epochs = 10
///
/// [grid]                  # lists of values; the runs are all combinations
/// bags.size = [1, 16]
/// loss.name = ["kl", "avg-kl"]
///
/// [prune]                 # optional: see `prune`
/// rungs = [10, 20]        # after this many epochs,
/// eta = 2                 # one of this many candidates goes on
///
/// [select]                # optional: what hyper-parameters are chosen by
/// criterion = "count-likelihood"
/// ```
#[derive(Debug, Clone)]
pub struct Sweep {
    name: String,
    path: String,
    base: Layers,
    axes: BTreeMap<&'static str, Vec<Value>>,
    exclude: Vec<Exclusion>,
    rungs: Option<Vec<usize>>,
    eta: Option<usize>,
    criterion: Criterion,
}

/// Keys and their values; a cell that matches in all of them is left out.
type Exclusion = BTreeMap<&'static str, Vec<Value>>;

/// The table `[prune]` of a sweep file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prune {
    /// Epochs after which candidates are compared, ascending.
    pub rungs: Vec<usize>,
    /// One of this many goes on; at least 2.
    pub eta: usize,
}

impl Sweep {
    /// The sweep of a preset.
    ///
    /// # Errors
    /// An unknown preset.
    pub fn preset(name: &str) -> Result<Self, SweepError> {
        Self::parse(&preset::file_name(name), preset::text(name)?)
    }

    /// Reads a sweep file.
    ///
    /// # Errors
    /// [`SweepError::Io`], and those of [`Sweep::parse`].
    pub fn read(path: &Path) -> Result<Self, SweepError> {
        Self::parse(&path.display().to_string(), &fs_err::read_to_string(path)?)
    }

    /// Parses a sweep file; `path` names it in errors.
    ///
    /// # Errors
    /// What is wrong with a key or value, with file and line.
    pub fn parse(path: &str, text: &str) -> Result<Self, SweepError> {
        let mut sweep = Self {
            name: String::new(),
            path: path.to_owned(),
            base: Layers::new(),
            axes: BTreeMap::new(),
            exclude: Vec::new(),
            rungs: None,
            eta: None,
            criterion: Criterion::Kl,
        };
        for leaf in leaves(path, text)? {
            if let Some(key) = leaf.key.strip_prefix("base.") {
                sweep.base.leaf(key, &leaf)?;
            } else if let Some(key) = leaf.key.strip_prefix("grid.") {
                let (key, values) = accept_list(key, &leaf.value, &leaf.origin)?;
                check_axis(key, &leaf.origin)?;
                sweep.axes.insert(key, values);
            } else {
                sweep.top_level(&leaf)?;
            }
        }
        if sweep.name.is_empty() {
            let problem = "a sweep needs a name at the top of its file, as in name = \"mine\"";
            return Err(SweepError::Invalid(format!("{path}: {problem}")));
        }
        if sweep.rungs.is_some() != sweep.eta.is_some() {
            let expected = "a table with both, as in { rungs = [10, 20], eta = 2 }";
            return Err(sweep.origin().invalid_value("prune", expected, "one of the two", None));
        }
        Ok(sweep)
    }

    /// How runs are held back, if they are.
    pub fn prune(&self) -> Option<Prune> {
        Some(Prune { rungs: self.rungs.clone()?, eta: self.eta? })
    }

    /// What hyper-parameters are chosen by: the KL loss, unless the file says otherwise.
    pub fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// The sweep's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text that a key has in all runs, if the file or [`apply`](Self::apply) sets it to one.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.base.text_of(key)
    }

    /// Puts settings over the sweep's own. A key that the grid varies is then fixed to the one value.
    pub fn apply(&mut self, settings: &Layers) {
        self.base.extend(settings);
        for (key, value) in settings.iter() {
            if let Some(values) = self.axes.get_mut(key) {
                *values = vec![value.clone()];
            }
        }
    }

    /// The runs of the grid: all combinations, each checked and canonical, without doubles.
    ///
    /// Doubles arise where a key does not apply: `loss.alpha` varies runs of the ROT loss only. The order is fixed
    /// by the keys, not by the file: seeds vary slowest, so that a sweep that is stopped early has whole seeds.
    ///
    /// # Errors
    /// Those of [`RunConfig::check`], no cell, or too many.
    pub fn expand(&self) -> Result<Vec<RunConfig>, SweepError> {
        let n_cells = self.axes.values().map(Vec::len).fold(1, usize::saturating_mul);
        if n_cells > N_CELLS_MAX {
            let problem = format!("the grid has {n_cells} combinations, at most {N_CELLS_MAX} are possible");
            return Err(self.origin().error(format!("{problem}: split it")));
        }
        let mut cells = vec![self.base.values(None)?];
        for (key, values) in KEYS.iter().filter_map(|key| self.axes.get_key_value(key.name)) {
            let with = |cell: &Values, value: &Value| {
                let mut cell = cell.clone();
                cell.insert(key, value.clone());
                cell
            };
            cells = cells.iter().flat_map(|cell| values.iter().map(move |value| with(cell, value))).collect();
        }
        let (mut seen, mut runs) = (HashSet::new(), Vec::new());
        for cell in cells {
            let run = cell.to_config()?.canonical();
            run.check()?;
            if !self.excludes(&run) && seen.insert(run.run_name()) {
                runs.push(run);
            }
        }
        if runs.is_empty() {
            let problem = "the grid has no cell: every combination is excluded or a list is empty";
            return Err(self.origin().error(problem));
        }
        Ok(runs)
    }

    /// The sweep as a self-contained file, with every default written out.
    ///
    /// # Errors
    /// An unknown preset.
    pub fn to_toml(&self) -> Result<String, SweepError> {
        let lists = |axes: &BTreeMap<&str, Vec<Value>>| -> Table {
            axes.iter().map(|(key, values)| ((*key).to_owned(), Value::Array(values.clone()))).collect()
        };
        let mut file = Table::new();
        file.insert("schema".to_owned(), Value::Integer(SCHEMA.into()));
        file.insert("name".to_owned(), Value::String(self.name.clone()));
        if !self.exclude.is_empty() {
            let exclude = self.exclude.iter().map(|exclusion| Value::Table(lists(exclusion))).collect();
            file.insert("exclude".to_owned(), Value::Array(exclude));
        }
        file.insert("base".to_owned(), Value::Table(self.base.values(None)?.to_table()));
        file.insert("grid".to_owned(), Value::Table(lists(&self.axes)));
        if let Some(Prune { rungs, eta }) = self.prune() {
            let rungs = rungs.iter().map(|rung| Value::Integer(*rung as i64)).collect();
            let table = [("rungs", Value::Array(rungs)), ("eta", Value::Integer(eta as i64))];
            let table = table.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            file.insert("prune".to_owned(), Value::Table(table));
        }
        if self.criterion != Criterion::Kl {
            let criterion = Value::String(self.criterion.as_str().to_owned());
            file.insert(
                "select".to_owned(),
                Value::Table(Table::from_iter([("criterion".to_owned(), criterion)])),
            );
        }
        Ok(file.to_string())
    }

    fn origin(&self) -> Origin {
        Origin::File { path: self.path.clone(), line: 1 }
    }

    fn top_level(&mut self, leaf: &Leaf) -> Result<(), SweepError> {
        match (leaf.key.as_str(), &leaf.value) {
            ("schema", value) => drop(accept("schema", value, &leaf.origin)?),
            ("name", Value::String(name)) if !name.is_empty() => self.name.clone_from(name),
            ("name", value) => {
                return Err(invalid("name", "a string that is not empty", value, &leaf.origin));
            }
            ("exclude", Value::Array(entries)) => {
                for entry in entries {
                    self.exclude.push(exclusion(entry, leaf)?);
                }
            }
            ("exclude", value) => return Err(invalid("exclude", EXCLUSIONS, value, &leaf.origin)),
            ("select.criterion", value) => self.criterion = criterion(value, &leaf.origin)?,
            ("prune.rungs", value) => self.rungs = Some(rungs(value, &leaf.origin)?),
            ("prune.eta", Value::Integer(eta)) if *eta >= 2 => self.eta = Some(*eta as usize),
            ("prune.eta", value) => {
                return Err(invalid("prune.eta", "an integer of at least 2", value, &leaf.origin));
            }
            (key, _) => {
                let known = ["schema", "name", "exclude", "base", "grid", "prune", "select"];
                let nearest = nearest(key.split('.').next().unwrap_or(key), known.into_iter());
                return Err(leaf.origin.unknown_key(key, nearest.as_deref()));
            }
        }
        Ok(())
    }

    fn excludes(&self, run: &RunConfig) -> bool {
        let values = Values::of(run);
        self.exclude.iter().any(|exclusion| {
            exclusion
                .iter()
                .all(|(key, excluded)| values.get(key).is_some_and(|value| excluded.contains(value)))
        })
    }
}

/// Combinations in a grid: more are a mistake, and would fill the memory.
const N_CELLS_MAX: usize = 100_000;

const EXCLUSIONS: &str = "a list of tables, as in [{ \"loss.name\" = [\"kl\"], \"bags.size\" = [1] }]";

/// Epochs in ascending order.
fn rungs(value: &Value, origin: &Origin) -> Result<Vec<usize>, SweepError> {
    let rungs: Option<Vec<usize>> = value.as_array().and_then(|list| {
        list.iter().map(|rung| rung.as_integer().filter(|rung| *rung > 0).map(|rung| rung as usize)).collect()
    });
    let ascends = |rungs: &Vec<usize>| !rungs.is_empty() && rungs.windows(2).all(|pair| pair[0] < pair[1]);
    rungs
        .filter(ascends)
        .ok_or_else(|| invalid("prune.rungs", "a list of ascending epochs, as in [10, 20]", value, origin))
}

fn criterion(value: &Value, origin: &Origin) -> Result<Criterion, SweepError> {
    value.as_str().and_then(|name| name.parse().ok()).ok_or_else(|| {
        let expected = format!("one of {}", Criterion::VARIANTS.join(", "));
        let nearest = value.as_str().and_then(|text| nearest(text, Criterion::VARIANTS.iter().copied()));
        origin.invalid_value("select.criterion", expected, value, nearest.as_deref())
    })
}

fn exclusion(entry: &Value, leaf: &Leaf) -> Result<Exclusion, SweepError> {
    let Value::Table(table) = entry else { return Err(invalid("exclude", EXCLUSIONS, entry, &leaf.origin)) };
    table.iter().map(|(key, values)| accept_list(key, values, &leaf.origin)).collect()
}

/// A grid varies only keys that distinguish runs.
fn check_axis(key: &'static str, origin: &Origin) -> Result<(), SweepError> {
    if known_key(key, origin)?.hashed {
        return Ok(());
    }
    let problem = format!("`{key}` does not distinguish runs, so a grid cannot vary it");
    Err(origin.error(format!("{problem}: set it under [base]")))
}

/// A known key and a list of values that it accepts.
fn accept_list(key: &str, values: &Value, origin: &Origin) -> Result<(&'static str, Vec<Value>), SweepError> {
    let key = known_key(key, origin)?.name;
    let Value::Array(items) = values else {
        return Err(invalid(key, "a list of values", values, origin));
    };
    let accepted =
        items.iter().map(|item| Ok(accept(key, item, origin)?.1)).collect::<Result<_, SweepError>>()?;
    Ok((key, accepted))
}

fn invalid(key: &str, expected: &str, got: &Value, origin: &Origin) -> SweepError {
    origin.invalid_value(key, expected, got, None)
}
