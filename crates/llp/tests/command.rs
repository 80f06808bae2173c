//! The command line: exit codes, what goes where, and stopping.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use llp_sweep::run_dir::RunDir;
use tempfile::tempdir;

const SMALL: [&str; 4] =
    ["--width=2", "--bag-size=8", "--set=data.train_limit=240", "--set=checkpoint.every_epochs=1"];

fn llp() -> Command {
    Command::new(env!("CARGO_BIN_EXE_llp"))
}

fn train(out: &Path, extra: &[&str]) -> Output {
    llp().arg("train").args(SMALL).args(extra).arg("--out").arg(out).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Data on standard output, one line an epoch on standard error, no escape codes without a terminal, exit code 0;
/// the same command again says so and trains nothing.
#[test]
fn a_training_tells_lines_and_ends_with_its_result() {
    let dir = tempdir().unwrap();
    let first = train(dir.path(), &["--epochs=2"]);
    let (out, err) = (text(&first.stdout), text(&first.stderr));
    assert_eq!(first.status.code(), Some(0), "{err}");
    assert!(out.starts_with("digits-kl-b0008-lr0.03-s0-") && out.contains("test accuracy"), "{out}");
    assert_eq!(err.lines().filter(|line| line.starts_with("epoch ")).count(), 2, "{err}");
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'));
    let again = train(dir.path(), &["--epochs=2"]);
    assert_eq!((again.status.code(), text(&again.stdout)), (Some(0), out));
    assert_eq!(text(&again.stderr), "");
}

/// JSON for programs is one object on one line.
#[test]
fn results_come_as_json() {
    let dir = tempdir().unwrap();
    let end = train(dir.path(), &["--epochs=1", "--output=json", "-q"]);
    let result: serde_json::Value = serde_json::from_slice(&end.stdout).unwrap();
    assert_eq!((result["outcome"].as_str(), result["bag_size"].as_u64()), (Some("complete"), Some(8)));
    assert_eq!(text(&end.stderr), "");
    let evaluation = llp().args(["evaluate", "--output=json"]).arg(dir.path()).output().unwrap();
    let evaluation: serde_json::Value = serde_json::from_slice(&evaluation.stdout).unwrap();
    assert_eq!(evaluation["test_accuracy"], result["last"]["test_accuracy"]);
    assert_eq!(evaluation["held_out_kl"], result["last"]["held_out_kl"]);
}

/// `--epoch` says whose weights are evaluated: those of the last epoch by default, and the best by the
/// configured criterion on request; without held-out bags there are none to ask for.
#[test]
fn both_epochs_can_be_evaluated() {
    let dir = tempdir().unwrap();
    // A learning rate at which the last epoch is rarely the best.
    let settings = ["--epochs=4", "--lr=1", "--set=checkpoint.chosen_by=count-likelihood", "--output=json"];
    let end = train(dir.path(), &settings);
    let result: serde_json::Value = serde_json::from_slice(&end.stdout).unwrap();
    for (epoch, record) in [("last", &result["last"]), ("chosen", &result["chosen"])] {
        let end =
            llp().args(["evaluate", "--output=json", "--epoch", epoch]).arg(dir.path()).output().unwrap();
        let evaluation: serde_json::Value = serde_json::from_slice(&end.stdout).unwrap();
        assert_eq!(evaluation["epochs"], record["epoch"]);
        assert_eq!(evaluation["test_accuracy"], record["test_accuracy"]);
        assert_eq!(evaluation["held_out_kl"], record["held_out_kl"]);
    }
    let without = tempdir().unwrap();
    train(without.path(), &["--epochs=1", "--set=data.held_out=0"]);
    let end = llp().args(["evaluate", "--epoch=chosen"]).arg(without.path()).output().unwrap();
    assert_eq!(end.status.code(), Some(2));
    assert!(text(&end.stderr).contains("has no chosen epoch"), "{}", text(&end.stderr));
}

/// Exit code 2 for what the user must fix, with the remedy; nothing is left behind.
#[test]
fn mistakes_are_named() {
    let dir = tempdir().unwrap();
    let refuse = |extra: &[&str]| {
        let end = train(&dir.path().join("run"), extra);
        assert_eq!(end.status.code(), Some(2), "{extra:?}");
        text(&end.stderr)
    };
    let message = refuse(&["--set=optim.learning_rate=1"]);
    assert!(message.contains("unknown key `optim.learning_rate`"), "{message}");
    assert!(refuse(&["--loss=klein"]).contains("klein"));
    assert!(refuse(&["--lr=-1"]).contains("--lr"));
    assert!(!dir.path().join("run").exists());
    let message = refuse(&["--set=data.name=mnist"]);
    assert!(message.contains("give its folder with --data PATH"), "{message}");
}

/// A directory that holds another run is left alone, and the keys that differ are listed.
#[test]
fn another_configuration_is_refused() {
    let dir = tempdir().unwrap();
    train(dir.path(), &["--epochs=1"]);
    let before = fs_err::read(dir.path().join("config.toml")).unwrap();
    let end = train(dir.path(), &["--epochs=1", "--lr=0.01"]);
    let message = text(&end.stderr);
    assert_eq!(end.status.code(), Some(2), "{message}");
    assert!(message.contains("optim.lr"), "{message}");
    assert_eq!(fs_err::read(dir.path().join("config.toml")).unwrap(), before);
}

/// A single training that diverges ends with exit code 4 and says where.
#[test]
fn divergence_has_its_own_exit_code() {
    let dir = tempdir().unwrap();
    let end = train(dir.path(), &["--epochs=2", "--lr=1e30"]);
    assert_eq!(end.status.code(), Some(4));
    assert!(text(&end.stdout).contains("diverged in epoch 1"), "{}", text(&end.stdout));
}

/// The time limit saves a checkpoint, says how to go on and ends with 75; `resume` goes on.
#[test]
fn the_time_limit_stops_with_a_checkpoint() {
    let dir = tempdir().unwrap();
    let end = train(dir.path(), &["--epochs=1", "--time-limit=0s"]);
    assert_eq!(end.status.code(), Some(75));
    let hint = format!("resume with: llp resume {}", dir.path().display());
    assert!(text(&end.stderr).contains(&hint), "{}", text(&end.stderr));
    let resumed = llp().arg("resume").arg(dir.path()).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0));
    assert_eq!(RunDir::at(dir.path()).read_metrics().unwrap().len(), 1);
}

/// SIGINT ends with 130, SIGTERM with 75, both with a checkpoint that the same command continues from.
#[test]
#[cfg(unix)]
fn signals_stop_with_a_checkpoint() {
    for (signal, code) in [("-INT", 130), ("-TERM", 75)] {
        let dir = tempdir().unwrap();
        let mut child = llp()
            .arg("train")
            .args(SMALL)
            .args(["--epochs=5000", "--out"])
            .arg(dir.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until(|| RunDir::at(dir.path()).read_metrics().is_ok_and(|metrics| !metrics.is_empty()));
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        let checkpoints = llp_train::Checkpoint::list(&dir.path().join("checkpoints")).unwrap();
        assert!(!checkpoints.is_empty(), "{signal}");
    }
}

/// SIGINT of a sweep stops its cells with checkpoints, ends with 130 and says how to go on; nothing is left running.
#[test]
#[cfg(unix)]
fn an_interrupted_sweep_can_go_on() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("sweep");
    let sweep = |epochs: &str| {
        let mut command = llp();
        command.args(["sweep", "run", "digits"]).args(SMALL).args([
            "--loss=kl",
            "--lr=0.03",
            "--seed=0",
            epochs,
            "--out",
        ]);
        command.arg(&out).stderr(Stdio::piped()).stdout(Stdio::piped());
        command
    };
    let child = sweep("--epochs=3000").spawn().unwrap();
    wait_until(|| {
        fs_err::read_dir(out.join("runs")).is_ok_and(|runs| {
            runs.flatten()
                .any(|run| RunDir::at(run.path()).read_metrics().is_ok_and(|metrics| !metrics.is_empty()))
        })
    });
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let end = child.wait_with_output().unwrap();
    let message = text(&end.stderr);
    assert_eq!(end.status.code(), Some(130), "{message}");
    assert!(message.contains("0 of 1 cells have a result; the same command goes on"), "{message}");
    assert!(!message.contains('\u{1b}'));
    let status = llp().args(["sweep", "status", "--output=json"]).arg(&out).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!((status["interrupted"].as_u64(), status["running"].as_u64()), (Some(1), Some(0)));
}

fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "nothing happened for a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A run comes out as an event file and as a card; a page of it needs a place, and the command on that page leads to the
/// same configuration.
#[test]
fn a_run_is_exported() {
    let dir = tempdir().unwrap();
    let run = dir.path().join("run");
    assert!(train(&run, &["--epochs=2", "--loss=rot", "--alpha=0.3"]).status.success());
    let export = |format: &str| {
        let end = llp().args(["export", "--format", format]).arg(&run).output().unwrap();
        assert_eq!(end.status.code(), Some(0), "{}", text(&end.stderr));
        fs_err::read(text(&end.stdout).trim()).unwrap()
    };
    let events = export("tensorboard");
    let has = |words: &[u8]| events.windows(words.len()).filter(|window| *window == words).count();
    assert_eq!((has(b"brain.Event:2"), has(b"loss/train"), has(b"accuracy/test")), (1, 2, 2));
    let card = String::from_utf8(export("card")).unwrap();
    assert!(card.starts_with("---\nlibrary_name: llp\n") && card.contains("type: accuracy"), "{card}");

    let nowhere = llp().arg("report").args([&run, &run]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(text(&nowhere.stderr).contains("say where with --out FILE"));
    let end = llp().arg("report").arg(&run).output().unwrap();
    assert_eq!(end.status.code(), Some(0), "{}", text(&end.stderr));
    assert!(
        text(&end.stdout).starts_with("| run |") && text(&end.stdout).contains("| run |  | "),
        "{}",
        text(&end.stdout)
    );
    let inside = fs_err::read_to_string(run.join("report/index.html")).unwrap();
    let page = dir.path().join("page.html");
    assert_eq!(
        llp().arg("report").arg(&run).arg("--out").arg(&page).output().unwrap().status.code(),
        Some(0)
    );
    let page = fs_err::read_to_string(page).unwrap();
    assert_eq!(page, inside);
    let command = page.split("<code>llp ").nth(1).unwrap().split("</code>").next().unwrap();
    let command = command.split_once(" --out ").unwrap().0;
    assert!(card.contains(&format!("llp {command}")), "{command}\n{card}");
    let words = command.split(' ');
    let again = dir.path().join("again");
    let end = llp().args(words).args(["--time-limit=0s", "--out"]).arg(&again).output().unwrap();
    assert_eq!(end.status.code(), Some(75), "{}", text(&end.stderr));
    let config = |run: &Path| fs_err::read_to_string(run.join("config.toml")).unwrap();
    assert_eq!(config(&again), config(&run));
}

/// Completion scripts and manual pages know every command.
#[test]
fn the_command_line_documents_itself() {
    let dir = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&llp().args(["completions", shell]).output().unwrap().stdout);
        assert!(script.contains("disaggregate") && script.contains("watch"), "{shell}");
    }
    assert!(llp().arg("man").arg(dir.path()).output().unwrap().status.success());
    let page = fs_err::read_to_string(dir.path().join("llp-sweep-run.1")).unwrap();
    assert!(page.starts_with(".ie") || page.contains(".TH llp-sweep-run"), "{page}");
    assert!(dir.path().join("llp.1").exists());
}

/// A run that is refused leaves no directory, nor any that was made on the way; what was there before stays.
#[test]
fn a_refused_run_leaves_no_directory() {
    let dir = tempdir().unwrap();
    let (run, there) = (dir.path().join("runs/mine"), dir.path().join("there"));
    fs_err::create_dir(&there).unwrap();
    for out in [&run, &there] {
        let end =
            llp().args(["train", "--data"]).arg(dir.path().join("missing")).arg("--out").arg(out).output();
        assert_eq!(end.unwrap().status.code(), Some(2));
    }
    assert!(!dir.path().join("runs").exists() && there.exists());
}
