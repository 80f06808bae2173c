//! The sweep as a process: killed at any moment and started again, it ends as if nothing had happened.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-train/tests/common/mod.rs"]
mod common;
mod grid;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{NamedBits, weights};
use llp_bags::rng::{Purpose, below, stream};
use llp_sweep::sweep_dir::SweepDir;

/// Four runs of a few seconds, with a checkpoint after every epoch.
fn grid() -> String {
    grid::small("optim.epochs = 40\ncheckpoint.every_epochs = 1", "")
}

fn start(grid: &Path, out: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_llp"))
        .args(["--progress", "none", "sweep", "run"])
        .arg(grid)
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the sweep and every one of its children, as `kill -9` of the whole tree or a power cut does.
fn kill_all(sweep: &mut Child) {
    let children =
        fs_err::read_to_string(format!("/proc/{0}/task/{0}/children", sweep.id())).unwrap_or_default();
    sweep.kill().unwrap();
    for child in children.split_whitespace() {
        let _ = Command::new("kill").args(["-9", child]).stderr(Stdio::null()).status();
    }
    sweep.wait().unwrap();
}

fn all_weights(out: &Path) -> Vec<(String, Vec<NamedBits>)> {
    let sweep = SweepDir::open(out).unwrap();
    sweep.cells().iter().map(|cell| (cell.run.clone(), weights(sweep.run_dir(cell).path()))).collect()
}

/// Done when 3: `kill -9` at random moments, then the same command again; the final weights are bit-identical to
/// those of an undisturbed sweep. Every other time only the sweep itself is killed: its cells must notice
/// and make room for the next.
#[test]
#[cfg(target_os = "linux")]
fn a_killed_sweep_ends_with_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let grid = folder.path().join("small.toml");
    fs_err::write(&grid, self::grid()).unwrap();
    let (calm, killed) = (folder.path().join("calm"), folder.path().join("killed"));
    let started = Instant::now();
    assert!(start(&grid, &calm).wait().unwrap().success());
    // Short against the whole, so that several kills hit before it ends, whatever the machine.
    let longest_ms = (started.elapsed() / 5).as_millis() as u32;

    let mut rng = stream(11, Purpose::LabelShuffle, 0);
    let mut n_kills = 0;
    for attempt in 0..12 {
        let mut sweep = start(&grid, &killed);
        std::thread::sleep(Duration::from_millis(u64::from(below(&mut rng, longest_ms.max(1)))));
        if sweep.try_wait().unwrap().is_some() {
            break;
        }
        if attempt % 2 == 0 {
            kill_all(&mut sweep);
        } else {
            sweep.kill().unwrap();
            sweep.wait().unwrap();
        }
        n_kills += 1;
    }
    assert!(n_kills >= 3, "the sweep was killed only {n_kills} times: make it longer");
    assert!(start(&grid, &killed).wait().unwrap().success());
    assert_eq!(all_weights(&killed), all_weights(&calm));
    for figure in ["figure1.svg", "figure1.png", "figure2.svg", "figure2.png"] {
        let bytes = |out: &Path| fs_err::read(out.join("figures").join(figure)).unwrap();
        assert_eq!(bytes(&killed), bytes(&calm), "{figure}");
    }
}
