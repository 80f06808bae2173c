//! Stopping: the first signal asks, a second one within five seconds insists.
//!
//! Nothing is saved in a signal handler: it only wakes a thread that sets a flag.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::failure::code;

/// How soon a second signal must follow to end the program at once.
const INSISTENCE: Duration = Duration::from_secs(5);

/// What the user or the system asks of the program.
#[derive(Debug, Default)]
pub(crate) struct StopFlags {
    /// Save and stop.
    pub(crate) stop: AtomicBool,
    /// Stop without saving.
    pub(crate) kill: AtomicBool,
    /// The signal that asked first; 0 if none did.
    signal: AtomicI32,
}

impl StopFlags {
    /// Listens to signals from now on.
    pub(crate) fn listen() -> io::Result<Arc<Self>> {
        let stop_flags = Arc::new(Self::default());
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1, SIGUSR2])?;
        let heard = Arc::clone(&stop_flags);
        std::thread::spawn(move || {
            let mut first: Option<Instant> = None;
            for signal in signals.forever() {
                if first.is_some_and(|first| first.elapsed() < INSISTENCE) {
                    heard.kill.store(true, Ordering::Relaxed);
                } else {
                    first = Some(Instant::now());
                    heard.signal.store(signal, Ordering::Relaxed);
                    heard.stop.store(true, Ordering::Relaxed);
                }
            }
        });
        Ok(stop_flags)
    }

    /// Ends the program at once when [`StopFlags::kill`] is set: for a program that has nothing to clean up.
    pub(crate) fn exit_on_kill(self: &Arc<Self>) {
        let stop_flags = Arc::clone(self);
        std::thread::spawn(move || {
            while !stop_flags.kill.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
            std::process::exit(code::INTERRUPTED.into());
        });
    }

    /// Asks to stop once standard input ends: it is a pipe from a parent, and the parent is gone.
    pub(crate) fn stop_with_stdin(self: &Arc<Self>) {
        let stop_flags = Arc::clone(self);
        std::thread::spawn(move || {
            // Whatever the parent says or fails to say, the end is what counts.
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            stop_flags.stop.store(true, Ordering::Relaxed);
        });
    }

    /// Asks to stop after a time.
    pub(crate) fn stop_after(self: &Arc<Self>, limit: Duration) {
        let stop_flags = Arc::clone(self);
        std::thread::spawn(move || {
            std::thread::sleep(limit);
            stop_flags.stop.store(true, Ordering::Relaxed);
        });
    }

    pub(crate) fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The exit code of a program that stopped early because of these.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.signal.load(Ordering::Relaxed) == SIGINT { code::INTERRUPTED } else { code::STOPPED }
    }
}
