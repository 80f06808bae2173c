//! Unit tests of layers, messages and identity, through the public interface.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as expected")]
#![expect(clippy::float_cmp, reason = "values that are only copied must be equal bit for bit")]

#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use llp_sweep::claim::{BEAT, Host, Owner};
use llp_sweep::config::{
    Approach, Layers, LossName, MethodName, OptimizerName, Precision, RunConfig, Solver, preset,
};
use llp_sweep::executor::slurm::array_size_max;
use llp_sweep::filter::Filter;
use llp_sweep::grid::Prune;
use llp_sweep::grid::Sweep;
use llp_sweep::run_dir::RunDir;
use llp_sweep::status::keys;
use messages::Messages;

fn message<T: std::fmt::Debug>(result: Result<T, llp_sweep::SweepError>) -> String {
    result.expect_err("must be refused").to_string()
}

fn digits() -> RunConfig {
    Layers::new().resolve("digits").unwrap()
}

/// Each layer wins over those before it: preset, files left to right, environment, `--set`, named argument.
#[test]
fn later_layers_win() {
    let mut layers = Layers::new();
    let lr = |layers: &Layers| layers.resolve("digits").unwrap().optim.lr;
    let preset_lr = lr(&layers);
    layers.toml("a.toml", "[optim]\nlr = 0.5\nepochs = 7").unwrap();
    assert_ne!(preset_lr, 0.5);
    assert_eq!(lr(&layers), 0.5);
    layers.toml("b.toml", "optim.lr = 2").unwrap();
    assert_eq!(lr(&layers), 2.0);
    layers.environment([("LLP_OPTIM__LR".to_owned(), "0.25".to_owned())]).unwrap();
    assert_eq!(lr(&layers), 0.25);
    layers.assignment("--set", "optim.lr=0.2").unwrap();
    assert_eq!(lr(&layers), 0.2);
    layers.argument("--lr", "optim.lr", "1e-3").unwrap();
    assert_eq!(lr(&layers), 0.001);
    assert_eq!(layers.resolve("digits").unwrap().optim.epochs, 7);
}

/// Variables that name no key and have no `__` belong to the program or to others.
#[test]
fn other_variables_are_left_alone() {
    let variables = [("HOME", "/"), ("LLP_PROGRESS", "none"), ("LLP_SEED", "4")];
    let mut layers = Layers::new();
    layers.environment(variables.map(|(name, text)| (name.to_owned(), text.to_owned()))).unwrap();
    assert_eq!(layers.resolve("digits").unwrap().seed, 4);
}

/// The last layer that names a preset decides the base values, also under the layers before it.
#[test]
fn a_layer_may_name_the_preset() {
    let mut layers = Layers::new();
    layers.assignment("--set", "optim.lr=0.7").unwrap().assignment("--set", "preset=paper").unwrap();
    let config = layers.resolve("digits").unwrap();
    assert_eq!((config.preset.as_str(), config.optim.epochs, config.optim.lr), ("paper", 400, 0.7));
}

/// Errors say where, what, and what was probably meant.
#[test]
fn messages_are_exact() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "configuration", "Configurations");
    let mut toml = |input: &str, text: &str| messages.refused(input, Layers::new().toml("train.toml", text));
    toml("an unknown key, almost right", "seed = 1\n[optim]\nlrr = 0.1");
    toml("an unknown key", "temperature = 1");
    toml("a value of another type", "\n\n[optim]\nepochs = \"many\"");
    toml("a number out of range", "optim.lr = -1");
    toml("a number that is none", "optim.lr = nan");
    toml("an integer of more than 64 bits", "seed = 99999999999999999999");
    toml("a width beyond all memory", "network.width = 1000000000");
    toml("an unknown loss", "loss.name = \"klk\"");
    toml("an added loss without its weight", "loss.add = \"gaussian\"");
    toml("an unknown way to consistency", "consistency.name = \"fixmatch\"");
    toml("an unknown optimizer", "optim.name = \"adam\"");
    toml("an unknown precision", "optim.precision = \"bfloat\"");
    toml("a noise without its size", "bags.noise = \"gaussian\"");
    toml("an entropy weight that nothing can be solved with", "loss.epsilon = 1e-9");
    toml("another schema", "schema = 2");
    toml("a name that is a path", "data.name = \"../x\"");
    toml("a key without a value", "seed = 1\nbags.seed =\n");
    toml("a key twice", "seed = 1\nseed = 2\n");
    let mut assign = |input: &str, text: &str| {
        messages.refused(input, Layers::new().assignment("--set", text));
    };
    assign("an unknown key of --set", "bags.szie=4");
    assign("--set without a value", "bags.size");
    let variable = ("LLP_BAGS__SIZE".to_owned(), "0".to_owned());
    messages.refused("a variable out of range", Layers::new().environment([variable]));
    messages.refused("an unknown preset", Layers::new().resolve("digit"));
    let mut sinkhorn = Layers::new();
    sinkhorn
        .assignment("--set", "loss.name=rot")
        .unwrap()
        .assignment("--set", "loss.solver=sinkhorn")
        .unwrap();
    messages.refused("a loss without what it needs", sinkhorn.resolve("digits"));
    let mut bags = Layers::new();
    bags.assignment("--set", "bags.manifest=bags.json").unwrap();
    messages.refused("a manifest without its hash", bags.resolve("digits"));
    for (input, settings) in [
        ("folds without a fold", &["data.folds=5"][..]),
        ("a fold without folds", &["data.fold=0"]),
        ("a fold beyond the last", &["data.folds=5", "data.fold=5"]),
    ] {
        let mut folds = Layers::new();
        for setting in settings {
            folds.assignment("--set", setting).unwrap();
        }
        messages.refused(input, folds.resolve("digits"));
    }
    for (input, settings) in [
        ("a method and a loss", &["method.name=em", "loss.name=rot"][..]),
        ("a method and a learning rate", &["optim.lr=3", "method.name=mean-map"]),
        ("a setting of another method", &["method.name=em", "method.gamma=1"]),
        ("a penalty without a method", &["method.l2=1"]),
    ] {
        let mut layers = Layers::new();
        for setting in settings {
            layers.assignment("--set", setting).unwrap();
        }
        messages.refused(input, layers.resolve("table"));
    }
    messages.refused("a configuration cut short", RunConfig::from_toml("config.toml", "seed = 1"));
    messages.compare();
}

/// A configuration survives being written and read, for every preset.
#[test]
fn toml_round_trips() {
    for name in preset::names() {
        let config = Layers::new().resolve(name).unwrap();
        assert_eq!(RunConfig::from_toml("config.toml", &config.to_toml()).unwrap(), config);
        assert_eq!(config.preset, name);
    }
}

/// Keys that do not apply do not distinguish runs; the others do.
#[test]
fn canonical_drops_what_does_not_apply() {
    let with = |settings: &[&str]| {
        let mut layers = Layers::new();
        for setting in settings {
            layers.assignment("--set", setting).unwrap();
        }
        layers.resolve("paper").unwrap()
    };
    assert_eq!(with(&["loss.alpha=0.1"]), with(&["loss.alpha=0.9"]));
    assert_eq!(with(&["loss.solver=newton", "loss.sweeps=3"]), with(&["loss.epsilon=2"]));
    assert_ne!(with(&["loss.name=rot", "loss.alpha=0.1"]), with(&["loss.name=rot", "loss.alpha=0.9"]));
    let newton = with(&["loss.name=rot", "loss.solver=newton", "loss.sweeps=3"]);
    assert_eq!(
        (newton.loss.name, newton.loss.solver, newton.loss.sweeps),
        (LossName::Rot, Some(Solver::Newton), None)
    );
}

/// A method leaves nothing of what presets say of networks, so its runs are the same under every preset of the data; none
/// is the same as no such key; its configuration survives writing, reading, and its own command.
#[test]
fn methods_take_the_place_of_networks() {
    let with = |preset: &str, settings: &[&str]| {
        let mut layers = Layers::new();
        for setting in [&["data.name=x", "bags.size=8", "data.held_out=0.2"], settings].concat() {
            layers.assignment("--set", setting).unwrap();
        }
        layers.resolve(preset).unwrap()
    };
    assert_eq!(with("table", &["method.name=none"]), with("table", &[]));
    let lmm = with("table", &["method.name=lmm", "method.gamma=0.5"]);
    assert_eq!(lmm.hash8(), with("digits-mlp", &["method.name=lmm", "method.gamma=0.5"]).hash8());
    assert_eq!(lmm.approach(), Approach::Method(MethodName::Lmm));
    assert!(lmm.run_name().starts_with("x-lmm-b0008-s0-"), "{}", lmm.run_name());
    assert_ne!(lmm.hash8(), with("table", &["method.name=lmm"]).hash8());
    assert_eq!(RunConfig::from_toml("config.toml", &lmm.to_toml()).unwrap(), lmm);
    // A file of a method may be given back, with its fixed settings of the one step.
    let mut again = Layers::new();
    again.toml("config.toml", &lmm.to_toml()).unwrap();
    assert_eq!(again.resolve("digits").unwrap(), lmm);
    assert_eq!(
        lmm.train_command("run"),
        "llp train --preset table --seed 0 --set data.name=x --set data.held_out=0.2 --bag-size 8 --method lmm \
         --set method.gamma=0.5 --out run"
    );
}

/// Bags in a file have their own way of being drawn: keys of drawing do not apply, and the hash distinguishes runs.
#[test]
fn a_manifest_replaces_how_bags_are_drawn() {
    let with = |settings: &[&str]| {
        let mut layers = Layers::new();
        for setting in settings {
            layers.assignment("--set", setting).unwrap();
        }
        layers.resolve("digits").unwrap()
    };
    let (path, hash) = ("bags.manifest=a.json", "bags.hash=0123456789abcdef");
    let bags = with(&[path, hash]);
    assert_eq!(with(&[path, hash, "data.held_out=0.5", "data.train_limit=9", "bags.seed=3"]), bags);
    assert_eq!(with(&["bags.manifest=elsewhere.json", hash]).hash8(), bags.hash8());
    assert_ne!(with(&[path, "bags.hash=1123456789abcdef"]).hash8(), bags.hash8());
    assert_ne!(digits().hash8(), bags.hash8());
}

/// The preset `digits` with some settings.
fn with(settings: &[&str]) -> Result<RunConfig, llp_sweep::SweepError> {
    let mut layers = Layers::new();
    for setting in settings {
        layers.assignment("--set", setting).unwrap();
    }
    layers.resolve("digits")
}

/// The path of weights to start from is a hint; their content, and what of them is frozen, distinguishes runs. To
/// freeze nothing is no key at all, so runs of before keep their names.
#[test]
fn weights_to_start_from_are_part_of_a_run() {
    let (file, hash) = ("network.init=a.safetensors", "network.init_hash=0123456789abcdef");
    let started = with(&[file, hash]).unwrap();
    assert_eq!(with(&["network.init=OWNER/NAME", hash]).unwrap().hash8(), started.hash8());
    assert_eq!(with(&[file, hash, "network.freeze=none"]).unwrap(), started);
    for other in ["network.freeze=stem", "network.init_hash=1123456789abcdef"] {
        assert_ne!(with(&[file, hash, other]).unwrap().hash8(), started.hash8());
    }
    assert_eq!(with(&["network.freeze=none"]).unwrap().hash8(), digits().hash8());
    let command = started.train_command("run");
    assert!(command.contains("--init a.safetensors") && !command.contains("width"), "{command}");
    assert!(message(with(&["network.freeze=layer2"])).contains("needs `network.init`"));
    assert!(message(with(&[file])).contains("needs `network.init_hash`"));
}

/// Folds come with a fold of theirs, take the place of a held-out fraction, and distinguish runs; the criterion that is
/// the default changes no name.
#[test]
fn folds_replace_the_held_out_fraction() {
    let folds = with(&["data.folds=5", "data.fold=4"]).unwrap();
    assert_eq!(with(&["data.folds=5", "data.fold=4", "data.held_out=0.5"]).unwrap(), folds);
    assert_ne!(with(&["data.folds=5", "data.fold=3"]).unwrap().hash8(), folds.hash8());
    assert_ne!(digits().hash8(), folds.hash8());
    assert_eq!(with(&["checkpoint.chosen_by=kl"]).unwrap(), digits());
    assert_ne!(with(&["checkpoint.chosen_by=count-l1"]).unwrap().hash8(), digits().hash8());
}

/// The numbers that a network computes with change its result, so they distinguish runs; single precision is no key at
/// all, so runs of before keep their names.
#[test]
fn precision_is_part_of_a_run() {
    assert_eq!(with(&["optim.precision=float32"]).unwrap(), digits());
    assert_eq!(digits().optim.precision(), Precision::Float32);
    let (tf32, bfloat16) =
        (with(&["optim.precision=tf32"]).unwrap(), with(&["optim.precision=bfloat16"]).unwrap());
    assert_eq!(
        (tf32.optim.precision(), bfloat16.optim.precision),
        (Precision::Tf32, Some(Precision::Bfloat16))
    );
    assert!(tf32.hash8() != digits().hash8() && tf32.hash8() != bfloat16.hash8());
    assert!(bfloat16.train_command("run").contains("--precision bfloat16"));
}

/// So does the optimizer: SGD is no key at all.
#[test]
fn the_optimizer_is_part_of_a_run() {
    assert_eq!(with(&["optim.name=sgd"]).unwrap(), digits());
    assert_eq!(digits().optim.name(), OptimizerName::Sgd);
    let adamw = with(&["optim.name=adamw"]).unwrap();
    assert_eq!(adamw.optim.name(), OptimizerName::AdamW);
    assert_ne!(adamw.hash8(), digits().hash8());
    assert!(adamw.train_command("run").contains("--set optim.name=adamw"));
}

/// The hash depends on every hashed key and on no other.
#[test]
fn hash_covers_exactly_the_hashed_keys() {
    let base = digits();
    let changed = |change: fn(&mut RunConfig)| {
        let mut config = base.clone();
        change(&mut config);
        (config.hash8() != base.hash8(), config.diff(&base).len())
    };
    assert_eq!(changed(|config| config.data.path = Some("elsewhere".to_owned())), (false, 0));
    assert_eq!(changed(|config| config.checkpoint.every_epochs += 1), (false, 0));
    assert_eq!(changed(|config| config.preset = "paper".to_owned()), (false, 0));
    assert_eq!(changed(|config| config.seed += 1), (true, 1));
    assert_eq!(changed(|config| config.optim.lr *= 2.0), (true, 1));
    assert_eq!(changed(|config| config.data.train_limit = Some(10)), (true, 1));
    assert_eq!(changed(|config| config.augment.mirror ^= true), (true, 1));
}

/// Values that only a program can produce are found by `check`, without a panic on the way.
#[test]
fn check_finds_what_a_program_got_wrong() {
    let mut config = digits();
    config.optim.lr = f64::NAN;
    assert_eq!(message(config.check()), "configuration: `optim.lr` must be a finite number above 0, got nan");
    let mut config = digits();
    config.seed = u64::MAX;
    assert!(
        message(config.check()).starts_with("configuration: `seed` must be an integer of at least 0, got ")
    );
    assert_eq!(config.hash8().len(), 8);
}

/// The paper's grid has 2 x 11 x 6 x (1 + 1 + 5) runs, all different.
#[test]
fn paper_preset_is_924_runs() {
    let runs = Sweep::preset("paper").unwrap().expand().unwrap();
    assert_eq!(runs.len(), 924);
    let names: std::collections::HashSet<_> = runs.iter().map(RunConfig::run_name).collect();
    assert_eq!(names.len(), 924);
    assert!(runs.iter().all(|run| run.optim.epochs == 400 && run.optim.weight_decay == 0.005));
}

/// A sweep file's mistakes are reported like a configuration's, and a stored sweep expands to the same runs.
#[test]
fn sweep_files() {
    let sweep = |text: &str| Sweep::parse("sweep.toml", text);
    let head = "schema = 1\nname = \"x\"\nbase.preset = \"digits\"\n";
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "sweep-files", "Sweep files");
    let mut refuse = |input: &str, rest: &str| {
        messages.refused(input, sweep(&format!("{head}{rest}")).and_then(|sweep| sweep.expand()));
    };
    refuse("a value out of range in a grid", "[grid]\nbags.size = [1, 0]");
    refuse("a grid over a single value", "grid.bags.size = 4");
    refuse("an unknown table", "[gird]\nbags.size = [4]");
    refuse("a grid without cells", "grid.bags.size = []");
    refuse("a grid over a key that does not distinguish runs", "grid.bags.manifest = [\"a.json\"]");
    let seeds = (0..1000).map(|seed| seed.to_string()).collect::<Vec<_>>().join(",");
    refuse("a grid without end", &format!("[grid]\nseed = [{seeds}]\nbags.seed = [{seeds}]"));
    refuse("rungs that do not ascend", "[prune]\nrungs = [4, 2]\neta = 2");
    refuse("pruning that keeps all", "[prune]\nrungs = [2]\neta = 1");
    refuse("half of a pruning", "[prune]\nrungs = [2]");
    refuse("a criterion that there is not", "[select]\ncriterion = \"count-likelyhood\"");
    messages.refused("a sweep without a name", sweep("schema = 1"));
    messages.compare();

    let text = format!(
        "{head}exclude = [{{ \"loss.name\" = [\"avg-kl\"], \"bags.size\" = [1] }}]\n[grid]\nbags.size = [1, 4]\n\
         \"loss.name\" = [\"kl\", \"avg-kl\"]\nloss.alpha = [0.1, 1]\n[prune]\nrungs = [2, 8]\neta = 3"
    );
    let mut sweep = sweep(&text).unwrap();
    let runs = sweep.expand().unwrap();
    let shape: Vec<_> = runs.iter().map(|run| (run.bags.size, run.loss.name)).collect();
    assert_eq!(shape, [(1, LossName::Kl), (4, LossName::Kl), (4, LossName::AvgKl)]);
    let stored = Sweep::parse("stored", &sweep.to_toml().unwrap()).unwrap();
    assert_eq!(stored.expand().unwrap(), runs);
    assert_eq!(stored.prune(), Some(Prune { rungs: vec![2, 8], eta: 3 }));

    let mut settings = Layers::new();
    settings.assignment("--set", "bags.size=4").unwrap().assignment("--set", "optim.epochs=2").unwrap();
    sweep.apply(&settings);
    let runs = sweep.expand().unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run.bags.size == 4 && run.optim.epochs == 2));
}

/// What a filter of cells and a claim that is held or lost have to say.
#[test]
fn messages_of_filters_and_claims() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "cells", "Cells of a sweep");
    let mut filter = |input: &str, text: &str| messages.refused(input, Filter::parse("--filter", text));
    filter("a filter without a value", "loss");
    filter("a filter that is empty", "");
    filter("a misspelled short name", "bagsize=4");
    filter("a misspelled key", "optim.lrr=0.1");
    filter("a value that no cell can have", "loss=kl|rott");
    filter("a value of another type", "bag_size=large");
    messages.refused("a misspelled key for a table", keys("--by", "loss,bag.size"));

    let folder = tempfile::tempdir().unwrap();
    messages.named(folder.path().display(), "DIR");
    let run = RunDir::open_or_create(folder.path(), &Layers::new().resolve("digits").unwrap()).unwrap();
    let here = Host { name: "node-1".to_owned(), boot_id: String::new() };
    let pid = std::process::id();
    messages.named(format!("process {pid}"), "process 4711");
    let claim = run.claim(&Owner { host: here.clone(), pid }, BEAT).unwrap();
    messages.refused("a run that is being worked on", run.claim(&Owner { host: here, pid }, BEAT));
    fs_err::remove_file(folder.path().join("claim-1.json")).unwrap();
    messages.refused("a run that was taken over by another process", claim.check());
    messages.refused("a cluster without Slurm", array_size_max("./no-scontrol"));
    messages.compare();
}
