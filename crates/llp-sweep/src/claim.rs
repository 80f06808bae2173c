//! The right to work on a run: one process at a time, across restarts and crashes.
//!
//! A claim is the file `claim.json`, made by exclusive creation, so that two processes never both succeed, on one
//! machine or several. It says which process holds it. A process that was killed leaves its claim behind; another
//! one on the same host sees that the process is gone and takes the claim over. Two takers must not both win, so
//! claims are made, taken over and given back under a lock on `claim.lock`, which the kernel lifts from the dead.
//!
//! A claim of another host is taken to be alive: its process cannot be looked at from here.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic::{sync_folder, write_atomically};
use crate::error::SweepError;

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
pub struct Claimant {
    /// Where it runs.
    pub host: Host,
    /// Its number there.
    pub pid: u32,
}

/// The content of `claim.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    claimant: Claimant,
    /// When the process started, in ticks since the host did: a process number can be given anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<u64>,
}

/// A claim that this process holds. Given back when dropped.
#[derive(Debug)]
#[must_use = "the claim is given back as soon as it is dropped"]
pub struct Claim {
    folder: PathBuf,
    holder: Holder,
    taken_over: Option<Claimant>,
}

/// What `claim.json` says.
enum Found {
    Nothing,
    /// A file that its writer, who held the lock, did not finish.
    Torn,
    Held(Holder),
}

impl Claim {
    /// Claims the run in `folder`, which exists.
    pub(crate) fn take(folder: &Path, claimant: &Claimant) -> Result<Self, SweepError> {
        let _lock = lock(folder)?;
        let holder = Holder { claimant: claimant.clone(), started: start_ticks(claimant.pid) };
        let (bytes, path) = (to_bytes(&holder), claim_path(folder));
        let taken_over = match read(folder)? {
            Found::Nothing => {
                create(&path, &bytes)?;
                None
            }
            Found::Torn => {
                write_atomically(&path, &bytes)?;
                None
            }
            Found::Held(old) if old.is_gone(&claimant.host) => {
                write_atomically(&path, &bytes)?;
                Some(old.claimant)
            }
            Found::Held(old) => {
                return Err(SweepError::Claimed { path: folder.to_owned(), holder: old.claimant });
            }
        };
        sync_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), holder, taken_over })
    }

    /// The dead process from which the claim was taken over, if it was.
    pub fn taken_over(&self) -> Option<&Claimant> {
        self.taken_over.as_ref()
    }

    fn give_back(&self) -> Result<(), SweepError> {
        let _lock = lock(&self.folder)?;
        if matches!(read(&self.folder)?, Found::Held(holder) if holder == self.holder) {
            fs_err::remove_file(claim_path(&self.folder))?;
        }
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A claim that cannot be removed is taken over once this process is gone.
        let _ = self.give_back();
    }
}

/// The process that works on the run in `folder`, seen from `here`; nothing if there is none or it is gone.
pub(crate) fn live_holder(folder: &Path, here: &Host) -> Result<Option<Claimant>, SweepError> {
    Ok(match read(folder)? {
        Found::Held(holder) if !holder.is_gone(here) => Some(holder.claimant),
        _ => None,
    })
}

/// Whether the run in `folder` has a claim, alive or not.
pub(crate) fn is_claimed(folder: &Path) -> bool {
    claim_path(folder).exists()
}

impl Holder {
    fn is_gone(&self, here: &Host) -> bool {
        let host = &self.claimant.host;
        if host.name != here.name {
            return false;
        }
        if host.boot_id != here.boot_id {
            return true;
        }
        // Elsewhere there is no telling, so the holder counts as alive.
        cfg!(target_os = "linux")
            && (self.started.is_none() || self.started != start_ticks(self.claimant.pid))
    }
}

/// When a living process started (proc(5), field 22 of `/proc/PID/stat`); nothing if there is none or it is a zombie.
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

fn claim_path(folder: &Path) -> PathBuf {
    folder.join("claim.json")
}

fn to_bytes(holder: &Holder) -> Vec<u8> {
    let Ok(bytes) = serde_json::to_vec(holder) else { unreachable!("strings and numbers always serialize") };
    bytes
}

fn create(path: &Path, bytes: &[u8]) -> Result<(), SweepError> {
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

fn read(folder: &Path) -> Result<Found, SweepError> {
    match fs_err::read(claim_path(folder)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).map_or(Found::Torn, Found::Held)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error.into()),
    }
}

/// Waits for the folder's lock, which is free again when the file is dropped or its process ends.
fn lock(folder: &Path) -> Result<fs_err::File, SweepError> {
    let path = folder.join("claim.lock");
    let file = fs_err::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.file().lock()?;
    Ok(file)
}
