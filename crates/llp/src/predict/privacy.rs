//! `llp privacy`: how well single labels can be recovered from bags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use llp_data::DataError;
use llp_sweep::select::Spread;
use llp_train::privacy::{Recovery, recovery};
use serde::Serialize;

use crate::args::device::DeviceArg;
use crate::args::epoch::EpochArg;
use crate::environment::{print, print_json};
use crate::failure::{Failure, code};
use crate::predict::trained_run::{PlaceArgs, TrainedRun};
use crate::{Global, Output};

/// `llp privacy`.
#[derive(Args)]
pub(crate) struct PrivacyArgs {
    /// Directories of runs; those of one loss and bag size are taken together.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    places: PlaceArgs,
    /// Weight of the network against the proportions, in [0, 1].
    #[arg(long, default_value_t = 0.5)]
    alpha: f64,
    /// Weight of the entropy, in nats; 1 keeps the network's own certainty.
    #[arg(long, default_value_t = 1.0)]
    epsilon: f64,
    #[command(flatten)]
    device: DeviceArg,
}

/// The recovery of the labels of one run.
#[derive(Serialize)]
struct RunRecovery {
    run: String,
    data: String,
    loss: String,
    bag_size_mean: f64,
    #[serde(flatten)]
    recovery: Recovery,
}

#[derive(Serialize)]
struct Report {
    alpha: f64,
    epsilon: f64,
    runs: Vec<RunRecovery>,
    groups: Vec<Group>,
}

/// Runs that differ in nothing but seeds and hyper-parameters.
#[derive(Serialize)]
struct Group {
    data: String,
    loss: String,
    bag_size_mean: f64,
    n_runs: usize,
    /// By the name of the column.
    accuracy: BTreeMap<&'static str, MeanAndSd>,
}

#[derive(Clone, Copy, Serialize)]
struct MeanAndSd {
    mean: f64,
    sd: Option<f64>,
}

/// A column of the table: a name, a title, and where the number comes from.
type Column = (&'static str, &'static str, fn(&Recovery) -> f64);

const COLUMNS: [Column; 5] = [
    ("proportions", "proportions, %", |recovery| recovery.proportions),
    ("most_frequent", "most frequent, %", |recovery| recovery.most_frequent),
    ("network", "network, %", |recovery| recovery.network),
    ("posterior", "posterior, %", |recovery| recovery.posterior),
    ("exact_counts", "exact counts, %", |recovery| recovery.exact_counts),
];

pub(crate) fn privacy(global: Global, args: &PrivacyArgs) -> Result<u8, Failure> {
    let runs = args.runs.iter().map(|run| measure(global, args, run)).collect::<Result<Vec<_>, _>>()?;
    let groups = groups(&runs);
    if global.output == Output::Json {
        print_json(&Report { alpha: args.alpha, epsilon: args.epsilon, runs, groups })?;
        return Ok(code::SUCCESS);
    }
    let titles: Vec<&str> = COLUMNS.iter().map(|(_, title, _)| *title).collect();
    print(&format!("| data | loss | bag size | runs | {} |", titles.join(" | ")))?;
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")?;
    for Group { data, loss, bag_size_mean, n_runs, accuracy } in &groups {
        let cells: Vec<String> = COLUMNS.iter().map(|(name, ..)| percent(accuracy[name])).collect();
        let size = (bag_size_mean * 10.0).round() / 10.0;
        print(&format!("| {data} | {loss} | {size} | {n_runs} | {} |", cells.join(" | ")))?;
    }
    Ok(code::SUCCESS)
}

fn measure(global: Global, args: &PrivacyArgs, path: &Path) -> Result<RunRecovery, Failure> {
    let TrainedRun { config, predictor, data, train_labels, .. } =
        TrainedRun::open(global, path, &args.places, EpochArg::Last, args.device)?;
    let labels = train_labels.ok_or_else(|| {
        let problem =
            format!("the training instances of {:?} have no labels to compare with", config.data.name);
        let remedy = "whether single labels can be recovered shows on data where they are known";
        DataError::new(problem).remedy(remedy)
    })?;
    let recovery = recovery(&predictor, &data.bags, &labels, args.alpha, args.epsilon)?;
    Ok(RunRecovery {
        run: config.run_name(),
        data: config.data.name.clone(),
        loss: config.approach().as_str().to_owned(),
        bag_size_mean: recovery.n_instances as f64 / recovery.n_bags as f64,
        recovery,
    })
}

/// The groups, by data, loss and bag size.
fn groups(runs: &[RunRecovery]) -> Vec<Group> {
    let mut order: Vec<&RunRecovery> = runs.iter().collect();
    let key = |run: &RunRecovery| (run.data.clone(), run.loss.clone());
    order.sort_by(|a, b| key(a).cmp(&key(b)).then(a.bag_size_mean.total_cmp(&b.bag_size_mean)));
    let is_same = |a: &&RunRecovery, b: &&RunRecovery| key(a) == key(b) && a.bag_size_mean == b.bag_size_mean;
    order.chunk_by(is_same).map(group).collect()
}

fn group(runs: &[&RunRecovery]) -> Group {
    let column = |(name, _, get): (&'static str, _, fn(&Recovery) -> f64)| {
        let values: Vec<f64> = runs.iter().map(|run| get(&run.recovery)).collect();
        Some((name, Spread::of(&values).map(|spread| MeanAndSd { mean: spread.mean, sd: spread.sd })?))
    };
    Group {
        data: runs[0].data.clone(),
        loss: runs[0].loss.clone(),
        bag_size_mean: runs[0].bag_size_mean,
        n_runs: runs.len(),
        accuracy: COLUMNS.into_iter().filter_map(column).collect(),
    }
}

fn percent(MeanAndSd { mean, sd }: MeanAndSd) -> String {
    let sd = sd.map_or(String::new(), |sd| format!(" ± {:.1}", 100.0 * sd));
    format!("{:.1}{sd}", 100.0 * mean)
}
