//! What `llp` does on a terminal: bars, Ctrl-C, and the variables that ask it to be plain.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::pty::{CONTROL_C, Terminal};
use llp_sweep::run_dir::RunDir;
use tempfile::tempdir;

/// How long a small sweep may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A sweep of two very small networks.
fn sweep(out: &Path, epochs: usize) -> Vec<String> {
    let settings = [
        "sweep",
        "run",
        "digits",
        "--width=2",
        "--bag-size=8",
        "--set=data.train_limit=240",
        "--set=checkpoint.every_epochs=1",
        "--loss=kl",
        "--lr=0.03",
        "--set=data.split_seed=0",
        "--jobs=1",
    ];
    let (epochs, out) = (format!("--epochs={epochs}"), format!("--out={}", out.display()));
    settings.into_iter().map(str::to_owned).chain([epochs, out]).collect()
}

fn has_metrics(out: &Path) -> bool {
    fs_err::read_dir(out.join("runs")).is_ok_and(|runs| {
        runs.flatten().any(|run| RunDir::at(run.path()).read_metrics().is_ok_and(|lines| !lines.is_empty()))
    })
}

/// Whether a text has an escape sequence that sets a color: `ESC [ ... m`.
fn has_color(text: &str) -> bool {
    let sequences = text.split("\u{1b}[").skip(1);
    sequences.into_iter().any(|rest| {
        rest.find(|c: char| c.is_ascii_alphabetic()).is_some_and(|at| rest[at..].starts_with('m'))
    })
}

/// Ctrl-C on the terminal saves, says how to go on, and ends with 130; the same command then finishes the sweep.
#[test]
fn control_c_leaves_a_sweep_that_goes_on() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("sweep");
    let mut terminal = Terminal::start(&sweep(&out, 80), &[]);
    terminal.wait_until(PATIENCE, |_| has_metrics(&out));
    terminal.send(CONTROL_C);
    let (code, output) = terminal.end(PATIENCE);
    assert_eq!(code, 130, "{output}");
    assert!(output.contains("goes on") && output.contains(&out.display().to_string()), "{output}");
    let unfinished = fs_err::read_dir(out.join("runs")).unwrap().flatten();
    assert!(unfinished.into_iter().any(|run| RunDir::at(run.path()).result().unwrap().is_none()));

    let (code, output) = Terminal::start(&sweep(&out, 80), &[]).end(PATIENCE);
    assert_eq!(code, 0, "{output}");
    for run in fs_err::read_dir(out.join("runs")).unwrap().flatten() {
        let epochs = RunDir::at(run.path()).read_metrics().unwrap();
        assert_eq!(
            epochs.iter().map(|record| record.epoch).collect::<Vec<_>>(),
            (1..=80).collect::<Vec<_>>()
        );
        assert!(RunDir::at(run.path()).result().unwrap().is_some());
    }
}

/// On a terminal there is a bar, drawn in place; without colors, since there are none, whatever `NO_COLOR` says.
#[test]
fn a_terminal_shows_bars() {
    let folder = tempdir().unwrap();
    let (code, output) = Terminal::start(&sweep(folder.path(), 2), &[("NO_COLOR", "1")]).end(PATIENCE);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("\u{1b}[") && output.contains("sweep ") && output.contains('█'), "{output:?}");
    assert!(!has_color(&output), "{output:?}");
}

/// A terminal that cannot move its cursor gets lines.
#[test]
fn a_dumb_terminal_gets_lines() {
    let folder = tempdir().unwrap();
    let (code, output) = Terminal::start(&sweep(folder.path(), 2), &[("TERM", "dumb")]).end(PATIENCE);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("complete") && !output.contains('\u{1b}'), "{output:?}");
}

/// With both outputs in pipes there is no escape code, in results, progress, help and errors.
#[test]
fn pipes_get_no_escape_codes() {
    let folder = tempdir().unwrap();
    let commands = [
        sweep(folder.path(), 2),
        vec!["--help".to_owned()],
        vec!["sweep".to_owned(), "run".to_owned(), "--nonsense".to_owned()],
        vec!["report".to_owned(), folder.path().display().to_string()],
    ];
    for arguments in commands {
        let end = Command::new(env!("CARGO_BIN_EXE_llp")).args(&arguments).output().unwrap();
        assert!(!end.stdout.is_empty() || !end.stderr.is_empty());
        assert!(!end.stdout.contains(&0x1b) && !end.stderr.contains(&0x1b), "{arguments:?}");
    }
}
