//! A terminal that a test holds the other end of.

use std::io::{Read as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// What the key combination sends; the terminal makes a signal of it, unless the program reads single keys.
pub(crate) const CONTROL_C: &[u8] = b"\x03";

/// `llp` on a terminal of 24 lines of 120 characters.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    screen: Arc<Mutex<Vec<u8>>>,
    /// Kept open as long as the terminal shall exist.
    master: Box<dyn MasterPty + Send>,
    /// Reads what is written, until nothing is, or until it shall not any more.
    reader: JoinHandle<()>,
    is_closed: Arc<AtomicBool>,
}

impl Terminal {
    /// Starts `llp` with arguments, and with these variables beside `TERM=xterm-256color`.
    pub(crate) fn start(arguments: &[String], variables: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 24, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_llp"));
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        // Once the program has ended, reading ends only if no other process holds this end.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let is_closed = Arc::new(AtomicBool::new(false));
        let (drawn, is_enough) = (Arc::clone(&screen), Arc::clone(&is_closed));
        let reader = std::thread::spawn(move || {
            let mut part = [0; 4096];
            // Linux says so with an error when the last program at the terminal has ended.
            while let Ok(n @ 1..) = reader.read(&mut part) {
                drawn.lock().unwrap().extend_from_slice(&part[..n]);
                if is_enough.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        Self { child, keyboard, screen, master: pair.master, reader, is_closed }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Types something.
    pub(crate) fn send(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Everything that was written to the terminal so far.
    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// Waits for a condition on what was written.
    pub(crate) fn wait_until(&self, patience: Duration, condition: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !condition(&self.output()) {
            assert!(start.elapsed() < patience, "timed out:\n{}", self.output());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end of the program: its exit code and everything that it wrote.
    pub(crate) fn end(mut self, patience: Duration) -> (u32, String) {
        let code = wait(&mut *self.child, patience);
        // The reader may still be behind.
        std::thread::sleep(Duration::from_millis(200));
        (code, self.output())
    }

    /// Closes the terminal, as closing its window does, and waits for the end of the program. `key` is one that makes
    /// the program write, so that the reader sees that it is over.
    pub(crate) fn close(mut self, key: &[u8], patience: Duration) -> u32 {
        self.is_closed.store(true, Ordering::Relaxed);
        self.send(key);
        self.reader.join().unwrap();
        drop(self.keyboard);
        drop(self.master);
        wait(&mut *self.child, patience)
    }
}

fn wait(child: &mut (dyn Child + Send + Sync), patience: Duration) -> u32 {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.exit_code();
        }
        if start.elapsed() > patience {
            child.kill().unwrap();
            panic!("the program does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
