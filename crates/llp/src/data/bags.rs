//! `llp bags`: files of bags that several methods train on.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use llp_bags::own;
use llp_bags::{BagKind, BagManifest, Recipe};
use llp_data::shards;
use llp_sweep::write_atomically;

use crate::args::bag_column;
use crate::data::bags_show;
use crate::failure::{Failure, code, usage};
use crate::{Global, data};

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
    /// The data set: digits, or the path of one.
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
    /// Use only this many of the training instances.
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

pub(crate) fn bags(global: Global, command: &BagsCommand) -> Result<u8, Failure> {
    match command {
        BagsCommand::Make(args) => make(global, args)?,
        BagsCommand::Show(args) => {
            let manifest = BagManifest::read(&args.file)?;
            bags_show::show(global, &args.file, &manifest)?;
        }
    }
    Ok(code::SUCCESS)
}

fn make(global: Global, args: &MakeArgs) -> Result<(), Failure> {
    let kind = args.kind()?;
    if own::is_own(Path::new(&args.data)) {
        let data = &args.data;
        return Err(usage(format!(
            "{data} has bags of its own, so none are drawn: train on them with llp train --data {data}, and look at them with llp data inspect {data}"
        )));
    }
    let (dataset, place) = data::load(global, "--data", &args.data)?;
    let column = args.values(place.as_deref(), dataset.train.instances.len())?;
    let recipe = Recipe {
        kind,
        size: args.bag_size.unwrap_or(1),
        seed: args.seed,
        limit: args.limit,
        held_out: args.held_out,
        split_seed: args.split_seed,
    };
    let manifest = BagManifest::make(&dataset, recipe, column.as_deref())?;
    write_atomically(&args.out, manifest.to_json().as_bytes())?;
    bags_show::show(global, &args.out, &manifest)
}

impl MakeArgs {
    /// The values of the column, if bags are made by one; the data at `path` may have it.
    fn values(&self, path: Option<&Path>, n_instances: usize) -> Result<Option<Vec<String>>, Failure> {
        match (&self.column, &self.column_file, path) {
            (Some(name), Some(file), _) => Ok(Some(bag_column::read(file, name, n_instances)?)),
            (Some(name), None, Some(path)) => Ok(Some(shards::column(path, name)?)),
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
