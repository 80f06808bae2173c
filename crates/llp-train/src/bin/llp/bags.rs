//! `llp bags`: files of bags that several methods train on.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use llp_bags::source::{Labels, parquet};
use llp_bags::{BagKind, BagManifest, BagPart, Recipe};
use llp_sweep::config::Layers;
use llp_sweep::write_atomically;
use llp_train::{TrainError, load_dataset};
use serde::Serialize;

use crate::bag_column;
use crate::config_args::data_settings;
use crate::failure::{Failure, usage};
use crate::hub;
use crate::world::{print, print_json};
use crate::{Global, Output};

#[derive(Subcommand)]
pub(crate) enum BagsCommand {
    /// Draw bags of a data set and write them into a file.
    Make(Box<MakeArgs>),
    /// Describe a file of bags: how many, how large, how different from each other.
    Show(ShowArgs),
}

/// Which instances share a bag.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Any, as in the paper.
    Uniform,
    /// Those of classes that are drawn for each bag, from a Dirichlet distribution: --alpha.
    Dirichlet,
    /// Those that look alike: --clusters.
    Cluster,
    /// Those with the same value of a column: --column.
    Column,
}

#[derive(Args)]
pub(crate) struct MakeArgs {
    /// The data set: digits, or where one lies.
    #[arg(long, value_name = "NAME|PATH", default_value = "digits")]
    data: String,
    /// Instances per bag; those of a column have the size that the column gives them.
    #[arg(long, value_name = "N", required_unless_present = "column")]
    bag_size: Option<usize>,
    /// Seed of the bags.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Which instances share a bag.
    #[arg(long, value_name = "KIND", default_value = "uniform")]
    kind: Kind,
    /// Concentration of the class shares: the smaller, the purer the bags.
    #[arg(long, value_name = "X", required_if_eq("kind", "dirichlet"))]
    alpha: Option<f64>,
    /// The number of clusters.
    #[arg(long, value_name = "N", required_if_eq("kind", "cluster"))]
    clusters: Option<usize>,
    /// The column, of the data itself or of the file of --column-file.
    #[arg(long, value_name = "NAME", required_if_eq("kind", "column"), conflicts_with = "bag_size")]
    column: Option<String>,
    /// A CSV file with the columns `instance` and NAME, and one row for each training instance.
    #[arg(long, value_name = "FILE", requires = "column")]
    column_file: Option<PathBuf>,
    /// Use only so many of the training instances.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Fraction of the training instances that held-out bags are made of.
    #[arg(long, value_name = "X", default_value_t = 0.2)]
    held_out: f64,
    /// Seed of the choice of the instances used and held out.
    #[arg(long, value_name = "N", default_value_t = 0)]
    split_seed: u64,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// The file of bags.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn bags(global: Global, command: &BagsCommand) -> Result<ExitCode, Failure> {
    match command {
        BagsCommand::Make(args) => make(global, args)?,
        BagsCommand::Show(args) => {
            let manifest = BagManifest::read(&args.file).map_err(TrainError::from)?;
            show(global, &args.file, &manifest)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn make(global: Global, args: &MakeArgs) -> Result<(), Failure> {
    let (name, path) = data_settings(&args.data);
    let mut layers = Layers::new();
    layers.argument("--data", "data.name", &name)?;
    if let Some(path) = &path {
        layers.argument("--data", "data.path", path)?;
    }
    let dataset = load_dataset(&layers.resolve("digits")?.data, &|name| hub::locate(global, name))?;
    let place = match &path {
        Some(path) => Some(PathBuf::from(Labels::split(path).0)),
        None => hub::locate(global, name.trim_end_matches("-coarse"))?,
    };
    let column = args.values(place.as_deref(), dataset.train.images.len())?;
    let kind = args.kind()?;
    let recipe = Recipe {
        kind,
        size: args.bag_size.unwrap_or(1),
        seed: args.seed,
        limit: args.limit,
        held_out: args.held_out,
        split_seed: args.split_seed,
    };
    let manifest = BagManifest::make(&dataset, recipe, column.as_deref()).map_err(TrainError::from)?;
    write_atomically(&args.out, manifest.to_json().as_bytes())?;
    show(global, &args.out, &manifest)
}

impl MakeArgs {
    /// The values of the column, if bags are made by one; the data at `path` may have it.
    fn values(&self, path: Option<&Path>, n_instances: usize) -> Result<Option<Vec<String>>, Failure> {
        match (&self.column, &self.column_file, path) {
            (Some(name), Some(file), _) => Ok(Some(bag_column::read(file, name, n_instances)?)),
            (Some(name), None, Some(path)) => {
                Ok(Some(parquet::column(path, name).map_err(TrainError::from)?))
            }
            _ => Ok(None),
        }
    }

    /// The kind with what belongs to it; what belongs to another kind is a mistake.
    fn kind(&self) -> Result<BagKind, Failure> {
        let extras = [
            ("--alpha", self.alpha.is_some(), Kind::Dirichlet),
            ("--clusters", self.clusters.is_some(), Kind::Cluster),
            ("--column", self.column.is_some(), Kind::Column),
        ];
        if let Some((flag, _, kind)) = extras.iter().find(|(_, given, kind)| *given && *kind != self.kind) {
            let name = kind.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            return Err(usage(format!("{flag} belongs to --kind {name}")));
        }
        Ok(match self.kind {
            Kind::Uniform => BagKind::Uniform,
            Kind::Dirichlet => BagKind::Dirichlet { alpha: self.alpha.unwrap_or_default() },
            Kind::Cluster => BagKind::Cluster { n_clusters: self.clusters.unwrap_or_default() },
            Kind::Column => BagKind::Column { name: self.column.clone().unwrap_or_default() },
        })
    }
}

/// What is told about a file of bags.
#[derive(Serialize)]
struct Description<'a> {
    file: String,
    hash: String,
    data: &'a str,
    fingerprint: &'a str,
    recipe: &'a Recipe,
    class_names: &'a [String],
    train: Part,
    held_out: Part,
}

/// What is told about bags to train on, or held-out ones.
#[derive(Serialize)]
struct Part {
    n_bags: usize,
    n_instances: usize,
    remainder: usize,
    size_min: usize,
    size_max: usize,
    /// Shares of the classes over all bags.
    proportions: Vec<f64>,
    /// Variance between bags, and what chance alone gives.
    variance_between: f64,
    variance_floor: f64,
}

impl Part {
    fn of(part: &BagPart, n_classes: usize) -> Self {
        let sizes = || part.bags.iter().map(|bag| bag.instances.len());
        let n_instances = sizes().sum();
        let total = |class: usize| part.bags.iter().map(|bag| f64::from(bag.counts[class])).sum::<f64>();
        let variation = part.variation();
        Self {
            n_bags: part.bags.len(),
            n_instances,
            remainder: part.remainder.len(),
            size_min: sizes().min().unwrap_or(0),
            size_max: sizes().max().unwrap_or(0),
            proportions: (0..n_classes).map(|class| total(class) / (n_instances.max(1) as f64)).collect(),
            variance_between: variation.between,
            variance_floor: variation.floor,
        }
    }

    fn lines(&self, title: &str) -> [String; 3] {
        let sizes = if self.size_min == self.size_max {
            format!("of {}", self.size_max)
        } else {
            format!("of {} to {}", self.size_min, self.size_max)
        };
        [
            format!("{title}  {} bags {sizes}, {} instances left over", self.n_bags, self.remainder),
            format!("  variance between bags   {:.5}", self.variance_between),
            format!("  multinomial floor       {:.5}", self.variance_floor),
        ]
    }
}

fn show(global: Global, file: &Path, manifest: &BagManifest) -> Result<(), Failure> {
    let n_classes = manifest.data.class_names.len();
    let description = Description {
        file: file.display().to_string(),
        hash: manifest.hash(),
        data: &manifest.data.name,
        fingerprint: &manifest.data.fingerprint,
        recipe: &manifest.recipe,
        class_names: &manifest.data.class_names,
        train: Part::of(&manifest.train, n_classes),
        held_out: Part::of(&manifest.held_out, n_classes),
    };
    if global.output == Output::Json {
        return Ok(print_json(&description)?);
    }
    for line in description.lines() {
        print(&line)?;
    }
    Ok(())
}

impl Description<'_> {
    fn lines(&self) -> Vec<String> {
        let Recipe { kind, seed, .. } = self.recipe;
        let kind = match kind {
            BagKind::Uniform => "uniform".to_owned(),
            BagKind::Dirichlet { alpha } => format!("Dirichlet, alpha {alpha}"),
            BagKind::Cluster { n_clusters } => format!("{n_clusters} clusters"),
            BagKind::Column { name } => format!("by the column {name}"),
        };
        let mut lines = vec![
            format!("bags      {} ({kind}, seed {seed}), hash {}", self.file, &self.hash[..16]),
            format!(
                "data      {}, fingerprint {}",
                self.data,
                self.fingerprint.chars().take(16).collect::<String>()
            ),
        ];
        lines.extend(self.train.lines("training"));
        lines.extend(self.held_out.lines("held out"));
        let shares = self.class_names.iter().zip(&self.train.proportions).zip(&self.held_out.proportions);
        lines.push("class shares of training and held-out bags".to_owned());
        lines.extend(
            shares.map(|((name, train), held_out)| format!("  {name:<20} {train:.4}  {held_out:.4}")),
        );
        lines
    }
}
