//! The files of a claim: what they are called, what they say, and what that says about the holder.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Host, Owner};
use crate::atomic::write_new;
use crate::error::SweepError;

/// The content of `claim-N.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// The file keeps its older name.
    #[serde(rename = "claimant")]
    pub(super) owner: Owner,
    /// When the process started, in ticks since the host did: a process number can be reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<u64>,
    /// How often the holder shows that it is alive.
    beat_ms: u64,
}

/// Whether a holder is alive, as far as one check can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Liveness {
    Alive,
    Gone,
    /// Its process cannot be checked from here.
    Unknown,
}

/// All that can be seen of a claim. It changes with every beat of the holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClaimFile {
    pub(super) generation: u64,
    /// `None` for a damaged file: no living holder leaves one.
    pub(super) holder: Option<Holder>,
    beat: Option<Vec<u8>>,
}

impl Holder {
    pub(super) fn new(owner: &Owner, beat: Duration) -> Self {
        let beat_ms = beat.as_millis() as u64;
        Self { owner: owner.clone(), started: start_ticks(owner.pid), beat_ms }
    }

    pub(super) fn beat(&self) -> Duration {
        Duration::from_millis(self.beat_ms)
    }

    pub(super) fn liveness(&self, here: &Host) -> Liveness {
        let host = &self.owner.host;
        if host.name != here.name {
            return Liveness::Unknown;
        }
        if host.boot_id != here.boot_id {
            return Liveness::Gone;
        }
        if !cfg!(target_os = "linux") {
            return Liveness::Unknown;
        }
        let is_alive = self.started.is_some() && self.started == start_ticks(self.owner.pid);
        if is_alive { Liveness::Alive } else { Liveness::Gone }
    }
}

impl ClaimFile {
    /// The claim in `folder` that counts.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, SweepError> {
        let Some(generation) = newest(folder)? else { return Ok(None) };
        // Released between the two reads: then there is none.
        let Some(json) = read(&json_path(folder, generation))? else { return Ok(None) };
        let beat = read(&beat_path(folder, generation))?;
        Ok(Some(Self { generation, holder: serde_json::from_slice(&json).ok(), beat }))
    }
}

/// Makes a claim, complete from the first moment; whether there was none of this number.
pub(super) fn create(folder: &Path, generation: u64, holder: &Holder) -> Result<bool, SweepError> {
    let Ok(json) = serde_json::to_vec(holder) else { unreachable!("strings and numbers always serialize") };
    Ok(write_new(&json_path(folder, generation), &json)?)
}

/// Removes a claim, its counter first. What is not there is no error.
pub(super) fn remove(folder: &Path, generation: u64) -> Result<(), SweepError> {
    for path in [beat_path(folder, generation), json_path(folder, generation)] {
        match fs_err::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the claim that counts is this one.
pub(super) fn is_held_by(folder: &Path, generation: u64, holder: &Holder) -> Result<bool, SweepError> {
    let Some(file) = ClaimFile::read(folder)? else { return Ok(false) };
    Ok(file.generation == generation && file.holder.as_ref() == Some(holder))
}

/// The numbers of all claims in `folder`, in ascending order.
pub(super) fn generations(folder: &Path) -> Result<Vec<u64>, SweepError> {
    let entries = match fs_err::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("claim-")?.strip_suffix(".json"));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The number of the claim that counts.
pub(super) fn newest(folder: &Path) -> Result<Option<u64>, SweepError> {
    Ok(generations(folder)?.pop())
}

/// Where the counter of a claim is.
pub(super) fn beat_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("claim-{generation}.beat"))
}

fn json_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("claim-{generation}.json"))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, SweepError> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// When a living process started (proc(5), field 22 of `/proc/PID/stat`). Returns `None` if there is none or it is a
/// zombie.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, the name in brackets, may itself contain brackets and spaces.
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace();
    let state = after_name.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    after_name.nth(18)?.parse().ok()
}
