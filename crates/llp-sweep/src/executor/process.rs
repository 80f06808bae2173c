//! Cells as child processes.

use std::fmt;
use std::io;
use std::process::{Child, Command};

use super::slots::{Slot, Slots};
use super::{Exit, Launch, RunningCell};
use crate::sweep_dir::Cell;

/// Launches each cell as a child process, by the command that a function makes for it and the slot where it runs.
pub struct Processes<F> {
    slots: Slots,
    command: F,
}

impl<F: Fn(&Cell, usize) -> Command> Processes<F> {
    /// Launches cells by `command`, each in the slot, below `n_slots`, where the fewest run.
    pub fn new(n_slots: usize, command: F) -> Self {
        Self { slots: Slots::new(n_slots), command }
    }
}

impl<F> fmt::Debug for Processes<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes").finish_non_exhaustive()
    }
}

impl<F: Fn(&Cell, usize) -> Command> Launch for Processes<F> {
    fn launch(&self, cell: &Cell) -> io::Result<Box<dyn RunningCell>> {
        let slot = self.slots.take();
        let child = (self.command)(cell, slot.index).spawn()?;
        Ok(Box::new(Running { child, _slot: slot }))
    }
}

/// A child process and the slot that it takes.
struct Running {
    child: Child,
    _slot: Slot,
}

impl RunningCell for Running {
    fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        RunningCell::try_wait(&mut self.child)
    }

    fn interrupt(&mut self) {
        self.child.interrupt();
    }

    fn kill(&mut self) {
        RunningCell::kill(&mut self.child);
    }
}

impl RunningCell for Child {
    fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        let status = Child::try_wait(self)?;
        Ok(status.map(|status| status.code().map_or(Exit::Killed, Exit::Code)))
    }

    /// Sends `SIGTERM`; the process is not yet waited for, so the number is still its own.
    fn interrupt(&mut self) {
        terminate(self.id());
    }

    fn kill(&mut self) {
        // Fails only for a process that has ended.
        let _ = Child::kill(self);
    }
}

/// Sends `SIGTERM` to a process, which may have ended already. Where there are no signals it does nothing: the process
/// then runs to its end.
pub(crate) fn terminate(pid: u32) {
    #[cfg(unix)]
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}
