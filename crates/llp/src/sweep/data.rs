//! The data of a sweep: fetched once for all cells, and opened before anything is planned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use llp_sweep::config::RunConfig;
use llp_sweep::grid::Sweep;
use llp_sweep::sweep_dir::{Cell, plan};
use llp_train::{TrainError, TrainingData, unknown_name};

use crate::Global;
use crate::data::{hub, place};
use crate::failure::Failure;

/// The data set that the program has in itself.
const EMBEDDED: &str = "digits";

/// Fetches the data of all cells, and the networks that they start from, so that they do not compete for it.
pub(crate) fn fetch_data(global: Global, cells: &[&Cell]) -> Result<(), Failure> {
    let fetched = cells.iter().map(|cell| &cell.config.data).filter(|data| data.path.is_none());
    for name in fetched.map(|data| data.name.trim_end_matches("-coarse")).collect::<BTreeSet<_>>() {
        if hub::locate(global, name)?.is_none() && name != EMBEDDED {
            return Err(TrainError::from(unknown_name(name)).into());
        }
    }
    let starts = cells.iter().filter_map(|cell| cell.config.network.init.as_deref());
    for name in starts.filter(|name| !Path::new(name).is_file()).collect::<BTreeSet<_>>() {
        hub::locate(global, name)?;
    }
    Ok(())
}

/// Opens the data of a sweep that is not planned yet, so that a mistake in its name or in its files leaves nothing behind.
pub(crate) fn check_before_planning(global: Global, out: &Path, grid: &Sweep) -> Result<(), Failure> {
    if out.join("plan.jsonl").exists() {
        return Ok(());
    }
    let cells = plan(grid)?;
    fetch_data(global, &cells.iter().collect::<Vec<_>>())?;
    // Named data is what it is; of a path, each kind of data is read once, as the first cell that has it does.
    let mut kinds: BTreeMap<String, &RunConfig> = BTreeMap::new();
    for config in cells.iter().map(|cell| &cell.config).filter(|config| config.data.path.is_some()) {
        let (data, bags) = (&config.data, &config.bags.hash);
        let kind = format!(
            "{:?} {:?} {:?} {:?} {bags:?}",
            data.path, data.proportions, data.image_size, data.impute
        );
        kinds.entry(kind).or_insert(config);
    }
    for config in kinds.into_values() {
        place::check(&config.data)?;
        TrainingData::load(config, &|name| hub::locate(global, name))?;
    }
    Ok(())
}
