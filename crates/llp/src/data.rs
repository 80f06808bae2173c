//! `llp data`: fetch, describe and check data sets.

pub(crate) mod bags;
pub(crate) mod bags_show;
pub(crate) mod cache;
pub(crate) mod contact_sheet;
pub(crate) mod faults;
pub(crate) mod hub;
pub(crate) mod inspect;
pub(crate) mod known;
pub(crate) mod place;
pub(crate) mod words;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use llp_bags::InstanceShape;
use llp_bags::own;
use llp_bags::source::{Dataset, Split};
use llp_data::Labels;
use llp_sweep::config::Layers;
use llp_train::load_dataset;
use serde::Serialize;

use crate::args::config::data_settings;
use crate::environment::{print, print_json};
use crate::failure::{Failure, code, usage};
use crate::{Global, Output};

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// Fetch a data set from the Hugging Face hub into its cache, unless it is there.
    Fetch(FetchArgs),
    /// Describe a data set: splits, classes, sizes, fingerprint. Of own bags also whether training can work.
    Inspect(InspectArgs),
    /// Read all of a data set and check it: nothing is broken, and where its classes are known, nothing is missing. Lists
    /// every image that cannot be read.
    Verify(InspectArgs),
    /// Decoded images that are kept for the next time.
    Cache {
        #[command(subcommand)]
        command: cache::CacheCommand,
    },
}

#[derive(Args)]
pub(crate) struct FetchArgs {
    /// The data set.
    #[arg(value_name = "NAME", value_parser = ["cifar10", "cifar100"])]
    name: String,
}

#[derive(Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The proportions of own bags, if they are not in proportions.csv or proportions.parquet beside the table.
    #[arg(long, value_name = "FILE")]
    proportions: Option<PathBuf>,
    /// Side of the squares that own images are resized to, in pixels.
    #[arg(long, value_name = "N", default_value_t = 32)]
    image_size: usize,
    /// What stands for missing numbers in own tables; without it they are refused.
    #[arg(long, value_enum, value_name = "NAME")]
    impute: Option<Impute>,
}

/// What of the numbers of a column stands for those that are missing.
#[derive(Clone, Copy, ValueEnum)]
enum Impute {
    /// Their mean.
    Mean,
    /// Their median.
    Median,
}

#[derive(Args)]
pub(crate) struct DataArgs {
    /// A name (digits, cifar10, cifar100), a folder or an archive, or a table of own instances; #coarse at the end takes
    /// the coarse labels.
    #[arg(value_name = "DATA")]
    data: String,
    /// Also draw images of the training split, evenly spaced, into this PNG file.
    #[arg(long, value_name = "FILE")]
    contact_sheet: Option<PathBuf>,
}

#[derive(Serialize)]
struct Fetched<'a> {
    name: &'a str,
    folder: String,
}

#[derive(Serialize)]
struct Description {
    data: String,
    class_names: Vec<String>,
    /// Height, width and channels, or the number of columns.
    #[serde(flatten)]
    shape: InstanceShape,
    mirror_preserves_class: bool,
    train: SplitDescription,
    test: SplitDescription,
    fingerprint: String,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct SplitDescription {
    n_images: usize,
    n_bytes: usize,
    /// Images of each class, where there are labels.
    class_counts: Option<Vec<u32>>,
}

#[derive(Serialize)]
struct Verdict {
    #[serde(flatten)]
    description: Description,
    findings: Vec<String>,
}

pub(crate) fn data(global: Global, command: &DataCommand) -> Result<u8, Failure> {
    match command {
        DataCommand::Fetch(args) => fetch(global, &args.name),
        DataCommand::Inspect(args) => {
            inspect(global, args)?;
            Ok(code::SUCCESS)
        }
        DataCommand::Verify(args) => verify(global, args),
        DataCommand::Cache { command } => cache::run(global, command),
    }
}

fn inspect(global: Global, args: &InspectArgs) -> Result<(), Failure> {
    if args.is_own() {
        return inspect::inspect(global, &args.request());
    }
    let description = describe(global, &args.data)?;
    match global.output {
        Output::Json => print_json(&description)?,
        Output::Human => show(&description)?,
    }
    Ok(())
}

impl InspectArgs {
    fn is_own(&self) -> bool {
        self.proportions.is_some() || own::is_own(Path::new(&self.data.data))
    }

    fn request(&self) -> inspect::Request<'_> {
        inspect::Request {
            table: Path::new(&self.data.data),
            proportions: self.proportions.as_deref(),
            image_size: self.image_size,
            impute: self.impute.map(|impute| match impute {
                Impute::Mean => own::Impute::Mean,
                Impute::Median => own::Impute::Median,
            }),
            contact_sheet: self.data.contact_sheet.as_deref(),
        }
    }
}

fn fetch(global: Global, name: &str) -> Result<u8, Failure> {
    let folder = hub::locate(global, name)?.unwrap_or_default().display().to_string();
    match global.output {
        Output::Json => print_json(&Fetched { name, folder })?,
        Output::Human => print(&folder)?,
    }
    Ok(code::SUCCESS)
}

fn verify(global: Global, args: &InspectArgs) -> Result<u8, Failure> {
    let end = if args.is_own() { verify_own(global, args) } else { verify_known(global, &args.data) };
    end.or_else(|failure| faults::list(global, &args.data.data, failure))
}

fn verify_own(global: Global, args: &InspectArgs) -> Result<u8, Failure> {
    inspect::inspect(global, &args.request())?;
    if global.output == Output::Human {
        print("all is well")?;
    }
    Ok(code::SUCCESS)
}

fn verify_known(global: Global, args: &DataArgs) -> Result<u8, Failure> {
    let description = describe(global, args)?;
    let counts =
        [&description.train, &description.test].map(|split| split.class_counts.as_deref().unwrap_or(&[]));
    let findings = known::findings(&description.class_names, counts);
    let end = if findings.is_empty() { code::SUCCESS } else { code::USAGE };
    if global.output == Output::Json {
        print_json(&Verdict { description, findings })?;
        return Ok(end);
    }
    show(&description)?;
    for finding in &findings {
        print(&format!("wrong         {finding}"))?;
    }
    if findings.is_empty() {
        print("all is well")?;
    }
    Ok(end)
}

fn describe(global: Global, args: &DataArgs) -> Result<Description, Failure> {
    let (dataset, _) = load(global, "DATA", &args.data)?;
    if let Some(path) = &args.contact_sheet {
        let Some(images) = dataset.train.instances.as_images() else {
            return Err(usage(format!("{} has feature columns, no images to draw", args.data)));
        };
        contact_sheet::write(global, path, images)?;
    }
    Ok(Description {
        data: args.data.clone(),
        shape: dataset.train.instances.shape(),
        mirror_preserves_class: dataset.mirror_preserves_class,
        train: SplitDescription::new(&dataset.train),
        test: SplitDescription::new(&dataset.test),
        fingerprint: dataset.fingerprint(),
        notes: dataset.notes.iter().map(ToString::to_string).collect(),
        class_names: dataset.class_names,
    })
}

/// The data set that an argument names, and its location; an embedded one has none.
pub(crate) fn load(
    global: Global,
    argument: &str,
    data: &str,
) -> Result<(Dataset, Option<PathBuf>), Failure> {
    let (name, path) = data_settings(data);
    let mut layers = Layers::new();
    layers.argument(argument, "data.name", &name)?;
    if let Some(path) = &path {
        layers.argument(argument, "data.path", path)?;
    }
    let found = RefCell::new(path.map(|path| PathBuf::from(Labels::split(&path).0)));
    let locate = |name: &str| {
        let place = hub::locate(global, name)?;
        found.replace(place.clone());
        Ok(place)
    };
    let dataset = load_dataset(&layers.resolve("digits")?.data, &locate)?;
    Ok((dataset, found.into_inner()))
}

impl SplitDescription {
    fn new(split: &Split) -> Self {
        Self {
            n_images: split.instances.len(),
            n_bytes: split.instances.len() * n_bytes_each(split.instances.shape()),
            class_counts: split.labels.as_ref().map(llp_bags::LabelOracle::class_counts),
        }
    }
}

/// Bytes in memory of one instance.
fn n_bytes_each(shape: InstanceShape) -> usize {
    match shape {
        InstanceShape::Image(_) => shape.n_values(),
        InstanceShape::Features(_) => shape.n_values() * size_of::<f32>(),
    }
}

fn show(description: &Description) -> Result<(), Failure> {
    let Description { class_names, train, test, .. } = description;
    let mirrored = if description.mirror_preserves_class { "the same class" } else { "another class" };
    print(&format!("data          {}", description.data))?;
    let (noun, values) = match description.shape {
        InstanceShape::Image([height, width, channels]) => {
            print(&format!(
                "images        {height} x {width} pixels, {channels} channels; mirrored: {mirrored}"
            ))?;
            ("images", "pixels")
        }
        InstanceShape::Features(n_columns) => {
            print(&format!("features      {n_columns} columns"))?;
            ("rows", "numbers")
        }
    };
    for (name, split) in [("train", train), ("test", test)] {
        print(&format!("{name:<13} {} {noun}, {} bytes of {values}", split.n_images, split.n_bytes))?;
    }
    print(&format!("fingerprint   {}", description.fingerprint))?;
    for note in &description.notes {
        print(&format!("note          {note}"))?;
    }
    print(&format!("classes       {}", class_names.len()))?;
    let count = |split: &SplitDescription, class: usize| {
        split.class_counts.as_ref().map_or("-".to_owned(), |counts| counts[class].to_string())
    };
    print(&format!("  {:<24} {:>8} {:>8}", "", "train", "test"))?;
    for (class, name) in class_names.iter().enumerate() {
        print(&format!("  {name:<24} {:>8} {:>8}", count(train, class), count(test, class)))?;
    }
    Ok(())
}
