//! `llp watch`: looks at a sweep or a run from outside; it only reads files.

mod curves;
mod screen;
mod snapshot;
mod view;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Failure, code};
use crate::train::progress::{Style, can_move_cursor};
use crate::{Global, Output};
use snapshot::Watched;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// How soon a key or a request to end is noticed.
const NAP: Duration = Duration::from_millis(50);

/// How long the end may take: of the program by itself, and of a terminal until it is seen.
const GRACE: Duration = Duration::from_secs(1);

/// `llp watch`.
#[derive(Args)]
pub(crate) struct WatchArgs {
    /// The directory of a sweep or of a run.
    #[arg(value_name = "SWEEP|RUN")]
    directory: PathBuf,
    /// Print the status once, and end.
    #[arg(long)]
    once: bool,
}

pub(crate) fn watch(global: Global, args: &WatchArgs) -> Result<u8, Failure> {
    let mut watched = Watched::open(&args.directory)?;
    let should_end = end_flag()?;
    let has_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let is_screen = has_terminal && can_move_cursor() && global.output == Output::Human;
    if is_screen && !args.once && matches!(global.progress, Style::Auto | Style::Bar) {
        exit_with_terminal(&should_end);
        screen::show(&mut watched, INTERVAL, &should_end)?;
    } else {
        print_changes(global, &mut watched, args.once, &should_end);
    }
    Ok(code::SUCCESS)
}

/// A flag that the signals raise which ask a program to end. The end of a terminal is one of them.
fn end_flag() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGHUP, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// Ends the program soon after it was asked to end, or after its terminal was closed, whatever it is doing: reading
/// keys from a terminal that is gone does not return.
fn exit_with_terminal(should_end: &Arc<AtomicBool>) {
    let flag = Arc::clone(should_end);
    std::thread::spawn(move || {
        while !flag.load(Ordering::Relaxed) && std::io::stdin().is_terminal() {
            std::thread::sleep(NAP);
        }
        // Where the terminal is still there, this is time enough to give it back.
        std::thread::sleep(GRACE);
        std::process::exit(0);
    });
}

/// A line for each change of the numbers of cells, until nothing can change any more or the reader has gone.
fn print_changes(global: Global, watched: &mut Watched, once: bool, should_end: &AtomicBool) {
    let mut reported = None;
    loop {
        let snapshot = watched.snapshot();
        if reported.as_ref() != Some(&snapshot.counts) {
            let line =
                if global.output == Output::Json { snapshot.json().to_string() } else { snapshot.line() };
            if writeln!(std::io::stdout(), "{line}").is_err() {
                return;
            }
        }
        if once || snapshot.is_over() {
            return;
        }
        reported = Some(snapshot.counts);
        let naps = INTERVAL.as_millis() / NAP.as_millis();
        for _ in 0..naps {
            if should_end.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(NAP);
        }
    }
}
