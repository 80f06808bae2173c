//! Theorems about weights to start from.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-train/tests/common/mod.rs"]
mod common;
#[path = "../../llp-data/tests/hub_server/mod.rs"]
mod hub_server;
#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candle_core::{DType, Device, Tensor, safetensors};
use common::{NamedBits, weights};
use hub_server::{File, Server};
use llp_bags::InstanceShape;
use llp_sweep::config::Stem;
use llp_sweep::run_dir::RunDir;
use llp_train::build_network;
use messages::Messages;
use tempfile::{TempDir, tempdir};

/// The classes that the file was trained on, which are not those of the digits.
const N_CLASSES: usize = 7;

/// The tensors of a ResNet-18 of width 2 for gray images, by torchvision's names.
fn tensors(stem: &str) -> HashMap<String, Tensor> {
    let mut layers = llp_sweep::config::Layers::new();
    for setting in ["network.name=resnet18", "network.width=2", &format!("network.stem={stem}")] {
        layers.assignment("--set", setting).unwrap();
    }
    let config = layers.resolve("digits").unwrap();
    let network =
        build_network(&config.network, InstanceShape::Image([8, 8, 1]), N_CLASSES, 77, &Device::Cpu).unwrap();
    network.state_dict().to_tensors(5).unwrap()
}

/// A folder with such a file, `start.safetensors`.
fn folder(tensors: &HashMap<String, Tensor>) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let file = folder.path().join("start.safetensors");
    safetensors::save(tensors, &file).unwrap();
    (folder, file)
}

fn llp(folder: &Path, arguments: &[&str]) -> Output {
    let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
    llp.current_dir(folder).env("HF_HOME", folder).env("HF_HUB_OFFLINE", "1").env_remove("HF_HUB_CACHE");
    llp.args(arguments).output().unwrap()
}

fn train(folder: &Path, run: &str, settings: &[&str]) -> Output {
    let small = ["--bag-size=8", "--epochs=1", "--set=network.name=resnet18", "--set=data.train_limit=64"];
    llp(folder, &[&["train", "--init=start.safetensors", "--out", run][..], &small, settings].concat())
}

fn succeed(end: &Output) {
    assert_eq!(end.status.code(), Some(0), "{}", String::from_utf8_lossy(&end.stderr));
}

/// Stopped before its first step.
fn begin(folder: &Path, run: &str, settings: &[&str]) {
    let end = train(folder, run, &[&["--time-limit=0s"][..], settings].concat());
    assert_eq!(end.status.code(), Some(75), "{}", String::from_utf8_lossy(&end.stderr));
}

/// Everything but the last layer.
fn body(weights: &[NamedBits]) -> Vec<&NamedBits> {
    weights.iter().filter(|(name, _)| !name.starts_with("fc.") && !name.ends_with("tracked")).collect()
}

fn bits(tensors: &HashMap<String, Tensor>) -> Vec<NamedBits> {
    let values = |tensor: &Tensor| -> Vec<f32> {
        tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
    };
    let bits = |tensor| values(tensor).into_iter().map(f32::to_bits).collect();
    let mut all: Vec<NamedBits> = tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect();
    all.sort();
    all
}

/// With either stem, a training starts at the file's tensors, bit for bit, with a last layer of its own: that of the
/// same seed without a file. Stem and width are the file's.
#[test]
fn training_starts_at_the_file() {
    for stem in ["cifar", "imagenet"] {
        let tensors = tensors(stem);
        let (folder, _) = folder(&tensors);
        begin(folder.path(), "run", &[]);
        let started = weights(&folder.path().join("run"));
        assert_eq!(body(&started), body(&bits(&tensors)));
        let (_, config) = RunDir::open(folder.path().join("run")).unwrap();
        assert_eq!((config.network.stem.map(Stem::as_str), config.network.width), (Some(stem), Some(2)));

        let fresh = [
            "train",
            "--set=network.name=resnet18",
            "--out=fresh",
            "--width=2",
            "--bag-size=8",
            "--time-limit=0s",
        ];
        llp(folder.path(), &[&fresh[..], &[&format!("--set=network.stem={stem}")]].concat());
        let head = |weights: Vec<NamedBits>| -> Vec<NamedBits> {
            weights.into_iter().filter(|(name, _)| name.starts_with("fc.")).collect()
        };
        assert_eq!(head(started), head(weights(&folder.path().join("fresh"))));
    }
}

/// A file for images of other channels starts what timm's `adapt_input_conv` makes of it, written here without tensors:
/// for gray images the first layer's kernels are summed. It is said.
#[test]
fn a_network_for_color_starts_one_for_gray() {
    let mut tensors = tensors("cifar");
    let values: Vec<f32> = (0..2 * 3 * 9).map(|at| at as f32 * 0.25 - 3.0).collect();
    tensors.insert(
        "conv1.weight".to_owned(),
        Tensor::from_vec(values.clone(), (2, 3, 3, 3), &Device::Cpu).unwrap(),
    );
    let (folder, _) = folder(&tensors);
    let end = train(folder.path(), "run", &["--time-limit=0s"]);
    let said = String::from_utf8_lossy(&end.stderr).into_owned();
    assert!(
        said.contains("first layer is for 3 channels, the images have 1: its kernels are summed"),
        "{said}"
    );
    let started = weights(&folder.path().join("run"));
    let (_, first) = started.iter().find(|(name, _)| name == "conv1.weight").unwrap();
    let value = |out: usize, channel: usize, at: usize| values[(out * 3 + channel) * 9 + at];
    let sum = |place: usize| (0..3).map(|channel| value(place / 9, channel, place % 9)).sum::<f32>();
    let expected: Vec<u32> = (0..2 * 9).map(|place| sum(place).to_bits()).collect();
    assert_eq!(first, &expected); // multiples of a quarter: sums are exact
}

/// A file whose names all have a prefix, beside tensors of something else, starts what the file without it does.
#[test]
fn prefixes_are_left_out() {
    let tensors = tensors("cifar");
    let plain = folder(&tensors).0;
    begin(plain.path(), "run", &[]);
    let expected = weights(&plain.path().join("run"));
    for prefix in ["module.", "_orig_mod.", "model.backbone.", "encoder_q."] {
        let mut prefixed: HashMap<String, Tensor> =
            tensors.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect();
        prefixed.insert("projector.0.weight".to_owned(), tensors["fc.weight"].clone());
        let folder = folder(&prefixed).0;
        begin(folder.path(), "run", &[]);
        assert_eq!(weights(&folder.path().join("run")), expected, "{prefix}");
    }
}

/// What is frozen is the file's after training, bit for bit, statistics included; nothing else is.
#[test]
fn what_is_frozen_is_never_trained() {
    let tensors = tensors("cifar");
    let (folder, _) = folder(&tensors);
    succeed(&train(folder.path(), "run", &["--set=network.freeze=layer2"]));
    let (trained, before) = (weights(&folder.path().join("run")), bits(&tensors));
    let (trained, before) = (body(&trained), body(&before));
    for (now, then) in trained.iter().zip(&before) {
        let is_frozen = ["conv1", "bn1", "layer1.", "layer2."].iter().any(|start| now.0.starts_with(start));
        assert_eq!(now == then, is_frozen, "{}", now.0);
    }
    assert_eq!(trained.len(), before.len());
}

/// A run that has begun goes on without the file, and ends with the weights of one that was not stopped.
#[test]
fn a_run_that_has_begun_needs_no_file() {
    let (folder, file) = folder(&tensors("cifar"));
    succeed(&train(folder.path(), "whole", &[]));
    begin(folder.path(), "stopped", &[]);
    fs_err::remove_file(file).unwrap();
    succeed(&llp(folder.path(), &["resume", "stopped"]));
    assert_eq!(weights(&folder.path().join("whole")), weights(&folder.path().join("stopped")));
}

/// A network of the hub is fetched once, and is the same start as its file.
#[test]
fn networks_of_the_hub_are_fetched() {
    let (folder, file) = folder(&tensors("cifar"));
    let bytes = fs_err::read(file).unwrap();
    let server =
        Server::start(vec![File { name: "model.safetensors", bytes, etag: "etag-of-weights".to_owned() }]);
    let from_hub = |run: &str, offline: &str| {
        let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
        llp.current_dir(folder.path()).env("HF_HOME", folder.path()).env("HF_ENDPOINT", &server.endpoint);
        for name in ["HF_HUB_CACHE", "HF_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            llp.env_remove(name);
        }
        let small = [
            "--set=network.name=resnet18",
            "--bag-size=8",
            "--epochs=1",
            "--set=data.train_limit=64",
            "--out",
            run,
        ];
        llp.env("HF_HUB_OFFLINE", offline).args(["train", "--init=someone/resnet18.small"]).args(small);
        llp.output().unwrap()
    };
    succeed(&from_hub("first", "0"));
    assert!(server.requests().iter().any(|path| path.starts_with("/someone/resnet18.small/resolve/")));
    succeed(&from_hub("second", "1"));
    assert_eq!(server.requests(), Vec::<String>::new());
    succeed(&train(folder.path(), "file", &[]));
    let first = weights(&folder.path().join("first"));
    assert_eq!(first, weights(&folder.path().join("second")));
    assert_eq!(first, weights(&folder.path().join("file")));
    let name = |run: &str| RunDir::open(folder.path().join(run)).unwrap().1.run_name();
    assert_eq!(name("first"), name("file"));
}

/// Files that nothing can be started from: nothing is trained, and the message says what to give in their place.
#[test]
fn bad_files() {
    let good = tensors("cifar");
    let (folder, file) = folder(&good);
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "init", "Weights to start from");
    messages.named(folder.path().display(), "DIR");
    let mut refuse = |input: &str, settings: &[&str]| {
        messages.ended(input, &train(folder.path(), "run", settings));
        assert!(!folder.path().join("run/result.json").exists(), "{input}");
    };
    let mut changed = |input: &str, change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut tensors = good.clone();
        change(&mut tensors);
        safetensors::save(&tensors, &file).unwrap();
        refuse(input, &[]);
    };
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    changed("a file without a tensor", &|tensors| drop(tensors.remove("layer3.1.bn2.weight")));
    changed("a file without the first layer", &|tensors| drop(tensors.remove("conv1.weight")));
    changed("a file of a deeper network", &|tensors| {
        tensors.insert("layer1.2.conv1.weight".to_owned(), zeros(&[2, 2, 3, 3]));
    });
    changed("a tensor of another shape", &|tensors| {
        tensors.insert("layer2.0.conv1.weight".to_owned(), zeros(&[4, 2, 1, 1]));
    });
    changed("a first layer of another kind", &|tensors| {
        tensors.insert("conv1.weight".to_owned(), zeros(&[2, 1, 5, 5]));
    });
    changed("names of another library", &|tensors| {
        *tensors =
            tensors.drain().map(|(name, tensor)| (name.replace("conv", "convolution"), tensor)).collect();
    });
    changed("two networks in one file", &|tensors| {
        let both = ["encoder_q.", "encoder_k."];
        *tensors = tensors
            .drain()
            .flat_map(|(name, tensor)| both.map(|prefix| (format!("{prefix}{name}"), tensor.clone())))
            .collect();
    });
    for (input, value) in [("weights that are NaN", f32::NAN), ("infinite weights", f32::NEG_INFINITY)] {
        changed(input, &|tensors| {
            let values = Tensor::from_vec(vec![1.0, value], 2, &Device::Cpu).unwrap();
            tensors.insert("layer2.0.bn1.running_var".to_owned(), values);
        });
    }
    changed("numbers that are no weights", &|tensors| {
        let bytes = zeros(&[2]).to_dtype(DType::U8).unwrap();
        tensors.insert("bn1.weight".to_owned(), bytes);
    });
    let mut bytes = |input: &str, bytes: &[u8]| {
        fs_err::write(&file, bytes).unwrap();
        refuse(input, &[]);
    };
    bytes("a file of torch.save", b"PK\x03\x04\x00\x00resnet18/data.pkl");
    bytes("an old file of torch.save", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.");
    bytes("a file of text", b"weights");
    bytes("an empty file", b"");
    fs_err::remove_file(&file).unwrap();
    refuse("a file that is not there", &[]);
    safetensors::save(&good, &file).unwrap();
    refuse("a file of another hash than was asked for", &["--set=network.init_hash=0123456789abcdef"]);
    refuse("an unknown part to freeze", &["--set=network.freeze=layer5"]);
    refuse("a width beside the file", &["--width=4"]);

    let mut end = |input: &str, arguments: &[&str]| messages.ended(input, &llp(folder.path(), arguments));
    end("a network of the hub, offline", &["train", "--out=run", "--init=timm/resnet18.a1_in1k"]);
    end("a name that is none", &["train", "--out=run", "--init=resnet18"]);
    end("frozen layers without a start", &["train", "--out=run", "--set=network.freeze=stem"]);
    messages.compare();
}
