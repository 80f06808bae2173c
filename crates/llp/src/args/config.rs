//! Arguments that make up a configuration.

use std::path::{Path, PathBuf};

use clap::Args;
use llp_bags::BagManifest;
use llp_bags::own::{self, Outline};
use llp_data::Labels;
use llp_sweep::config::{Layers, RunConfig};
use llp_sweep::grid::Sweep;
use llp_train::Pretrained;

use crate::Global;
use crate::data::hub;
use crate::failure::{Failure, usage};

/// Data sets that are known by name; anything else is a path.
const KNOWN_DATA: [&str; 3] = ["digits", "cifar10", "cifar100"];

/// Layers of settings, each over the one before: preset, files, environment (`LLP_OPTIM__LR=0.1`), --set, flags.
#[derive(Args)]
pub(crate) struct ConfigArgs {
    /// Where defaults come from: digits, digits-mlp, fast, cifar10-cpu, table, paper.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// A configuration file (TOML); may be given several times.
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// One setting, as in optim.lr=0.1; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The data set: digits, cifar10 or cifar100 (from the Hugging Face hub), or the folder or archive of one; #coarse
    /// at its end takes the coarse labels. Or your own bags: a table of instances, or a folder with instances.csv.
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<String>,
    /// The table of proportions of your own bags; else proportions.csv or .parquet beside their instances.
    #[arg(long, value_name = "FILE")]
    proportions: Option<String>,
    /// What stands for missing numbers in your own table: mean or median of their column. Else they are refused.
    #[arg(long, value_name = "NAME")]
    impute: Option<String>,
    /// A file of bags, made by `llp bags make`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bag_size", "bag_seed"])]
    bags: Option<String>,
    /// Instances per bag.
    #[arg(long, value_name = "N")]
    bag_size: Option<String>,
    /// kl, rot, avg-kl, l1 or l2; likelihoods of counts: saddlepoint, gaussian, multinomial, moments; unbiased: easyllp,
    /// gupm, dsq; bags as noisy labels: llpfc; for imperfect proportions interval or marginal; of mixed bags: ci.
    #[arg(long, value_name = "NAME")]
    loss: Option<String>,
    /// A second view of each image, strongly changed, that is to have the labels of the first: dc (labels with the counts of
    /// the bag) or ahil (the most probable ones). Or vat: any instance, moved to where its prediction changes most. Takes
    /// up to twice the time, vat three times.
    #[arg(long, value_name = "NAME")]
    consistency: Option<String>,
    /// A classical method in place of steps, on a table of features: mean-map, lmm, amm, inv-cal, linear-kl, em, alter-svm.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["loss", "lr", "alpha", "epsilon", "epochs", "precision", "width", "init", "consistency"])]
    method: Option<String>,
    /// Initial learning rate.
    #[arg(long, value_name = "X")]
    lr: Option<String>,
    /// Trade-off of the ROT loss.
    #[arg(long, value_name = "X")]
    alpha: Option<String>,
    /// Entropy weight of the ROT loss.
    #[arg(long, value_name = "X")]
    epsilon: Option<String>,
    /// Passes over the training bags.
    #[arg(long, value_name = "N")]
    epochs: Option<String>,
    /// The numbers that the network computes with: float32, or on a GPU tf32 or bfloat16.
    #[arg(long, value_name = "NAME")]
    precision: Option<String>,
    /// Channels of the network's first stage.
    #[arg(long, value_name = "N", conflicts_with = "init")]
    width: Option<String>,
    /// Start from the weights of a ResNet-18: a file of safetensors with torchvision's names, or a network of the
    /// Hugging Face hub such as `timm/resnet18.a1_in1k`. It decides stem and width; the last layer is initialized from
    /// the seed.
    #[arg(long, value_name = "FILE|NAME")]
    init: Option<String>,
    /// Seed of weights, order and augmentation.
    #[arg(long, value_name = "N")]
    seed: Option<String>,
    /// Seed of the bags.
    #[arg(long, value_name = "N")]
    bag_seed: Option<String>,
}

impl ConfigArgs {
    /// The settings, later ones over earlier ones.
    pub(crate) fn layers(&self, global: Global) -> Result<Layers, Failure> {
        let mut layers = Layers::new();
        for file in &self.config {
            layers.file(file)?;
        }
        layers.environment(std::env::vars())?;
        for assignment in &self.set {
            layers.assignment("--set", assignment)?;
        }
        let (name, path) = self.data_settings();
        let settings = [
            ("--preset", "preset", self.preset.as_deref()),
            ("--data", "data.name", name.as_deref()),
            ("--data", "data.path", path.as_deref()),
            ("--proportions", "data.proportions", self.proportions.as_deref()),
            ("--bags", "bags.manifest", self.bags.as_deref()),
            ("--init", "network.init", self.init.as_deref()),
        ];
        for (argument, key, value) in settings {
            if let Some(value) = value {
                layers.argument(argument, key, value)?;
            }
        }
        let flags = [
            ("--impute", &self.impute),
            ("--bag-size", &self.bag_size),
            ("--loss", &self.loss),
            ("--consistency", &self.consistency),
            ("--method", &self.method),
            ("--lr", &self.lr),
            ("--alpha", &self.alpha),
            ("--epsilon", &self.epsilon),
            ("--epochs", &self.epochs),
            ("--precision", &self.precision),
            ("--width", &self.width),
            ("--seed", &self.seed),
            ("--bag-seed", &self.bag_seed),
        ];
        for (flag, value) in flags {
            if let Some(value) = value {
                layers.flag(flag, value)?;
            }
        }
        self.describe_files(global, &mut layers, |layers, key| layers.text_of(key).map(str::to_owned))?;
        Ok(layers)
    }

    /// The settings for a sweep, whose file may name other files too.
    pub(crate) fn apply(&self, global: Global, grid: &mut Sweep) -> Result<(), Failure> {
        let mut layers = self.layers(global)?;
        grid.apply(&layers);
        self.describe_files(global, &mut layers, |_, key| grid.text_of(key).map(str::to_owned))?;
        grid.apply(&layers);
        Ok(())
    }

    /// Sets what the files that the settings name say of themselves.
    fn describe_files(
        &self,
        global: Global,
        layers: &mut Layers,
        text_of: impl Fn(&Layers, &str) -> Option<String>,
    ) -> Result<(), Failure> {
        if let Some(path) = text_of(layers, "bags.manifest") {
            describe_bags(layers, &path)?;
        }
        if let Some(path) = text_of(layers, "data.path") {
            self.describe_own(layers, &path)?;
        }
        if let Some(name) = text_of(layers, "network.init") {
            if text_of(layers, "network.name").is_none() {
                // The only network that starts from a file, whatever the preset has.
                layers.argument("network.init", "network.name", "resnet18")?;
            }
            describe_init(global, layers, &name)?;
        }
        Ok(())
    }

    /// Sets what one's own data says of itself: the size of its largest bag.
    fn describe_own(&self, layers: &mut Layers, path: &str) -> Result<(), Failure> {
        if !own::is_own(Path::new(path)) {
            return Ok(());
        }
        let size = outline(path)?.largest_bag.max(1).to_string();
        if self.bag_size.as_ref().is_some_and(|asked| *asked != size) {
            return Err(usage(format!(
                "--bag-size: the bags of {path} are as they are, of up to {size} instances: leave it out"
            )));
        }
        layers.argument("--data", "bags.size", &size)?;
        Ok(())
    }

    /// The configuration. Layers that name no preset are based on that of the embedded data, the one for tables under
    /// one's own tables, or the one for images.
    pub(crate) fn resolve(&self, global: Global) -> Result<RunConfig, Failure> {
        let layers = self.layers(global)?;
        let preset = match (self.data.as_deref(), layers.text_of("data.path")) {
            (None | Some("digits"), None) => "digits",
            (_, Some(path)) if own::is_own(Path::new(path)) && !outline(path)?.has_images => "table",
            _ if self.wants_resnet(&layers) => "cifar10-cpu",
            _ => "fast",
        };
        Ok(layers.resolve(preset)?)
    }

    /// Whether something is set that only a ResNet has.
    fn wants_resnet(&self, layers: &Layers) -> bool {
        let is_named = layers.text_of("network.name") == Some("resnet18");
        is_named || self.width.is_some() || layers.text_of("network.init").is_some()
    }

    /// `--data` as name and path.
    fn data_settings(&self) -> (Option<String>, Option<String>) {
        self.data.as_deref().map(data_settings).map_or((None, None), |(name, path)| (Some(name), path))
    }
}

/// The name and the path in `--data NAME|PATH`: a path gives the data set the name of its folder, archive or table, with
/// `-` for what a name cannot have. `#coarse` stays at the end of the path, and becomes `-coarse` at the end of the name.
pub(crate) fn data_settings(data: &str) -> (String, Option<String>) {
    let (place, labels) = Labels::split(data);
    let suffix = if labels == Labels::Coarse { "-coarse" } else { "" };
    if KNOWN_DATA.contains(&place) {
        return (format!("{place}{suffix}"), None);
    }
    let place = Path::new(place);
    // A path that ends with a dot has no name of its own.
    let resolved = if place.file_name().is_none() { place.canonicalize().ok() } else { None };
    let name = resolved.as_deref().unwrap_or(place).file_name().unwrap_or_default().to_string_lossy();
    let endings = [".tar.gz", ".tgz", ".csv", ".parquet", ".npy", ".npz"];
    let name = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.trim_start_matches('.').chars().map(plain).collect();
    (format!("{name}{suffix}"), Some(data.to_owned()))
}

/// Sets what a file of weights says of itself: the hash that makes it part of a run's identity, and the extents of the
/// network.
fn describe_init(global: Global, layers: &mut Layers, name: &str) -> Result<(), Failure> {
    let path = Pretrained::locate(name, &|name| hub::locate(global, name))?;
    let pretrained = Pretrained::read(&path)?;
    if let Some(expected) = layers.text_of("network.init_hash") {
        pretrained.check_hash(expected).map_err(|error| error.in_file(&path))?;
    }
    let origin = "network.init";
    layers.argument(origin, "network.init_hash", &pretrained.hash)?;
    layers.argument(origin, "network.stem", pretrained.stem.as_str())?;
    layers.argument(origin, "network.width", &pretrained.width.to_string())?;
    Ok(())
}

fn outline(path: &str) -> Result<Outline, Failure> {
    Ok(own::outline(Path::new(path))?)
}

/// Sets what a file of bags says of itself: the hash that makes it part of a run's identity, and the size of the bags.
fn describe_bags(layers: &mut Layers, path: &str) -> Result<(), Failure> {
    let manifest = BagManifest::read(Path::new(path))?;
    let name = "bags.manifest";
    if let Some(expected) = layers.text_of("bags.hash") {
        manifest.check_hash(expected).map_err(|fault| usage(format!("{path}: {fault}")))?;
    }
    layers.argument(name, "bags.hash", &manifest.hash()[..16])?;
    layers.argument(name, "bags.size", &manifest.recipe.size.to_string())?;
    Ok(())
}
