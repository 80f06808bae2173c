//! Networks for other programs, and runs on the hub: a server on loopback, never another one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-data/tests/hub_server/mod.rs"]
mod hub_server;

use std::path::Path;
use std::process::{Command, Output};

use hub_server::{Manner, Server};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// The command in an environment that knows no hub but the server, if any.
fn llp(server: Option<&Server>, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llp"));
    for name in
        ["HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
    {
        command.env_remove(name);
    }
    // No server listens on port 9 of loopback (discard).
    let endpoint = server.map_or("http://127.0.0.1:9", |server| &server.endpoint);
    command.env("HF_HOME", folder).env("HF_ENDPOINT", endpoint).current_dir(folder);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn run(command: &mut Command, code: i32) -> Output {
    let end = command.output().unwrap();
    assert_eq!(end.status.code(), Some(code), "{}", text(&end.stderr));
    end
}

/// A folder with a small run in `run`.
fn trained(settings: &[&str]) -> TempDir {
    let folder = tempdir().unwrap();
    let small = ["train", "--out=run", "--bag-size=8", "--epochs=1", "--set=data.train_limit=64"];
    run(llp(None, folder.path()).args(small).args(settings), 0);
    folder
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

/// A network is written to the given path, from a run or from a single checkpoint, and the program says where that is.
#[test]
fn networks_are_written_to_the_given_path() {
    let folder = trained(&["--width=2"]);
    let checkpoint = "run/checkpoints/e0001";
    let export = |arguments: &[&str], code| {
        text(&run(llp(None, folder.path()).arg("export").args(arguments), code).stdout)
    };
    assert_eq!(export(&["run", "--format=onnx"], 0), "run/export/model.onnx\n");
    let onnx = fs_err::read(folder.path().join("run/export/model.onnx")).unwrap();
    for (out, file) in [("a/b.onnx", "a/b.onnx"), ("c", "c/model.onnx")] {
        assert_eq!(export(&[checkpoint, "--format=onnx", "--out", out], 0), format!("{file}\n"));
        assert!(fs_err::read(folder.path().join(file)).unwrap() == onnx, "{file}");
    }
    let listed = export(&["run", "--format=torchvision", "--output=json"], 0);
    let listed: Vec<String> = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed, ["run/export/model.safetensors", "run/export/model.json"]);
    export(&[checkpoint, "--format=onnx"], 2);
    export(&["none", "--format=onnx"], 2);
}

/// The tensors for PyTorch are the checkpoint's, and the description has what else a program needs.
#[test]
fn pytorch_gets_the_tensors_of_the_checkpoint() {
    for settings in
        [&["--width=2"][..], &["--set=network.name=mlp", "--set=network.hidden=3", "--set=network.depth=2"]]
    {
        let folder = trained(settings);
        let export = ["export", "run", "--format=pytorch", "--out=."];
        run(llp(None, folder.path()).args(export), 0);
        let load = |path: &str| {
            let device = &candle_core::Device::Cpu;
            let tensors = candle_core::safetensors::load(folder.path().join(path), device).unwrap();
            let mut tensors: Vec<_> =
                tensors.into_iter().map(|(name, tensor)| (name, format!("{tensor}"))).collect();
            tensors.sort();
            tensors
        };
        assert_eq!(load("model.safetensors"), load("run/checkpoints/e0001/model.safetensors"));
        let (model, state) =
            (folder.path().join("model.json"), folder.path().join("run/checkpoints/e0001/state.json"));
        let (model, state) = (read_json(&model), read_json(&state));
        for key in ["network", "image_shape", "class_names", "normalization", "config_hash"] {
            assert!(!model[key].is_null() && model[key] == state[key], "{key}");
        }
    }
}

/// A run goes to the hub as one commit of everything that it takes to use the network and to train it again, without a
/// place on this machine; a dry run lists just that and uses no network.
#[test]
fn a_run_is_uploaded() {
    let folder = trained(&["--width=2"]);
    let server = Server::start(Vec::new());
    let upload = |arguments: &[&str]| {
        let mut command = llp(Some(&server), folder.path());
        command.env("HF_TOKEN", "hf_x").args(["upload", "run", "--repo=me/mine", "--output=json"]);
        serde_json::from_slice::<Value>(&run(command.args(arguments), 0).stdout).unwrap()
    };
    let dry = upload(&["--dry-run"]);
    assert!(dry["commit"].is_null());
    assert_eq!(server.requests(), Vec::<String>::new());
    let done = upload(&[]);
    assert_eq!(done["commit"], format!("{}/commit/1", server.endpoint));
    assert_eq!(done["files"], dry["files"]);

    let written = server.written();
    let paths = |lines: &[Value]| -> Vec<String> {
        lines.iter().skip(1).map(|line| line["value"]["path"].as_str().unwrap().to_owned()).collect()
    };
    let expected = [
        "model.safetensors",
        "model.json",
        "state.json",
        "config.toml",
        "metrics.jsonl",
        "result.json",
        "README.md",
    ];
    assert_eq!(paths(&written.commits[0]), expected);
    let [weights] = &written.objects.values().collect::<Vec<_>>()[..] else { panic!("one large file") };
    assert!(
        **weights == fs_err::read(folder.path().join("run/checkpoints/e0001/model.safetensors")).unwrap()
    );
}

/// The exit code says whether the same command can help, and then it does.
#[test]
fn refused_uploads() {
    let folder = trained(&["--width=2"]);
    let server = Server::start(Vec::new());
    let upload = |arguments: &[&str], code| {
        let mut command = llp(Some(&server), folder.path());
        let end = run(command.env("HF_TOKEN", "hf_x").arg("upload").args(arguments), code);
        assert!(server.written().commits.len() == usize::from(code == 0));
        text(&end.stderr)
    };
    let good = ["run", "--repo=me/mine"];
    assert!(upload(&["run", "--repo=mine"], 2).contains("--repo must be OWNER/NAME"));
    server.behave(Manner::Refuses(401));
    assert!(upload(&good, 2).contains("set HF_TOKEN to a token that may write to it"));
    server.behave(Manner::FailsAt("/commit/", 503));
    assert!(upload(&good, 1).contains("the same command goes on later"));
    server.behave(Manner::Good);
    upload(&good, 0);

    let begun = ["train", "--out=begun", "--width=2", "--time-limit=0s"];
    run(llp(None, folder.path()).args(begun), 75);
    let end = run(llp(None, folder.path()).args(["upload", "begun", "--repo=me/mine"]), 2);
    assert!(text(&end.stderr).contains("go on with llp resume begun"));
}
