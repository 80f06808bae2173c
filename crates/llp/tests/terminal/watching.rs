//! `llp watch`: what it prints without a terminal, and how it restores a terminal.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::pty::{CONTROL_C, Terminal};
use llp_sweep::grid::Sweep;
use llp_sweep::sweep_dir::SweepDir;
use tempfile::tempdir;

const PATIENCE: Duration = Duration::from_mins(1);

/// Takes over the screen.
const ENTER: &str = "\u{1b}[?1049h";
/// Gives it back.
const LEAVE: &str = "\u{1b}[?1049l";
/// Shows the cursor.
const CURSOR: &str = "\u{1b}[?25h";

/// A sweep of which nothing has begun.
fn pending(folder: &Path) -> String {
    SweepDir::open_or_create(folder, &Sweep::preset("digits").unwrap()).unwrap();
    folder.display().to_string()
}

/// Keys and signals that ask for the end are obeyed: exit code 0, the screen and the cursor are restored.
#[test]
fn the_terminal_is_given_back() {
    let folder = tempdir().unwrap();
    let sweep = pending(folder.path());
    let signal = |name: &str, id: u32| {
        assert!(Command::new("kill").args([name, &id.to_string()]).status().unwrap().success());
    };
    for ending in ["q", "\u{1b}", std::str::from_utf8(CONTROL_C).unwrap(), "-TERM", "-HUP", "-INT"] {
        let mut terminal = Terminal::start(&["watch".to_owned(), sweep.clone()], &[]);
        terminal.wait_until(PATIENCE, |output| output.contains("pending"));
        match ending {
            "-TERM" | "-HUP" | "-INT" => signal(ending, terminal.id()),
            keys => terminal.send(keys.as_bytes()),
        }
        let (code, output) = terminal.end(PATIENCE);
        assert_eq!(code, 0, "{ending:?}: {output:?}");
        let (entered, left) = (output.find(ENTER).unwrap(), output.rfind(LEAVE).unwrap());
        assert!(entered < left && output.rfind(CURSOR).is_some(), "{ending:?}: {output:?}");
    }
}

/// With its terminal the program ends too.
#[test]
fn a_closed_terminal_ends_the_watch() {
    let folder = tempdir().unwrap();
    let terminal = Terminal::start(&["watch".to_owned(), pending(folder.path())], &[]);
    terminal.wait_until(PATIENCE, |output| output.contains("pending"));
    assert_eq!(terminal.close(b"j", PATIENCE), 0);
}

/// Without a terminal there is one line for each change, and with `--once` there is one line; no escape code in either.
#[test]
fn pipes_get_lines() {
    let folder = tempdir().unwrap();
    let sweep = pending(folder.path());
    let once = |extra: &[&str]| {
        let end = Command::new(env!("CARGO_BIN_EXE_llp"))
            .args(["watch", "--once", &sweep])
            .args(extra)
            .output()
            .unwrap();
        assert_eq!(end.status.code(), Some(0));
        String::from_utf8(end.stdout).unwrap()
    };
    let n = Sweep::preset("digits").unwrap().expand().unwrap().len();
    assert_eq!(once(&[]), format!("0 of {n} done: {n} pending\n"));
    let json: serde_json::Value = serde_json::from_str(&once(&["--output=json"])).unwrap();
    assert_eq!((json["runs"].as_u64(), json["states"]["pending"].as_u64()), (Some(n as u64), Some(n as u64)));
}

/// A run that has ended is reported once, and the command ends.
#[test]
fn what_is_over_ends_the_watch() {
    let folder = tempdir().unwrap();
    let llp = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_llp")).args(arguments).output().unwrap();
    let out = folder.path().display().to_string();
    let small = ["--width=2", "--bag-size=8", "--set=data.train_limit=240", "--epochs=1"];
    assert!(llp(&[&["train", "--out", &*out][..], &small].concat()).status.success());
    assert_eq!(String::from_utf8(llp(&["watch", &out]).stdout).unwrap(), "1 of 1 done: 1 complete\n");
    let missing = llp(&["watch", &format!("{out}/none")]);
    assert_eq!(missing.status.code(), Some(2));
}
