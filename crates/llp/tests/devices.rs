//! Devices of the command: how they are named, what is refused, and what `llp doctor` says.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::path::Path;
use std::process::{Command, Output};

use messages::Messages;
use tempfile::tempdir;

const SMALL: [&str; 5] = ["train", "--width=2", "--bag-size=8", "--epochs=1", "--set=data.train_limit=240"];

/// Runs in `folder`, with `LLP_DEVICE` if that is said.
fn llp(folder: &Path, variable: Option<&str>, command: &[&str]) -> Output {
    let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
    llp.args(command).current_dir(folder).env_remove("RUST_BACKTRACE").env_remove("LLP_DEVICE");
    llp.envs(variable.map(|device| ("LLP_DEVICE", device))).output().unwrap()
}

fn train(folder: &Path, variable: Option<&str>, extra: &[&str]) -> Output {
    llp(folder, variable, &[&SMALL[..], &["--out=run"], extra].concat())
}

/// The errors of a command for devices that it cannot use, word for word; a program with CUDA says other things.
#[test]
fn refusals_say_what_to_do() {
    if llp_kernels::diagnose().is_compiled {
        return;
    }
    let folder = tempdir().unwrap();
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "devices", "Devices");
    let mut refuse = |input: &str, command: &[&str]| {
        messages.ended(input, &llp(folder.path(), None, command));
        assert!(!folder.path().join("run/result.json").exists(), "{input}");
    };
    refuse("a GPU, without CUDA", &[&SMALL[..], &["--out=run", "--device=cuda"]].concat());
    refuse("a precision that takes a GPU", &[&SMALL[..], &["--out=run", "--precision=bfloat16"]].concat());
    refuse("a precision that there is not", &[&SMALL[..], &["--out=run", "--precision=half"]].concat());
    let sweep = ["sweep", "run", "digits", "--out=sweep"];
    refuse("a sweep on GPUs, without CUDA", &[&sweep[..], &["--device=cuda"]].concat());
    refuse("runs on each GPU of a sweep on the processor", &[&sweep[..], &["--jobs-per-gpu=2"]].concat());
    refuse("a sweep of no run at once", &[&sweep[..], &["--jobs=0"]].concat());
    messages.compare();
}

/// A device that has no such name is refused with the names that there are, by argument and by variable.
#[test]
fn names_of_devices_are_checked() {
    let folder = tempdir().unwrap();
    for end in [train(folder.path(), None, &["--device=gpu"]), train(folder.path(), Some("gpu"), &[])] {
        let message = String::from_utf8(end.stderr).unwrap();
        assert_eq!(end.status.code(), Some(2), "{message}");
        assert!(message.contains("expected cpu, cuda or cuda:N"), "{message}");
    }
}

/// `LLP_DEVICE` is the default, which an argument overrides; where a run trained is no part of its name.
#[test]
fn the_environment_names_the_default_device() {
    let folder = tempdir().unwrap();
    let end = train(folder.path(), Some("cuda:999"), &[]);
    assert!(!end.status.success() && !folder.path().join("run").exists());
    let end = train(folder.path(), Some("cuda:999"), &["--device=cpu"]);
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    let plain = tempdir().unwrap();
    assert_eq!(
        train(plain.path(), None, &["-q"]).stdout.split(|byte| *byte == b':').next(),
        end.stdout.split(|byte| *byte == b':').next()
    );
}

/// A run that a GPU was to train in other numbers, and that was refused, leaves its directory to the run in single
/// precision.
#[test]
fn a_refused_precision_can_be_mended() {
    let folder = tempdir().unwrap();
    assert_eq!(train(folder.path(), None, &["--precision=tf32"]).status.code(), Some(2));
    let end = train(folder.path(), None, &["--precision=float32"]);
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
}

/// The first line says on what training is possible; in JSON it is the same list.
#[test]
fn the_doctor_names_the_devices() {
    let folder = tempdir().unwrap();
    let end = llp(folder.path(), None, &["doctor"]);
    let stdout = String::from_utf8(end.stdout).unwrap();
    assert!(end.status.success() && stdout.starts_with("training is possible on cpu"), "{stdout}");
    let end = llp(folder.path(), None, &["doctor", "--output=json"]);
    let health: serde_json::Value = serde_json::from_slice(&end.stdout).unwrap();
    assert_eq!(health["devices"][0], "cpu");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(health["devices"].as_array().unwrap().len(), 1 + llp_kernels::gpu_count().unwrap_or(0));
}
