//! The right to work on a run: one process at a time, across hosts, restarts and crashes.
//!
//! A claim is a file `claim-N.json` in the run's directory that says which process holds it; of several, the one with
//! the highest number `N` counts. It is written aside and given its name by an operation of the file system that fails
//! if the name exists. So of any number of processes that want to be number `N`, exactly one is. No lock is involved.
//!
//! **Death.** On the holder's own host `/proc` shows whether its process is alive, and a dead one's claim is taken over
//! at once. Another host cannot see that, so a holder adds one to a counter in `claim-N.beat` every [`BEAT`]. A waiting
//! process compares counters, never times of two machines: a counter that does not change for three beats of the
//! *waiting* process belongs to a dead one. Taking over `N` means becoming `N + 1`.
//!
//! **Why two never train the same run.** Names are unique, so two holders would have different numbers. The lower one was
//! taken for dead, and is: its process does not exist, or it was frozen for three beats. A frozen one that wakes up finds
//! a higher number, or none, or another holder's: it looks ([`Claim::check`]) before each thing that it writes, and
//! ends. And a process that listed the folder long ago, and now makes a number that was taken over and released
//! meanwhile, looks again after it has made it, and gives way to a higher one.
//!
//! **What is assumed.** Making a name is exclusive on the file system, and a file that was closed on one host is seen when
//! opened on another: true of local disks, NFS since version 3, Lustre, GPFS and `CephFS`. And no process is frozen
//! for three beats in the microseconds between a check and the write that follows it; then one epoch's line or one
//! checkpoint, with the bits that the new holder writes too, would come late.

mod file;
mod heartbeat;
mod watch;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::SweepError;
use file::{ClaimFile, Holder, Liveness};
use heartbeat::Heartbeat;
pub(crate) use watch::Watch;

/// How often a holder shows that it is alive.
pub const BEAT: Duration = Duration::from_secs(10);

/// Beats that may be missed: after this many the holder is dead.
pub(crate) const MISSED_MAX: u32 = 3;

/// A machine since it was last started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name in the network.
    pub name: String,
    /// What differs after each start; on Linux `/proc/sys/kernel/random/boot_id`. Empty where there is none.
    pub boot_id: String,
}

/// A process that claims runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Where it runs.
    pub host: Host,
    /// Its number there.
    pub pid: u32,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host.name)
    }
}

/// A claim that this process holds. Released when dropped.
#[derive(Debug)]
#[must_use = "the claim is released as soon as it is dropped"]
pub struct Claim {
    folder: PathBuf,
    generation: u64,
    holder: Holder,
    taken_over: Option<Owner>,
    heartbeat: Heartbeat,
}

impl Claim {
    /// Claims the run in `folder`, which exists. Waits for up to three beats if a process of another host holds it.
    pub(crate) fn take(folder: &Path, owner: &Owner, beat: Duration) -> Result<Self, SweepError> {
        loop {
            let found = ClaimFile::read(folder)?;
            if let Some(ClaimFile { holder: Some(holder), .. }) = &found {
                let is_dead = match holder.liveness(&owner.host) {
                    Liveness::Alive => false,
                    Liveness::Gone => true,
                    Liveness::Unknown => is_silent(folder, found.as_ref(), holder.beat())?,
                };
                if !is_dead {
                    let (path, holder) = (folder.to_owned(), holder.owner.to_string());
                    return Err(SweepError::Claimed { path, holder });
                }
            }
            if let Some(claim) = Self::try_acquire(folder, found.as_ref(), owner, beat)? {
                return Ok(claim);
            }
        }
    }

    /// Takes the claim over from what was found. Returns `None` if another process was faster.
    fn try_acquire(
        folder: &Path,
        found: Option<&ClaimFile>,
        owner: &Owner,
        beat: Duration,
    ) -> Result<Option<Self>, SweepError> {
        let generation = found.map_or(1, |file| file.generation + 1);
        let holder = Holder::new(owner, beat);
        if !file::create(folder, generation, &holder)? {
            return Ok(None);
        }
        if file::newest(folder)?.is_some_and(|newest| newest > generation) {
            file::remove(folder, generation)?;
            return Ok(None);
        }
        let heartbeat = Heartbeat::start(folder, generation, &holder);
        let taken_over = found.and_then(|file| Some(file.holder.as_ref()?.owner.clone()));
        Ok(Some(Self { folder: folder.to_owned(), generation, holder, taken_over, heartbeat }))
    }

    /// The dead process from which the claim was taken over, if it was.
    pub fn taken_over(&self) -> Option<&Owner> {
        self.taken_over.as_ref()
    }

    /// Checks that the claim is still this process's, which it is not if the process was frozen for long. To be called
    /// before everything that is written into the run's directory.
    ///
    /// # Errors
    /// [`SweepError::ClaimLost`], and [`SweepError::Io`] if that cannot be found out.
    pub fn check(&self) -> Result<(), SweepError> {
        if file::is_held_by(&self.folder, self.generation, &self.holder)? {
            return Ok(());
        }
        Err(SweepError::ClaimLost(self.folder.clone()))
    }

    /// Removes the claim and those before it, the newest last, so that none of them comes to count again.
    fn release(&self) -> Result<(), SweepError> {
        self.check()?;
        for generation in file::generations(&self.folder)? {
            if generation <= self.generation {
                file::remove(&self.folder, generation)?;
            }
        }
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.heartbeat.stop();
        // A claim that cannot be removed is taken over once this process is gone.
        let _ = self.release();
    }
}

/// Whether the claim file stays the same for as many beats as may be missed.
fn is_silent(folder: &Path, file: Option<&ClaimFile>, beat: Duration) -> Result<bool, SweepError> {
    for _ in 0..MISSED_MAX {
        std::thread::sleep(beat);
        if ClaimFile::read(folder)?.as_ref() != file {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The process that works on the run in `folder`, seen from `here`. Returns `None` if there is none or it is gone. One
/// of another host counts as alive: it cannot be checked from here.
pub(crate) fn live_holder(folder: &Path, here: &Host) -> Result<Option<Owner>, SweepError> {
    let holder = ClaimFile::read(folder)?.and_then(|file| file.holder);
    Ok(holder.filter(|holder| holder.liveness(here) != Liveness::Gone).map(|holder| holder.owner))
}

/// Whether the run in `folder` has a claim, alive or not.
pub(crate) fn is_claimed(folder: &Path) -> bool {
    matches!(file::newest(folder), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that saw no claim, and makes the first while a higher one is there, gives way to it.
    #[test]
    fn a_late_claim_gives_way() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host { name: "here".to_owned(), boot_id: String::new() };
        let owner = Owner { host, pid: std::process::id() };
        assert!(file::create(folder.path(), 7, &Holder::new(&owner, BEAT)).unwrap());
        assert!(Claim::try_acquire(folder.path(), None, &owner, BEAT).unwrap().is_none());
        assert_eq!(file::generations(folder.path()).unwrap(), [7]);
    }
}
