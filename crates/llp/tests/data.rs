//! `llp data`, and data sets that come from a hub: a server on loopback, never another one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-data/tests/hub_server/mod.rs"]
mod hub_server;
#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hub_server::{File, Manner, Server};
use messages::Messages;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cifar").join(name)
}

/// The command in an environment that knows no hub but the server, if any.
fn llp(server: Option<&Server>, home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llp"));
    for name in
        ["HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
    {
        command.env_remove(name);
    }
    // No server listens on port 9 of loopback (discard).
    let endpoint = server.map_or("http://127.0.0.1:9", |server| &server.endpoint);
    command.env("HF_HOME", home).env("HF_ENDPOINT", endpoint).current_dir(home);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn success(end: &Output) -> String {
    assert_eq!(end.status.code(), Some(0), "{}", text(&end.stderr));
    text(&end.stdout)
}

fn json(end: &Output) -> Value {
    serde_json::from_slice(&end.stdout).unwrap()
}

/// As many rows as CIFAR-10 has, and a cache to fetch them into.
fn hub() -> (Server, TempDir) {
    let file = |split: &str, name| File {
        name,
        bytes: fs_err::read(fixture(&format!("hub-{split}.parquet"))).unwrap(),
        etag: format!("etag-of-{split}"),
    };
    let files = vec![
        file("test", "plain_text/test-00000-of-00001.parquet"),
        file("train", "plain_text/train-00000-of-00001.parquet"),
    ];
    (Server::start(files), tempdir().unwrap())
}

/// Fetched once, with a line for each file and the folder on standard output; the next call, and an offline one, use
/// no network.
#[test]
fn fetching_tells_lines_and_is_done_once() {
    let (server, home) = hub();
    let first = llp(Some(&server), home.path()).args(["data", "fetch", "cifar10"]).output().unwrap();
    let folder = success(&first);
    let folder = Path::new(folder.trim());
    assert!(folder.starts_with(home.path().join("hub/datasets--uoft-cs--cifar10/snapshots")));
    assert!(folder.join("plain_text/train-00000-of-00001.parquet").is_file());
    let stderr = text(&first.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{stderr}");
    let start =
        format!("cifar10 is not in {}: fetching uoft-cs/cifar10 from ", home.path().join("hub").display());
    assert!(lines[0].starts_with(&start), "{stderr}");
    assert!(lines[1].starts_with("fetching plain_text/test-00000-of-00001.parquet ("), "{stderr}");
    server.requests();
    for offline in ["0", "1"] {
        let mut again = llp(Some(&server), home.path());
        let again = again
            .env("HF_HUB_OFFLINE", offline)
            .args(["data", "fetch", "cifar10", "--output=json"])
            .output()
            .unwrap();
        success(&again);
        assert_eq!(json(&again)["folder"], folder.to_str().unwrap());
        assert_eq!((text(&again.stderr), server.requests()), (String::new(), vec![]));
    }
}

/// A data set that is named and not there is fetched by the first command that reads it, which says so; a token is sent.
#[test]
fn first_use_fetches() {
    let (server, home) = hub();
    let mut verify = llp(Some(&server), home.path());
    let end =
        verify.env("HF_TOKEN", "hf_x").args(["data", "verify", "cifar10", "--output=json"]).output().unwrap();
    success(&end);
    assert!(text(&end.stderr).starts_with("cifar10 is not in "), "{}", text(&end.stderr));
    assert!(server.requests().iter().all(|request| request.ends_with("Bearer hf_x")));
    let verdict = json(&end);
    assert_eq!(verdict["train"]["n_images"], 50_000);
    assert_eq!(verdict["test"]["class_counts"], Value::from(vec![1000; 10]));
    assert_eq!(verdict["findings"], Value::from(Vec::<String>::new()));
}

/// The exit code says whether trying again can help, and the cache offers nothing.
#[test]
fn refusals_of_the_hub() {
    let mut messages =
        Messages::new(env!("CARGO_MANIFEST_DIR"), "data-fetch", "Fetching data on the command line");
    let mut refuse = |input: &str, manner, environment: &[(&str, &str)], arguments: &[&str]| {
        let (server, home) = hub();
        server.behave(manner);
        messages.named(&server.endpoint, "ENDPOINT");
        messages.named(home.path().display(), "DIR");
        let mut command = llp(Some(&server), home.path());
        let command = command.envs(environment.iter().copied()).args(["-q"]).args(arguments);
        messages.ended(input, &command.output().unwrap());
        assert!(!home.path().join("hub/datasets--uoft-cs--cifar10/refs/main").exists());
    };
    let fetch = ["data", "fetch", "cifar10"];
    refuse("a connection that breaks off", Manner::BreaksOff, &[], &fetch);
    refuse("a file that is shorter than announced", Manner::TooShort, &[], &fetch);
    refuse("status 401", Manner::Refuses(401), &[("HF_TOKEN", "hf_wrong")], &fetch);
    refuse("status 404", Manner::Refuses(404), &[], &fetch);
    refuse("status 429", Manner::Refuses(429), &[], &fetch);
    refuse("status 503", Manner::RefusesFiles(503), &[], &fetch);
    let offline = [("HF_HUB_OFFLINE", "1")];
    refuse("offline, and not in the cache", Manner::Good, &offline, &fetch);
    let train = ["train", "--data=cifar10", "--out=run"];
    refuse("training, offline, and not in the cache", Manner::Good, &offline, &train);
    messages.compare();
}

/// Archives, in either labels, and embedded data are described; the contact sheet is a PNG file.
#[test]
fn data_is_described() {
    let home = tempdir().unwrap();
    let inspect = |data: &str| {
        let sheet = home.path().join("sheet.png");
        let mut command = llp(None, home.path());
        let command = command.args(["data", "inspect", "--output=json", data, "--contact-sheet"]).arg(&sheet);
        let end = command.output().unwrap();
        success(&end);
        assert!(fs_err::read(&sheet).unwrap().starts_with(b"\x89PNG\r\n"));
        json(&end)
    };
    let archive = fixture("cifar-100-binary.tar.gz").display().to_string();
    let fine = inspect(&archive);
    assert_eq!((&fine["class_names"][0], &fine["image_shape"]), (&"fine_00".into(), &vec![32, 32, 3].into()));
    let coarse = inspect(&format!("{archive}#coarse"));
    assert_eq!(coarse["class_names"].as_array().unwrap().len(), 20);
    assert_eq!(coarse["train"]["class_counts"], Value::from(vec![5; 20]));
    assert_ne!(fine["fingerprint"], coarse["fingerprint"]);
    assert_eq!(inspect("digits")["train"]["n_images"], 1437);
    let human = llp(None, home.path()).args(["data", "inspect", "digits"]).output().unwrap();
    assert!(success(&human).contains("train         1437 images, 91968 bytes of pixels"));
}

/// A CIFAR-10 of a hundred images is not the real one: exit code 2, and each class is named.
#[test]
fn incomplete_data_is_found_out() {
    let home = tempdir().unwrap();
    let archive = fixture("cifar-10-binary.tar.gz");
    let end = llp(None, home.path()).args(["data", "verify"]).arg(&archive).output().unwrap();
    assert_eq!(end.status.code(), Some(2));
    let out = text(&end.stdout);
    assert!(out.contains("wrong         train: 10 images of cat, CIFAR-10 has 5000"), "{out}");
}

/// Training on an archive with coarse labels goes on from another place of the same data, and names its classes' kind.
#[test]
fn training_reads_archives() {
    let home = tempdir().unwrap();
    fs_err::copy(fixture("cifar-100-binary.tar.gz"), home.path().join("small.tar.gz")).unwrap();
    let mut command = llp(None, home.path());
    command.args([
        "train",
        "--data=small.tar.gz#coarse",
        "--width=2",
        "--bag-size=8",
        "--epochs=1",
        "--out=run",
    ]);
    let out = success(&command.output().unwrap());
    assert!(out.starts_with("small-coarse-kl-b0008-"), "{out}");
    fs_err::rename(home.path().join("small.tar.gz"), home.path().join("moved.tgz")).unwrap();
    let mut command = llp(None, home.path());
    let evaluated = command.args(["evaluate", "run", "--data=moved.tgz#coarse"]).output().unwrap();
    assert!(success(&evaluated).contains("test accuracy"));
}
