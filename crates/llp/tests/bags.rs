//! Files of bags on the command line: made, shown, trained on, shared.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-train/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::process::Command;

use common::weights;
use llp_sweep::sweep_dir::SweepDir;
use serde_json::Value;
use tempfile::tempdir;

/// Runs in `folder`, to success; returns what it printed.
fn llp(folder: &Path, command: &[&str]) -> String {
    let end = Command::new(env!("CARGO_BIN_EXE_llp")).args(command).current_dir(folder).output().unwrap();
    assert!(end.status.success(), "{command:?}: {}", String::from_utf8_lossy(&end.stderr));
    String::from_utf8(end.stdout).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const DRAWN: [&str; 2] = ["--limit=120", "--bag-size=8"];
const SHORT: [&str; 3] = ["--width=2", "--epochs=2", "-q"];

/// A manifest of uniform bags trains to the same bits as a run that draws the same bags itself, with the same number
/// of held-out bags, and evaluation and resumption find the bags again.
#[test]
fn a_manifest_of_uniform_bags_changes_nothing() {
    let folder = tempdir().unwrap();
    llp(folder.path(), &[&["bags", "make", "--out=bags.json", "--seed=3"][..], &DRAWN].concat());
    let drawn = ["train", "--out=drawn", "--bag-size=8", "--bag-seed=3", "--set=data.train_limit=120"];
    llp(folder.path(), &[&drawn[..], &SHORT].concat());
    llp(folder.path(), &[&["train", "--out=read", "--bags=bags.json"][..], &SHORT].concat());
    assert_eq!(weights(&folder.path().join("read")), weights(&folder.path().join("drawn")));
    let result =
        |run: &str| json(&fs_err::read_to_string(folder.path().join(run).join("result.json")).unwrap());
    let (read, drawn) = (result("read"), result("drawn"));
    for field in ["n_bags", "bag_size", "remainder", "n_train", "n_held_out", "n_held_out_bags"] {
        assert_eq!(read[field], drawn[field], "{field}");
    }
    assert_ne!(read["config_hash"], drawn["config_hash"]);
    let evaluation = |run| llp(folder.path(), &["evaluate", run, "--output=json"]);
    assert_eq!(evaluation("read"), evaluation("drawn"));
    llp(folder.path(), &["resume", "read", "-q"]);
}

/// The same arguments make the same file, byte for byte and for any number of threads; `show` says what is in it.
#[test]
fn files_are_made_again_and_shown() {
    let folder = tempdir().unwrap();
    fs_err::write(folder.path().join("day.csv"), column()).unwrap();
    let kinds: [&[&str]; 4] = [
        &["--bag-size=8", "--kind=uniform"],
        &["--bag-size=8", "--kind=dirichlet", "--alpha=0.1"],
        &["--bag-size=8", "--kind=cluster", "--clusters=5"],
        &["--kind=column", "--column=day", "--column-file=day.csv"],
    ];
    let mut spreads = Vec::new();
    for kind in kinds {
        let make = |file: &str, threads: &str| {
            let command = [&["bags", "make", "--out", file][..], kind].concat();
            let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
            let end = llp
                .args(command)
                .current_dir(folder.path())
                .env("RAYON_NUM_THREADS", threads)
                .output()
                .unwrap();
            assert!(end.status.success(), "{kind:?}: {}", String::from_utf8_lossy(&end.stderr));
            fs_err::read(folder.path().join(file)).unwrap()
        };
        assert_eq!(make("a.json", "1"), make("b.json", "3"), "{kind:?}");
        let shown = json(&llp(folder.path(), &["bags", "show", "a.json", "--output=json"]));
        let part = &shown["train"];
        let n_bags = part["n_bags"].as_u64().unwrap();
        assert!(n_bags > 0 && part["size_max"] == shown["recipe"]["size"], "{shown}");
        assert_eq!(
            part["n_instances"].as_u64().unwrap() + part["remainder"].as_u64().unwrap(),
            1150,
            "{shown}"
        );
        let spread = |key: &str| part[key].as_f64().unwrap();
        spreads.push(spread("variance_between") / spread("variance_floor"));
        let text = llp(folder.path(), &["bags", "show", "a.json"]);
        assert!(text.contains(&format!("training  {n_bags} bags of ")), "{text}");
    }
    // Uniform bags and days that were drawn at random are at the floor; the others differ more than chance allows.
    let is_near = |ratio: f64| (ratio - 1.0).abs() < 0.3;
    assert!(
        is_near(spreads[0]) && is_near(spreads[3]) && spreads[1] > 2.0 && spreads[2] > 2.0,
        "{spreads:?}"
    );
}

/// A day for each digit: 200 of them, at random.
fn column() -> String {
    use llp_bags::rng::{Purpose, below, stream};
    let mut rng = stream(0, Purpose::Init, 0);
    let rows = (0..1437).map(|instance| format!("{instance},{}", below(&mut rng, 200)));
    std::iter::once("instance,day".to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}

/// A sweep over losses shares one file of bags, named on the command line or in the sweep's file; the key replaces the
/// grid's bag sizes, and both ways give the same runs.
#[test]
fn a_sweep_shares_a_manifest() {
    let folder = tempdir().unwrap();
    llp(
        folder.path(),
        &[&["bags", "make", "--out=bags.json", "--kind=dirichlet", "--alpha=0.3"][..], &DRAWN].concat(),
    );
    let base =
        "schema = 1\nname = \"x\"\nbase.preset = \"digits\"\nbase.network.width = 2\nbase.optim.epochs = 1\n";
    let grid = "[grid]\nbags.size = [4, 16]\nloss.name = [\"kl\", \"rot\"]\n";
    fs_err::write(
        folder.path().join("named.toml"),
        format!("{base}base.bags.manifest = \"bags.json\"\n{grid}"),
    )
    .unwrap();
    fs_err::write(folder.path().join("plain.toml"), format!("{base}{grid}")).unwrap();
    llp(folder.path(), &["sweep", "run", "named.toml", "--out=named", "-q"]);
    llp(folder.path(), &["sweep", "run", "plain.toml", "--bags=bags.json", "--out=plain", "-q"]);
    let sweep = |out: &str| SweepDir::open(folder.path().join(out)).unwrap();
    let (named, plain) = (sweep("named"), sweep("plain"));
    assert_eq!(named.cells().len(), 2, "the bags have one size");
    for (cell, other) in named.cells().iter().zip(plain.cells()) {
        assert_eq!(cell.run, other.run);
        assert_eq!(cell.config.bags.size, 8);
        assert_eq!(weights(named.run_dir(cell).path()), weights(plain.run_dir(other).path()));
    }
}
