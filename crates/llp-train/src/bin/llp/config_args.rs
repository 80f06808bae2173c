//! Arguments that make up a configuration.

use std::path::PathBuf;

use clap::Args;
use llp_sweep::SweepError;
use llp_sweep::config::Layers;

/// Data sets that are known by name; anything else is a path.
const KNOWN_DATA: [&str; 3] = ["digits", "cifar10", "cifar100"];

/// Layers of settings, each over the one before: preset, files, environment (`LLP_OPTIM__LR=0.1`), --set, flags.
#[derive(Args)]
pub(crate) struct ConfigArgs {
    /// Where defaults come from: digits, cifar10-cpu, paper.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// A configuration file (TOML); may be given several times.
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// One setting, as in optim.lr=0.1; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The data set: digits, or the folder of one in the layout of the Hugging Face hub.
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<String>,
    /// Instances per bag.
    #[arg(long, value_name = "N")]
    bag_size: Option<String>,
    /// kl, rot, avg-kl, l1 or l2.
    #[arg(long, value_name = "NAME")]
    loss: Option<String>,
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
    /// Channels of the network's first stage.
    #[arg(long, value_name = "N")]
    width: Option<String>,
    /// Seed of weights, order and augmentation.
    #[arg(long, value_name = "N")]
    seed: Option<String>,
    /// Seed of the bags.
    #[arg(long, value_name = "N")]
    bag_seed: Option<String>,
}

impl ConfigArgs {
    /// The settings, later ones over earlier ones.
    pub(crate) fn layers(&self) -> Result<Layers, SweepError> {
        let mut layers = Layers::new();
        for file in &self.config {
            layers.file(file)?;
        }
        layers.environment(std::env::vars())?;
        for assignment in &self.set {
            layers.assignment("--set", assignment)?;
        }
        let (name, path) = self.data_settings();
        let flags = [
            ("--preset", "preset", self.preset.as_deref()),
            ("--data", "data.name", name.as_deref()),
            ("--data", "data.path", path.as_deref()),
            ("--bag-size", "bags.size", self.bag_size.as_deref()),
            ("--loss", "loss.name", self.loss.as_deref()),
            ("--lr", "optim.lr", self.lr.as_deref()),
            ("--alpha", "loss.alpha", self.alpha.as_deref()),
            ("--epsilon", "loss.epsilon", self.epsilon.as_deref()),
            ("--epochs", "optim.epochs", self.epochs.as_deref()),
            ("--width", "network.width", self.width.as_deref()),
            ("--seed", "seed", self.seed.as_deref()),
            ("--bag-seed", "bags.seed", self.bag_seed.as_deref()),
        ];
        for (flag, key, value) in flags {
            if let Some(value) = value {
                layers.argument(flag, key, value)?;
            }
        }
        Ok(layers)
    }

    /// The preset under all layers that name none: that of the embedded data, or the paper's for other data.
    pub(crate) fn default_preset(&self) -> &'static str {
        match self.data.as_deref() {
            None | Some("digits") => "digits",
            Some(_) => "paper",
        }
    }

    /// `--data` as name and path: a path gives the data set the name of its folder.
    fn data_settings(&self) -> (Option<String>, Option<String>) {
        match &self.data {
            Some(data) if !KNOWN_DATA.contains(&data.as_str()) => {
                let folder = PathBuf::from(data);
                let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
                (name, Some(data.clone()))
            }
            data => (data.clone(), None),
        }
    }
}
