//! The thread that shows other hosts that the holder of a claim is alive.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use super::file::{Holder, beat_path, is_held_by};
use crate::atomic::write_atomically;

/// Counts up until it is stopped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    /// The thread, and what ends it when dropped.
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Heartbeat {
    pub(super) fn start(folder: &Path, generation: u64, holder: &Holder) -> Self {
        let (stop, stopped) = channel();
        let (folder, holder) = (folder.to_owned(), holder.clone());
        let thread = std::thread::spawn(move || beat(&folder, generation, &holder, &stopped));
        Self { running: Some((stop, thread)) }
    }

    /// Ends the thread; afterwards it writes nothing any more.
    pub(super) fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A thread that has panicked beats no more either.
            let _ = thread.join();
        }
    }
}

fn beat(folder: &Path, generation: u64, holder: &Holder, stopped: &Receiver<()>) {
    let mut count: u64 = 0;
    while stopped.recv_timeout(holder.beat()) == Err(RecvTimeoutError::Timeout) {
        // If that is unknown, the beat goes on: a file system that answers late is no loss.
        if matches!(is_held_by(folder, generation, holder), Ok(false)) {
            return;
        }
        count += 1;
        // A beat that cannot be written is a missed one.
        let _ = write_atomically(&beat_path(folder, generation), count.to_string().as_bytes());
    }
}
