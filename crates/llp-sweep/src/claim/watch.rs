//! Noticing, from another host, that the holder of a claim has died.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::file::{ClaimFile, Liveness};
use super::{Claim, MISSED_MAX, Owner};
use crate::error::SweepError;

/// The claims that this process waits for, as it has seen them over time.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: HashMap<PathBuf, Sighting>,
}

/// A claim that has not changed for a while.
#[derive(Debug)]
struct Sighting {
    file: ClaimFile,
    missed: u32,
    /// When the last beat was missed, or the claim was first seen like this.
    since: f64,
}

impl Watch {
    /// Looks at the claim of a run at the time `now`, in seconds of this process. If its holder, on another host, has
    /// missed too many beats, the run is freed, and the dead process is returned.
    ///
    /// A beat is missed when the claim is seen unchanged a beat later: this process may have been frozen in between, so
    /// a long time alone proves nothing.
    pub(crate) fn release_stale(
        &mut self,
        folder: &Path,
        owner: &Owner,
        now: f64,
    ) -> Result<Option<Owner>, SweepError> {
        let found = ClaimFile::read(folder)?;
        let beat_s = found.as_ref().and_then(|file| file.holder.as_ref()).map(|holder| {
            (holder.liveness(&owner.host) == Liveness::Unknown).then(|| holder.beat().as_secs_f64())
        });
        let (Some(file), Some(Some(beat_s))) = (found, beat_s) else {
            self.seen.remove(folder);
            return Ok(None);
        };
        let new = |file: ClaimFile| Sighting { file, missed: 0, since: now };
        let sighting = self.seen.entry(folder.to_owned()).or_insert_with(|| new(file.clone()));
        if sighting.file != file {
            *sighting = new(file);
            return Ok(None);
        }
        if now - sighting.since >= beat_s {
            (sighting.missed, sighting.since) = (sighting.missed + 1, now);
        }
        if sighting.missed < MISSED_MAX {
            return Ok(None);
        }
        self.seen.remove(folder);
        let claim =
            Claim::try_acquire(folder, Some(&file), owner, std::time::Duration::from_secs_f64(beat_s))?;
        Ok(claim.and_then(|claim| claim.taken_over().cloned()))
    }
}
