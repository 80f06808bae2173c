//! Bad input to the command: the message word for word, the exit code, and that nothing is left half-written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use messages::Messages;
use tempfile::{TempDir, tempdir};

/// A folder to fail in, and the messages of one topic.
struct Bench {
    folder: TempDir,
    messages: Messages,
}

impl Bench {
    fn new(topic: &str, title: &'static str) -> Self {
        let folder = tempdir().unwrap();
        let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), topic, title);
        messages.named(folder.path().display(), "DIR");
        Self { folder, messages }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs_err::write(self.path(name), content).unwrap();
        self.path(name).display().to_string()
    }

    /// The command is refused, and leaves nothing behind in `run`.
    fn refuse(&mut self, input: &str, command: &[&str]) {
        let end = llp(self.folder.path(), command);
        self.messages.ended(input, &end);
        assert!(!self.path("run/result.json").exists(), "{input}");
    }

    /// Training, in the folder `run`, is refused.
    fn refuse_training(&mut self, input: &str, settings: &[&str]) {
        self.refuse(input, &[&["train", "--out=run"], settings].concat());
    }
}

/// Runs in `folder`, so that relative paths are the same everywhere.
fn llp(folder: &Path, command: &[&str]) -> Output {
    let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
    llp.args(command).current_dir(folder).env_remove("RUST_BACKTRACE").output().unwrap()
}

const SMALL: [&str; 5] = [
    "--width=2",
    "--bag-size=8",
    "--epochs=2",
    "--set=data.train_limit=48",
    "--set=checkpoint.every_epochs=1",
];

/// A complete small run in `folder`/run.
fn trained(folder: &Path) {
    let end = llp(folder, &[&["train", "--out=run"][..], &SMALL].concat());
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
}

/// Settings that cannot be: nothing is made on disk.
#[test]
fn settings() {
    let mut bench = Bench::new("settings", "Settings of llp train");
    let file = bench.write("train.toml", "[optim]\nlr = 0.1\nepoch = 3\n");
    let config = format!("--config={file}");
    bench.refuse_training("an unknown key of a file", &[&config]);
    bench.refuse_training("an unknown key", &["--set=optim.learning_rate=1"]);
    bench.refuse_training("a file that is not there", &["--config=none.toml"]);
    let file = bench.write("binary.toml", [0xff, 0xfe, 0]);
    bench.refuse_training("a file that is no text", &[&format!("--config={file}")]);
    bench.refuse_training("a bag size of 0", &["--bag-size=0"]);
    bench.refuse_training("a negative learning rate", &["--lr=-1"]);
    bench.refuse_training("an unknown loss", &["--loss=klein"]);
    bench.refuse_training("an unknown preset", &["--preset=digit"]);
    bench.refuse_training("a width beyond all memory", &["--width=1000000000"]);
    assert!(!bench.path("run").exists());
    bench.refuse_training("a bag size beyond the split", &["--bag-size=2000"]);
    bench.refuse_training("data that is not there", &["--data=none"]);
    bench.refuse("a run that is not there", &["resume", "none"]);
    bench.refuse("a sweep that is not there", &["sweep", "status", "none"]);
    bench.refuse("an unknown sweep", &["sweep", "run", "digit", "--out=sweep"]);
    assert!(!bench.path("sweep").exists());
    bench.messages.compare();
}

/// Settings that do not suit one's own bags, which are as they are.
#[test]
fn own_bags() {
    let mut bench = Bench::new("own-bags", "Training on your own bags");
    bench.write("instances.csv", "bag,x\na,1\na,2\nb,3\n");
    bench.write("proportions.csv", "bag,no,yes\na,1,1\nb,0,1\n");
    let data = "--data=instances.csv";
    bench.refuse_training("a table that is not there", &["--data=none.csv"]);
    bench.refuse_training("a bag size for bags that exist", &[data, "--bag-size=3"]);
    bench.refuse_training("a part of the instances", &[data, "--set=data.train_limit=2"]);
    bench.refuse_training(
        "a network of images for a table",
        &[data, "--preset=digits", "--set=augment.shift=0"],
    );
    bench.refuse_training("shifts of what is no image", &[data, "--set=augment.shift=1"]);
    bench.refuse_training("a second view of what is no image", &[data, "--consistency=dc"]);
    bench.refuse_training("a network without its extents", &["--set=network.name=mlp"]);
    bench.refuse_training("proportions without a table", &["--proportions=proportions.csv"]);
    bench.refuse_training("a method and a loss", &[data, "--method=em", "--set=loss.name=rot"]);
    bench.refuse_training("a method and an optimizer", &[data, "--method=em", "--set=optim.name=sgd"]);
    bench.refuse_training("a setting of another method", &[data, "--method=em", "--set=method.gamma=1"]);
    bench.refuse_training("a penalty without a method", &[data, "--set=method.l2=0.1"]);
    bench.refuse_training("an unknown method", &[data, "--method=meanmap"]);
    bench.refuse_training("a method for features on images", &["--method=em"]);
    bench.write("unknown.csv", "bag,no,maybe,yes\na,0.5,,\nb,0,0.5,0.5\n");
    bench
        .refuse_training("a method with unknown shares", &[data, "--method=em", "--proportions=unknown.csv"]);
    bench.refuse_training(
        "an added loss with unknown shares",
        &[data, "--set=loss.add=gaussian:0.5", "--proportions=unknown.csv"],
    );
    bench.write("alike.csv", "bag,no,yes\na,0.5,0.5\nb,0.5,0.5\n");
    let alike = [data, "--method=mean-map", "--proportions=alike.csv", "--anyway"];
    bench.refuse_training("a method that needs bags that differ", &alike);
    bench.messages.compare();
}

/// A run that was refused before its first step leaves its directory to the corrected settings.
#[test]
fn mended_settings_take_the_directory() {
    let folder = tempdir().unwrap();
    let train = |size: &str| {
        llp(folder.path(), &["train", "--out=run", "--width=2", "--epochs=1", size]).status.code()
    };
    assert_eq!(train("--bag-size=2000"), Some(2));
    assert_eq!(train("--bag-size=20"), Some(0));
    assert_eq!(train("--bag-size=10"), Some(2), "now there is something to lose");
}

/// A directory that belongs to another configuration is left as it was.
#[test]
fn other_configurations() {
    let mut bench = Bench::new("directories", "Directories of another run");
    trained(bench.folder.path());
    let before = fs_err::read(bench.path("run/config.toml")).unwrap();
    let other = [&["train", "--out=run", "--lr=0.01"][..], &SMALL].concat();
    bench.messages.ended("a run with other settings", &llp(bench.folder.path(), &other));
    assert_eq!(fs_err::read(bench.path("run/config.toml")).unwrap(), before);

    bench.write("grid.toml", "schema = 1\nname = \"x\"\nbase.preset = \"digits\"\ngrid.seed = [0]\n");
    fs_err::create_dir_all(bench.path("sweep/runs")).unwrap();
    bench.write("sweep/plan.jsonl", "{\"index\":0}\n");
    let sweep = ["sweep", "run", "grid.toml", "--out=sweep"];
    bench.messages.ended("a plan that is damaged", &llp(bench.folder.path(), &sweep));
    bench.messages.compare();
}

/// Files of bags that cannot be used, and columns that name none.
#[test]
fn bags() {
    let mut bench = Bench::new("bags", "Files of bags");
    let make = ["bags", "make", "--limit=60", "--bag-size=4", "--out=bags.json"];
    let end = llp(bench.folder.path(), &make);
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    let good = fs_err::read_to_string(bench.path("bags.json")).unwrap();

    let mut refuse_file = |input: &str, text: &str| {
        bench.write("edited.json", text);
        bench.refuse_training(input, &["--bags=edited.json"]);
    };
    refuse_file("a file cut short", &good[..300]);
    refuse_file("a later version", &good.replacen("\"version\":1", "\"version\":2", 1));
    refuse_file("a changed file", &good.replacen("\"seed\":0", "\"seed\":7", 1));
    bench.refuse_training("a file that is not there", &["--bags=none.json"]);
    bench.refuse("a file of something else", &["bags", "show", "/dev/null"]);
    let (bags, width) = ("--bags=bags.json", "--width=2");
    bench.refuse_training(
        "other bags than those asked for",
        &[bags, width, "--set=bags.hash=0123456789abcdef"],
    );

    bench.refuse("a bag size beyond the split", &["bags", "make", "--bag-size=2000", "--out=new.json"]);
    let skewed = ["bags", "make", "--bag-size=4", "--kind=dirichlet", "--out=new.json"];
    bench.refuse("a concentration of 0", &[&skewed[..], &["--alpha=0"]].concat());
    let extra = ["bags", "make", "--bag-size=4", "--alpha=1", "--out=new.json"];
    bench.refuse("a concentration for bags without one", &extra);
    let mut refuse_column = |input: &str, text: &str| {
        bench.write("day.csv", text);
        let make =
            ["bags", "make", "--kind=column", "--column=day", "--column-file=day.csv", "--out=new.json"];
        bench.refuse(input, &make);
    };
    refuse_column("a column of another name", "instance,hour\n0,noon\n");
    refuse_column("a column without a head", "0,monday\n1,tuesday\n");
    refuse_column("a column for too few instances", "instance,day\n0,monday\n");
    refuse_column("a column with an instance twice", "instance,day\n0,monday\n0,monday\n");
    refuse_column("a column with an unknown instance", "instance,day\n5000,monday\n");
    refuse_column("a column with a line cut short", "instance,day\n0\n");
    refuse_column("a column with a name for an instance", "instance,day\nfirst,monday\n");
    bench.refuse(
        "a column that the data has not",
        &["bags", "make", "--kind=column", "--column=day", "--out=new.json"],
    );
    assert!(!bench.path("new.json").exists());

    let small = [bags, width, "--epochs=1"];
    let end = llp(bench.folder.path(), &[&["train", "--out=other"][..], &small].concat());
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    fs_err::rename(bench.path("bags.json"), bench.path("moved.json")).unwrap();
    bench.refuse("bags that were moved", &["evaluate", "other"]);
    let end = llp(bench.folder.path(), &["evaluate", "other", "--bags=moved.json"]);
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    bench.messages.compare();
}

/// A file of tensors with a header of one's own.
fn tensors(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), data].concat()
}

/// Checkpoints that were damaged or forged: evaluation refuses them. Hashes are forged along.
#[test]
fn checkpoints() {
    let mut bench = Bench::new("checkpoints", "Checkpoints");
    trained(bench.folder.path());
    let newest = bench.path("run/checkpoints/e0002");
    let (model, state) = (newest.join("model.safetensors"), newest.join("state.json"));
    let (bytes, json) = (fs_err::read(&model).unwrap(), fs_err::read_to_string(&state).unwrap());
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let good = hash(&bytes);
    let mut evaluate = |input: &str, model_bytes: &[u8], state_text: String| {
        fs_err::write(&model, model_bytes).unwrap();
        fs_err::write(&state, state_text).unwrap();
        bench.messages.ended(input, &llp(bench.folder.path(), &["evaluate", "run"]));
    };
    evaluate("weights cut short", &bytes[..bytes.len() / 2], json.clone());
    let mut changed = bytes.clone();
    changed[4000] ^= 1;
    evaluate("weights with a changed bit", &changed, json.clone());
    evaluate("no description", &bytes, String::new());
    evaluate("another schema", &bytes, json.replace("\"schema\": 1", "\"schema\": 2"));
    evaluate(
        "the checkpoint of another run",
        &bytes,
        json.replace("\"config_hash\": \"", "\"config_hash\": \"x"),
    );
    let other = json.replace("\"data_fingerprint\": \"", "\"data_fingerprint\": \"0123456789abcdef");
    evaluate("the checkpoint of another data set", &bytes, other);

    let mut forge = |input: &str, forged: &[u8]| evaluate(input, forged, json.replace(&good, &hash(forged)));
    let entry = |dtype: &str, shape: &str, from: u64, to: u64| {
        format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}")
    };
    forge("an empty file of tensors", &[]);
    forge("tensors cut short with a forged hash", &bytes[..bytes.len() - 4]);
    forge("a header longer than the file", &[&1000_u64.to_le_bytes()[..], b"{}"].concat());
    forge("a header without end", &[&u64::MAX.to_le_bytes()[..], b"{}"].concat());
    forge("a header that is no JSON", &tensors("tensors", &[]));
    let two = format!("{{\"a\":{},\"b\":{}}}", entry("F32", "[2]", 0, 8), entry("F32", "[2]", 4, 12));
    forge("tensors that overlap", &tensors(&two, &[0; 12]));
    let beyond = format!("{{\"a\":{}}}", entry("F32", "[4]", 0, 16));
    forge("a tensor beyond the file", &tensors(&beyond, &[0; 8]));
    let huge = format!("{{\"a\":{}}}", entry("F32", "[4294967296,4294967296,4]", 0, 8));
    forge("a tensor of more numbers than there are", &tensors(&huge, &[0; 8]));
    let typed = format!("{{\"fc.bias\":{}}}", entry("F8_E4M3", "[2]", 0, 2));
    forge("tensors of another type", &tensors(&typed, &[0; 2]));
    let other = format!("{{\"fc.bias\":{}}}", entry("F32", "[2]", 0, 8));
    forge("the tensors of another architecture", &tensors(&other, &[0; 8]));
    bench.messages.compare();
}

/// A run goes on from no checkpoint whose position or network is not its own; what is damaged is passed over.
#[test]
fn resuming() {
    let mut bench = Bench::new("resuming", "Checkpoints to go on from");
    let stopped = [&["train", "--out=run", "--time-limit=0s"][..], &SMALL].concat();
    assert_eq!(llp(bench.folder.path(), &stopped).status.code(), Some(75));
    let checkpoint = bench.path("run/checkpoints/e0000");
    let (state, optimizer) = (checkpoint.join("state.json"), checkpoint.join("optimizer.safetensors"));
    let (json, bytes) = (fs_err::read_to_string(&state).unwrap(), fs_err::read(&optimizer).unwrap());
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let mut resume = |input: &str, optimizer_bytes: &[u8], state_text: &str| {
        fs_err::write(&optimizer, optimizer_bytes).unwrap();
        fs_err::write(&state, state_text.replace(&hash(&bytes), &hash(optimizer_bytes))).unwrap();
        bench.messages.ended(input, &llp(bench.folder.path(), &["resume", "run"]));
    };
    let forged = json.replace("\"total_steps\": 0", "\"total_steps\": 7");
    resume("steps that do not add up", &bytes, &forged);
    resume(
        "steps beyond all numbers",
        &bytes,
        &json.replace("\"epoch\": 0", "\"epoch\": 18446744073709551615"),
    );
    resume("momentum of another network", &tensors("{}", &[]), &json);
    let entry = "{\"conv1.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    resume("momentum of another shape", &tensors(entry, &[0; 8]), &json);

    // Damage, unlike forgery, is passed over: here, to the beginning.
    fs_err::write(&optimizer, &bytes[..100]).unwrap();
    fs_err::write(&state, &json).unwrap();
    let end = llp(bench.folder.path(), &["resume", "run", "--progress=lines"]);
    assert_eq!(end.status.code(), Some(0), "{}", String::from_utf8_lossy(&end.stderr));
    let said = String::from_utf8(end.stderr).unwrap();
    let warning = said.lines().find_map(|line| line.strip_prefix("warning: ")).unwrap();
    bench.messages.warned("a damaged checkpoint", warning);
    bench.messages.compare();
}
