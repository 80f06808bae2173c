//! `llp predict`.

pub(crate) mod by_bag;
pub(crate) mod calibration;
pub(crate) mod disaggregate;
pub(crate) mod ei;
pub(crate) mod ensemble;
pub(crate) mod evaluate;
pub(crate) mod evaluate_show;
pub(crate) mod input;
pub(crate) mod privacy;
pub(crate) mod trained_run;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use llp_bags::InstanceShape;
use llp_bags::own::ProportionTable;
use llp_data::table::{TableFormat, TableWriter};
use llp_data::{DataError, PictureFacts};
use llp_sweep::AtomicFile;
use llp_train::predict::{
    CHUNK, Columns, Predicted, Predictions, Source, posterior, predict as predict_chunk,
};
use llp_train::{Ensemble, TrainError};
use serde::Serialize;

use crate::args::device::DeviceArg;
use crate::args::epoch::EpochArg;
use crate::environment::{print, print_json, tell};
use crate::failure::{Failure, code, usage};
use crate::predict::by_bag::ShareErrors;
use crate::predict::calibration::{Calibration, calibrate};
use crate::predict::ensemble::{Opened, open};
use crate::predict::input::{proportions, sources, warnings};
use crate::{Global, Output};

/// `llp predict`.
#[derive(Args)]
pub(crate) struct PredictArgs {
    /// A run's directory, or the folder of a checkpoint.
    #[arg(value_name = "RUN|CHECKPOINT")]
    pub(crate) network: PathBuf,
    /// Image files, folders of them, or tables of instances (.csv, .tsv, .parquet, .npy). Runs before them are averaged with the first.
    #[arg(value_name = "PATH", required_unless_present = "split")]
    pub(crate) paths: Vec<PathBuf>,
    /// Instances of the run's own data in place of PATH.
    #[arg(long, value_name = "SPLIT")]
    pub(crate) split: Option<SplitName>,
    /// Where the run's data is now.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<String>,
    /// Where the run's file of bags is now.
    #[arg(long, value_name = "FILE")]
    pub(crate) bags: Option<String>,
    /// Where to write the predictions (.csv, .jsonl or .parquet); without it, CSV on standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which weights: those after the last epoch, or after the one that held-out bags prefer.
    #[arg(long, value_enum, default_value_t = EpochArg::Last)]
    pub(crate) epoch: EpochArg,
    /// A column for each class.
    #[arg(long)]
    probabilities: bool,
    /// A row for each bag in place of each instance: the shares of its classes, each with a prediction interval of 90 %.
    #[arg(long, conflicts_with_all = ["probabilities", "proportions"])]
    pub(crate) by_bag: bool,
    /// Shares or counts of the instances' bags, for corrected labels: columns `bag` and one per class.
    #[arg(long, value_name = "FILE")]
    pub(crate) proportions: Option<PathBuf>,
    /// Weight of the network against the proportions, in [0, 1]; at 0 every bag gets exactly its proportions.
    #[arg(long, default_value_t = 0.5, requires = "proportions")]
    alpha: f64,
    /// Weight of the entropy, in nats; 1 keeps the network's own certainty.
    #[arg(long, default_value_t = 1.0, requires = "proportions")]
    epsilon: f64,
    /// Divide the logits by the temperature that fits the counts of the run's held-out bags, or of its training bags.
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// Divide the logits by this.
    #[arg(long, value_name = "T", conflicts_with = "calibrate", value_parser = positive)]
    temperature: Option<f64>,
    #[command(flatten)]
    pub(crate) device: DeviceArg,
}

/// A part of a run's data.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    /// The instances of the training bags, bag after bag.
    Train,
    /// The instances of the held-out bags, bag after bag.
    HeldOut,
    /// The test instances.
    Test,
}

#[derive(Serialize)]
struct Summary {
    instances: usize,
    /// Images that cannot be read.
    broken: usize,
    temperature: f64,
    calibration: Option<Calibration>,
    out: String,
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number > 0.0 && number.is_finite() { Ok(number) } else { Err("must be a number above 0".to_owned()) }
}

pub(crate) fn predict(global: Global, args: &PredictArgs) -> Result<u8, Failure> {
    let format = format(global, args)?;
    let Opened { ensemble, data, paths } = open(global, args)?;
    let predictor = ensemble.first();
    let sources = sources(args, paths, predictor, data.as_ref())?;
    if !global.quiet {
        sources.iter().for_each(warn);
    }
    by_bag::check(args, &sources)?;
    let known = proportions(args, predictor, &sources)?;
    let calibration = match &data {
        Some(data) if args.calibrate => Some(calibrate(predictor, data)?),
        _ => None,
    };
    if let (Some(calibration), false) = (&calibration, global.quiet) {
        tell(&calibration.describe());
    }
    let fitted = calibration.as_ref().map(|calibration| calibration.fit.temperature);
    let temperature = args.temperature.or(fitted).unwrap_or(1.0);
    let share_errors = match &data {
        Some(data) if args.by_bag => Some(ShareErrors::of(predictor, data, temperature)?),
        _ => None,
    };
    if let (Some(errors), false) = (&share_errors, global.quiet) {
        tell(&errors.describe());
    }
    let work = Work {
        args,
        sources: &sources,
        temperature,
        columns: Columns {
            class_names: predictor.state().class_names.clone(),
            has_bags: sources[0].has_bags(),
            has_agreement: ensemble.len() > 1,
            has_probabilities: args.probabilities,
            has_posterior: known.is_some(),
        },
        ensemble,
        known,
        share_errors,
        is_quiet: global.quiet,
    };
    work.columns.check()?;
    let Some(out) = &args.out else {
        return match work.write(BufWriter::new(io::stdout()), format) {
            // A reader that has gone away is not an error.
            Err(TrainError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(code::SUCCESS),
            end => work.end(global, &end?.1, "written"),
        };
    };
    let (file, seen) = work.write(BufWriter::new(AtomicFile::create(out)?), format)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.commit()?;
    let summary = Summary {
        instances: sources.iter().map(Source::len).sum::<usize>() - seen.broken.len(),
        broken: seen.broken.len(),
        temperature: work.temperature,
        calibration,
        out: out.display().to_string(),
    };
    if global.output == Output::Json {
        print_json(&summary)?;
    } else {
        print(&format!("{} instances: {}", summary.instances, summary.out))?;
    }
    work.end(global, &seen, &format!("in {}", out.display()))
}

fn warn(source: &Source) {
    for (column, n_cells) in source.imputed() {
        let path = source.path().display();
        let numbers = if *n_cells == 1 { "number" } else { "numbers" };
        tell(&format!(
            "{path}: {n_cells} missing {numbers} of column {column:?}: in their place is what the training put there"
        ));
    }
    if let Some(skipped) = source.skipped() {
        tell(&format!("warning: {skipped}"));
    }
    for (column, n_cells) in source.unknown_levels() {
        let path = source.path().display();
        tell(&format!(
            "warning: {path}: {n_cells} cells of column {column:?} hold a category that no training instance had"
        ));
    }
}

/// What the output is, found out before the work.
fn format(global: Global, args: &PredictArgs) -> Result<TableFormat, Failure> {
    match &args.out {
        Some(out) => {
            let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
            match folder.filter(|folder| !folder.is_dir()) {
                Some(folder) => Err(usage(format!(
                    "{} cannot be written: there is no folder {}",
                    out.display(),
                    folder.display()
                ))),
                None => Ok(TableFormat::of(out)?),
            }
        }
        None if global.output == Output::Json => Ok(TableFormat::JsonLines),
        None => Ok(TableFormat::Csv),
    }
}

struct Work<'a> {
    args: &'a PredictArgs,
    sources: &'a [Source],
    temperature: f64,
    columns: Columns,
    ensemble: Ensemble,
    known: Option<ProportionTable>,
    /// For a row by bag.
    share_errors: Option<ShareErrors>,
    is_quiet: bool,
}

/// What was met on the way.
#[derive(Default)]
struct Seen {
    /// What is wrong with the images that cannot be read.
    broken: Vec<DataError>,
    facts: PictureFacts,
}

impl Work<'_> {
    fn write<W: Write + Send>(&self, out: W, format: TableFormat) -> Result<(W, Seen), TrainError> {
        if let Some(errors) = &self.share_errors {
            return self.write_shares(out, format, errors);
        }
        let mut table = TableWriter::new(out, format, &self.columns.head())?;
        let seen = match &self.known {
            None => self.each_chunk(|chunk| Ok(table.write(&self.columns.cells(chunk, None))?))?,
            Some(known) => {
                let mut all = Predictions::default();
                let seen = self.each_chunk(|chunk| {
                    all.append(chunk);
                    Ok(())
                })?;
                let source = self.sources[0].path();
                let posterior = posterior(&all, known, source, self.args.alpha, self.args.epsilon)?;
                for warning in warnings(&posterior, known.path()).iter().filter(|_| !self.is_quiet) {
                    tell(&format!("warning: {warning}"));
                }
                table.write(&self.columns.cells(all, Some(&posterior.solved)))?;
                seen
            }
        };
        Ok((table.finish()?, seen))
    }

    /// An image that cannot be read is left out, unless its bag must be whole or there is no other.
    fn each_chunk(
        &self,
        mut f: impl FnMut(Predictions) -> Result<(), TrainError>,
    ) -> Result<Seen, TrainError> {
        let mut seen = Seen::default();
        for source in self.sources {
            for first in (0..source.len()).step_by(CHUNK) {
                let range = first..(first + CHUNK).min(source.len());
                let Predicted { predictions, broken, facts } =
                    predict_chunk(&self.ensemble, source, range, self.temperature)?;
                seen.facts = seen.facts.and(facts);
                seen.broken.extend(broken);
                if (self.known.is_some() || self.share_errors.is_some()) && !seen.broken.is_empty() {
                    return Err(seen.broken.swap_remove(0).into());
                }
                f(predictions)?;
            }
        }
        let n_instances: usize = self.sources.iter().map(Source::len).sum();
        if seen.broken.len() == n_instances && n_instances > 0 {
            return Err(seen.broken.swap_remove(0).into());
        }
        Ok(seen)
    }

    /// Says what became of the images; those that cannot be read are a failure in the end.
    fn end(&self, global: Global, seen: &Seen, rows: &str) -> Result<u8, Failure> {
        if let (InstanceShape::Image([.., channels]), false) =
            (self.ensemble.first().state().shape, global.quiet)
        {
            for note in seen.facts.notes(channels) {
                tell(&format!("note: {note}"));
            }
        }
        for error in &seen.broken {
            tell(&format!("warning: {error}"));
        }
        match seen.broken.len() {
            0 => Ok(code::SUCCESS),
            1 => Err(usage(format!("1 image cannot be read: the rows of all others are {rows}"))),
            n => Err(usage(format!("{n} images cannot be read: the rows of all others are {rows}"))),
        }
    }
}
