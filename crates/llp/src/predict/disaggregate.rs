//! `llp disaggregate`.

use std::path::{Path, PathBuf};

use clap::Args;
use llp_data::table::{Cells, encode};
use llp_ot::SolverOutcome;
use llp_sweep::write_atomically;
use llp_train::TrainError;
use llp_train::disaggregate::{BaggedPredictions, Disaggregation};
use serde::Serialize;

use crate::environment::{print, print_json, tell};
use crate::failure::{Failure, code, usage};
use crate::{Global, Output};

/// `llp disaggregate`.
#[derive(Args)]
pub(crate) struct DisaggregateArgs {
    /// Class probabilities: columns `instance`, `bag` and one per class, or what `llp predict --probabilities` writes.
    ///
    /// CSV, Parquet, or NumPy: a structured array, or a matrix whose columns are instance, bag, and the classes in the
    /// order of the proportions.
    #[arg(value_name = "PROBABILITIES")]
    probabilities: PathBuf,
    /// Shares or counts: columns `bag` and one per class (CSV, Parquet or NumPy).
    #[arg(long, value_name = "FILE")]
    proportions: PathBuf,
    /// Weight of the model against the proportions, in [0, 1]; at 0 every bag gets exactly its proportions.
    #[arg(long, default_value_t = 0.5)]
    alpha: f64,
    /// Weight of the entropy, in nats; 1 keeps the model's own certainty.
    #[arg(long, default_value_t = 1.0)]
    epsilon: f64,
    /// Where to write posterior, exact-count label and confidence of every instance (.csv, .jsonl or .parquet).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to write loss and duality gap of every bag (.csv, .jsonl or .parquet).
    #[arg(long, value_name = "FILE")]
    bags_out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Summary {
    instances: usize,
    bags: usize,
    changed_labels: usize,
    loss_mean: f64,
    duality_gap_max: f64,
}

pub(crate) fn disaggregate(global: Global, args: &DisaggregateArgs) -> Result<u8, Failure> {
    check_outputs(args)?;
    let input = BaggedPredictions::read(&args.probabilities, &args.proportions)?;
    let solved = input.disaggregate(args.alpha, args.epsilon).map_err(TrainError::from)?;
    let mut files = vec![(&args.out, encode(&args.out, &instance_columns(&input, &solved))?)];
    if let Some(path) = &args.bags_out {
        files.push((path, encode(path, &bag_columns(&input, &solved))?));
    }
    for (path, bytes) in files {
        write_atomically(path, &bytes)?;
    }
    let n_open = solved.bags.iter().filter(|bag| bag.outcome == SolverOutcome::MaxIterations).count();
    if n_open > 0 {
        tell(&format!("warning: {n_open} bags were not solved to the last digit: see their duality gaps"));
    }
    warn(&input);
    show(global, &summary(&input, &solved))?;
    Ok(code::SUCCESS)
}

/// Says what is not as in most tables.
fn warn(input: &BaggedPredictions) {
    let n_without_bag = input.bag_of_instances().iter().filter(|bag| bag.is_none()).count();
    if n_without_bag > 0 {
        tell(&format!("warning: {n_without_bag} instances have no bag: they keep their probabilities"));
    }
    if input.n_guessed() > 0 {
        tell(&format!(
            "warning: the proportions of {} bags are not exact: the best guess within what is known is used",
            input.n_guessed()
        ));
    }
}

/// Finds out before the work what would be wrong with the files after it.
fn check_outputs(args: &DisaggregateArgs) -> Result<(), Failure> {
    let mut taken = vec![&args.probabilities, &args.proportions];
    for path in std::iter::once(&args.out).chain(&args.bags_out) {
        encode(path, &[])?; // an ending that says no format
        if taken.iter().any(|other| *other == path || is_same_file(other, path)) {
            return Err(usage(format!("{} is named twice: give every table its own file", path.display())));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(usage(format!(
                "{} cannot be written: there is no folder {}",
                path.display(),
                folder.display()
            )));
        }
        taken.push(path);
    }
    Ok(())
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((fs_err::canonicalize(a), fs_err::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

fn show(global: Global, summary: &Summary) -> std::io::Result<()> {
    if global.output == Output::Json {
        return print_json(summary);
    }
    print(&format!("instances         {} in {} bags", summary.instances, summary.bags))?;
    print(&format!("changed labels    {}", summary.changed_labels))?;
    print(&format!("mean loss (nats)  {:.6}", summary.loss_mean))?;
    print(&format!("largest gap       {:.1e}", summary.duality_gap_max))
}

fn summary(input: &BaggedPredictions, solved: &Disaggregation) -> Summary {
    let changed = |instance: &usize| {
        let probabilities = input.probabilities(*instance);
        probabilities.iter().any(|&p| p > probabilities[solved.labels[*instance]])
    };
    let bags = &solved.bags;
    Summary {
        instances: input.instances().len(),
        bags: bags.len(),
        changed_labels: (0..input.instances().len()).filter(changed).count(),
        loss_mean: bags.iter().map(|bag| bag.loss).sum::<f64>() / bags.len() as f64,
        duality_gap_max: bags.iter().map(|bag| bag.duality_gap).fold(0.0, f64::max),
    }
}

fn instance_columns(input: &BaggedPredictions, solved: &Disaggregation) -> Vec<(String, Cells)> {
    let names = input.class_names();
    let bag_names: Vec<&str> = input.bags().map(|(name, _)| name).collect();
    let name = |bag: Option<usize>| bag.map_or_else(String::new, |bag| bag_names[bag].to_owned());
    let bags = input.bag_of_instances().into_iter().map(name).collect();
    let posterior = names.iter().enumerate().map(|(class, name)| {
        let column = solved.posterior.iter().skip(class).step_by(names.len());
        (name.clone(), Cells::Numbers(column.copied().collect()))
    });
    let labels = solved.labels.iter().map(|&label| names[label].clone()).collect();
    let mut columns = vec![
        ("instance".to_owned(), Cells::Text(input.instances().to_vec())),
        ("bag".to_owned(), Cells::Text(bags)),
    ];
    columns.extend(posterior);
    columns.push(("label".to_owned(), Cells::Text(labels)));
    columns.push(("confidence".to_owned(), Cells::Numbers(solved.confidence())));
    columns
}

fn bag_columns(input: &BaggedPredictions, solved: &Disaggregation) -> Vec<(String, Cells)> {
    let outcome = |get: fn(&llp_train::disaggregate::BagOutcome) -> f64| {
        Cells::Numbers(solved.bags.iter().map(get).collect())
    };
    let names = input.bags().map(|(name, _)| name.to_owned()).collect();
    let sizes = input.bags().map(|(_, n_instances)| n_instances as f64).collect();
    vec![
        ("bag".to_owned(), Cells::Text(names)),
        ("instances".to_owned(), Cells::Numbers(sizes)),
        ("loss".to_owned(), outcome(|bag| bag.loss)),
        ("duality_gap".to_owned(), outcome(|bag| bag.duality_gap)),
        ("residual".to_owned(), outcome(|bag| bag.residual)),
    ]
}
