//! Unit tests of layers, messages and identity, through the public interface.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as expected")]
#![expect(clippy::float_cmp, reason = "values that are only copied must be equal bit for bit")]

use llp_sweep::config::{Layers, LossName, RunConfig, Solver, preset};
use llp_sweep::grid::Sweep;

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

/// The last layer that names a preset decides what lies underneath, also under the layers before it.
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
    let toml = |text: &str| message(Layers::new().toml("train.toml", text));
    assert_eq!(
        toml("seed = 1\n[optim]\nlrr = 0.1"),
        "train.toml:3: unknown key `optim.lrr`; did you mean `optim.lr`?"
    );
    assert_eq!(toml("temperature = 1"), "train.toml:1: unknown key `temperature`");
    assert_eq!(
        toml("\n\n[optim]\nepochs = \"many\""),
        "train.toml:4: `optim.epochs` must be an integer of at least 1, got \"many\""
    );
    assert_eq!(toml("optim.lr = -1"), "train.toml:1: `optim.lr` must be a finite number above 0, got -1");
    assert_eq!(toml("optim.lr = nan"), "train.toml:1: `optim.lr` must be a finite number above 0, got nan");
    assert_eq!(
        toml("loss.name = \"klk\""),
        "train.toml:1: `loss.name` must be one of kl, rot, avg-kl, l1, l2, got \"klk\"; did you mean `kl`?"
    );
    assert_eq!(toml("schema = 2"), "train.toml:1: schema 2 is not supported, this program reads schema 1");
    assert_eq!(
        toml("data.name = \"../x\""),
        "train.toml:1: `data.name` must be a name of letters, digits, `-`, `_` and `.`, got \"../x\""
    );
    assert!(toml("seed = 1\nseed =\n").starts_with("train.toml:2: "));
    assert_eq!(
        message(Layers::new().assignment("--set", "bags.szie=4")),
        "--set: unknown key `bags.szie`; did you mean `bags.size`?"
    );
    assert_eq!(
        message(Layers::new().assignment("--set", "bags.size")),
        "--set: expected KEY=VALUE, as in `optim.lr=0.1`, got `bags.size`"
    );
    assert_eq!(
        message(Layers::new().environment([("LLP_BAGS__SIZE".to_owned(), "0".to_owned())])),
        "LLP_BAGS__SIZE: `bags.size` must be an integer of at least 1, got 0"
    );
    assert_eq!(
        message(Layers::new().resolve("digit")),
        "unknown preset `digit`: the presets are digits, cifar10-cpu, paper; did you mean `digits`?"
    );
    assert_eq!(
        message(
            Layers::new()
                .argument("--loss", "loss.solver", "sinkhorn")
                .unwrap()
                .argument("--loss", "loss.name", "rot")
                .unwrap()
                .resolve("digits")
        ),
        "the loss `rot` needs `loss.sweeps`: give it in a configuration file or with --set loss.sweeps=VALUE"
    );
    assert_eq!(
        message(RunConfig::from_toml("config.toml", "seed = 1")),
        "a configuration needs `schema`: give it in a configuration file or with --set schema=VALUE"
    );
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

/// Keys that do not apply do not tell runs apart; keys that do, do.
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
    assert_eq!(
        message(sweep(&format!("{head}[grid]\nbags.size = [1, 0]"))),
        "sweep.toml:5: `bags.size` must be an integer of at least 1, got 0"
    );
    assert_eq!(
        message(sweep(&format!("{head}grid.bags.size = 4"))),
        "sweep.toml:4: `bags.size` must be a list of values, got 4"
    );
    assert_eq!(
        message(sweep(&format!("{head}[gird]\nbags.size = [4]"))),
        "sweep.toml:5: unknown key `gird.bags.size`; did you mean `grid`?"
    );
    assert_eq!(
        message(sweep(&format!("{head}grid.bags.size = []")).unwrap().expand()),
        "sweep.toml:1: the grid has no cell: every combination is excluded or a list is empty"
    );
    let text = format!(
        "{head}exclude = [{{ \"loss.name\" = [\"avg-kl\"], \"bags.size\" = [1] }}]\n[grid]\nbags.size = [1, 4]\n\
         \"loss.name\" = [\"kl\", \"avg-kl\"]\nloss.alpha = [0.1, 1]"
    );
    let mut sweep = sweep(&text).unwrap();
    let runs = sweep.expand().unwrap();
    let shape: Vec<_> = runs.iter().map(|run| (run.bags.size, run.loss.name)).collect();
    assert_eq!(shape, [(1, LossName::Kl), (4, LossName::Kl), (4, LossName::AvgKl)]);
    assert_eq!(Sweep::parse("stored", &sweep.to_toml().unwrap()).unwrap().expand().unwrap(), runs);

    let mut settings = Layers::new();
    settings.assignment("--set", "bags.size=4").unwrap().assignment("--set", "optim.epochs=2").unwrap();
    sweep.apply(&settings);
    let runs = sweep.expand().unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run.bags.size == 4 && run.optim.epochs == 2));
}
