//! The commands of `llp sweep` as processes: workers beside each other, cancelling, retrying, planning.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod grid;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use llp_sweep::sweep_dir::SweepDir;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// Four short runs and, with another seed, four more.
fn grid() -> String {
    grid::small("optim.epochs = 3", "seed = [0, 1]")
}

/// A folder with a sweep that was planned with this many epochs, and its directory.
fn planned(epochs: usize) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    fs_err::write(folder.path().join("grid.toml"), grid()).unwrap();
    let (grid, sweep) = (folder.path().join("grid.toml"), folder.path().join("sweep"));
    let epochs = format!("--epochs={epochs}");
    let end =
        llp(&["sweep", "plan", text(&grid), "--no-probe", &epochs, "--out", text(&sweep)]).output().unwrap();
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    (folder, sweep)
}

fn llp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llp"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn status(sweep: &Path, more: &[&str]) -> Value {
    let arguments = [&["sweep", "status", text(sweep), "--output=json"], more].concat();
    let end = llp(&arguments).output().unwrap();
    serde_json::from_slice(&end.stdout).unwrap()
}

fn lines(end: &Output) -> usize {
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    String::from_utf8_lossy(&end.stdout).lines().count()
}

/// Two workers with filters that overlap train every cell once, and write no report; `run` then does.
#[test]
fn workers_share_a_sweep() {
    let (_folder, sweep) = planned(3);
    let worker = |filter: &str| {
        llp(&["sweep", "worker", text(&sweep), "--jobs=1", "--filter", filter]).spawn().unwrap()
    };
    for worker in [worker("seed=0|1"), worker("loss=rot")] {
        let end = worker.wait_with_output().unwrap();
        assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    }
    let all = status(&sweep, &["--by=loss,bag_size"]);
    assert_eq!((all["complete"].as_u64(), all["remaining_s"].as_f64()), (Some(8), Some(0.0)));
    let rows = all["by"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row["complete"] == 2 && row["bags.size"].is_u64()));
    let sweep_dir = SweepDir::open(&sweep).unwrap();
    for cell in sweep_dir.cells() {
        let log = fs_err::read_to_string(sweep_dir.run_dir(cell).log_path()).unwrap();
        assert_eq!(log.matches("epoch 3/3").count(), 1, "{log}");
    }
    assert!(!sweep.join("results.csv").exists());
    let grid = sweep.with_file_name("grid.toml");
    let end = llp(&["sweep", "run", text(&grid), "--epochs=3", "--out", text(&sweep)]).output().unwrap();
    assert!(end.status.success() && sweep.join("results.csv").exists());
}

fn exec(sweep: &Path) -> Child {
    llp(&["sweep", "exec", text(sweep), "--index=0"]).spawn().unwrap()
}

fn wait_for_an_epoch(sweep: &Path) {
    let sweep = SweepDir::open(sweep).unwrap();
    let start = Instant::now();
    while sweep.run_dir(&sweep.cells()[0]).read_metrics().unwrap().is_empty() {
        assert!(start.elapsed() < Duration::from_mins(1), "no epoch in a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A cell that is cancelled while it runs saves and ends with 75, asked by a signal or by the file alone, as on another
/// host. It is skipped until it is retried.
#[test]
#[cfg(unix)]
fn cancelling_reaches_a_running_cell() {
    for by_file in [false, true] {
        let (_folder, sweep) = planned(100_000);
        let child = exec(&sweep);
        wait_for_an_epoch(&sweep);
        if by_file {
            let sweep = SweepDir::open(&sweep).unwrap();
            sweep.run_dir(&sweep.cells()[0]).cancel().unwrap();
        } else {
            assert_eq!(
                lines(&llp(&["sweep", "cancel", text(&sweep), "--filter=seed=0"]).output().unwrap()),
                4
            );
        }
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(75));
        let cancelled = if by_file { 1 } else { 4 };
        assert_eq!(status(&sweep, &[])["cancelled"], cancelled);
        assert_eq!(exec(&sweep).wait().unwrap().code(), Some(0));
        let again = llp(&["sweep", "retry", text(&sweep)]).output().unwrap();
        assert_eq!(lines(&again), cancelled);
        assert_eq!(status(&sweep, &[])["interrupted"], 1);
    }
}

/// A cell that another process works on is no failure: code 75, and its status stays that of the other.
#[test]
fn a_cell_has_one_process() {
    let (_folder, sweep) = planned(100_000);
    let mut first = exec(&sweep);
    wait_for_an_epoch(&sweep);
    let second = exec(&sweep).wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(75));
    assert!(String::from_utf8_lossy(&second.stderr).contains("is being worked on by process"));
    assert_eq!(status(&sweep, &[])["running"], 1);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(status(&sweep, &[])["interrupted"], 1);
}

/// A plan times every kind of run, and without `--out` writes nothing.
#[test]
fn a_plan_costs_and_writes_nothing() {
    let folder = tempdir().unwrap();
    fs_err::write(folder.path().join("grid.toml"), grid()).unwrap();
    let mut plan =
        llp(&["sweep", "plan", "grid.toml", "--probe-steps=1", "--jobs=2", "--price=3600", "--output=json"]);
    let end = plan.current_dir(folder.path()).output().unwrap();
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    let plan: Value = serde_json::from_slice(&end.stdout).unwrap();
    let (cost, number) = (&plan["cost"], |value: &Value| value.as_f64().unwrap());
    assert_eq!(
        (plan["runs"].as_u64(), plan["done"].as_u64(), cost["kinds"].as_u64()),
        (Some(8), Some(0), Some(4))
    );
    // Eight runs, two at once: the wall time is at least half of the work, and the price of a second is 1.
    assert!(number(&cost["device_s"]) > 0.0 && number(&cost["wall_s"]) >= 0.999 * number(&cost["device_s"]));
    assert!((number(&cost["price"]) - number(&cost["device_s"])).abs() < 1e-9);
    assert!(number(&cost["peak_bytes"]) > number(&cost["kept_bytes"]) && number(&cost["kept_bytes"]) > 0.0);
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
}

/// Scripts are shown without a Slurm, and nothing is written.
#[test]
fn a_dry_run_submits_nothing() {
    let (_folder, sweep) = planned(3);
    let submit = ["sweep", "submit", text(&sweep), "--dry-run", "--runs-per-task=3", "--", "--partition=gpu"];
    let end = llp(&submit).output().unwrap();
    let shown = String::from_utf8(end.stdout).unwrap();
    assert!(
        end.status.success() && shown.contains("#SBATCH --array=0-2\n") && shown.contains("--partition=gpu")
    );
    assert!(!sweep.join("slurm").exists());
}

/// A mistake in the name of the data leaves nothing behind, and the corrected command is accepted.
#[test]
fn a_typo_leaves_nothing_behind() {
    let folder = tempdir().unwrap();
    let (file, out) = (folder.path().join("grid.toml"), folder.path().join("sweep"));
    fs_err::write(&file, grid()).unwrap();
    let missing = folder.path().join("missing");
    for command in [&["sweep", "run"][..], &["sweep", "plan", "--no-probe"]] {
        let more = [text(&file), "--data", text(&missing), "--out", text(&out)];
        let end = llp(&[command, &more].concat()).output().unwrap();
        assert_eq!(end.status.code(), Some(2), "{}", String::from_utf8_lossy(&end.stderr));
        assert!(!out.exists(), "{command:?}");
    }
    let end = llp(&["sweep", "plan", text(&file), "--no-probe", "--out", text(&out)]).output().unwrap();
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
}
