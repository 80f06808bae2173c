//! The folders of checkpoints: their names, finding and writing them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use llp_data::DataError;
use llp_sweep::run_dir::RunDir;
use llp_sweep::sync_folder;

use super::{Checkpoint, OPTIMIZER, STATE};
use crate::TrainError;
use crate::position::Position;

impl Checkpoint {
    /// The checkpoint that `path` names: its own folder, or a run's, of which it is the newest.
    ///
    /// # Errors
    /// When there is no run or checkpoint, or a run without one.
    pub fn locate(path: &Path) -> Result<PathBuf, TrainError> {
        if path.join(STATE).is_file() {
            return Ok(path.to_owned());
        }
        let (run, _) = RunDir::open(path)?;
        let newest = Self::list(&run.checkpoints_dir())?.into_iter().next();
        let path = path.display();
        let missing =
            || DataError::new(format!("{path} has no checkpoint yet: train it with llp resume {path}"));
        Ok(newest.ok_or_else(missing)?)
    }

    /// The checkpoints below `folder`, from the newest to the oldest.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn list(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
        let mut found = Vec::new();
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            if let Some(place) = path.file_name().and_then(|name| name.to_str()).and_then(parse_name) {
                found.push((place, path));
            }
        }
        found.sort();
        Ok(found.into_iter().rev().map(|(_, path)| path).collect())
    }

    /// Bytes of a checkpoint on the disk: of all but the optimizer's state, and of everything.
    pub(crate) fn bytes(path: &Path) -> Result<(u64, u64), TrainError> {
        let mut all = 0;
        for entry in fs_err::read_dir(path)? {
            all += entry?.metadata()?.len();
        }
        let optimizer = fs_err::metadata(path.join(OPTIMIZER)).map_or(0, |metadata| metadata.len());
        Ok((all - optimizer, all))
    }

    /// Removes all checkpoints below `folder` but the `keep` newest, and whatever a killed process left half-written.
    pub(crate) fn prune(folder: &Path, keep: usize) -> Result<(), TrainError> {
        for path in Self::list(folder)?.iter().skip(keep) {
            fs_err::remove_dir_all(path)?;
        }
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(ASIDE) {
                fs_err::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// First letters of a folder that is being written.
const ASIDE: &str = ".writing-";

pub(super) fn name(position: &Position) -> String {
    match position.step {
        0 => format!("e{:04}", position.epoch),
        step => format!("e{:04}s{step:05}", position.epoch),
    }
}

/// Epochs and steps from a checkpoint's name.
fn parse_name(name: &str) -> Option<(usize, usize)> {
    let numbers = name.strip_prefix('e')?;
    let (epoch, step) = numbers.split_once('s').unwrap_or((numbers, "0"));
    Some((epoch.parse().ok()?, step.parse().ok()?))
}

/// Writes files into a folder aside, then gives it its name.
pub(super) fn write_folder(parent: &Path, path: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), TrainError> {
    let aside = parent.join(format!("{ASIDE}{}", path.file_name().unwrap_or_default().to_string_lossy()));
    if aside.exists() {
        fs_err::remove_dir_all(&aside)?;
    }
    if let Err(error) = fill(&aside, files) {
        // A disk that is full stays less so; what cannot be removed either goes with the next checkpoint.
        let _ = fs_err::remove_dir_all(&aside);
        return Err(error);
    }
    if path.exists() {
        // The same position was saved before: a damaged checkpoint, or one with an optimizer that is dropped now.
        fs_err::remove_dir_all(path)?;
    }
    fs_err::rename(&aside, path)?;
    Ok(sync_folder(parent)?)
}

fn fill(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), TrainError> {
    fs_err::create_dir_all(folder)?;
    for (name, bytes) in files {
        let mut file = fs_err::File::create(folder.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    Ok(sync_folder(folder)?)
}
