//! What `llp` does on a terminal, and what it leaves out without one.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod pty;
mod sweeping;
mod watching;
