//! `llp data inspect` of own data: what was read, and whether a training on it can work.

use std::path::Path;

use llp_bags::own::{self, ColumnNote, FeatureColumn, OwnBag, OwnData, Unit};
use llp_bags::source::Split;
use llp_bags::{Diagnostics, Finding, Imprecision, InstanceShape, Verdict};
use llp_train::verdict::Outlook;
use serde::Serialize;

use crate::data::contact_sheet;
use crate::data::words;
use crate::environment::{print, print_json};
use crate::failure::{Failure, usage};
use crate::{Global, Output};

/// What the command was asked for.
pub(crate) struct Request<'a> {
    pub(crate) table: &'a Path,
    pub(crate) proportions: Option<&'a Path>,
    pub(crate) image_size: usize,
    pub(crate) impute: Option<own::Impute>,
    pub(crate) contact_sheet: Option<&'a Path>,
}

#[derive(Serialize)]
pub(crate) struct OwnDescription {
    pub(crate) data: String,
    pub(crate) proportions: String,
    pub(crate) unit: Unit,
    /// The least difference of two shares as they are written.
    pub(crate) share_step: Option<f64>,
    /// Whether further decimals of shares were cut off, not rounded.
    pub(crate) share_is_cut: bool,
    /// Columns of the proportions that are neither the bag nor a class.
    pub(crate) other_columns: Vec<String>,
    pub(crate) class_names: Vec<String>,
    /// Height, width and channels, or the number of values.
    #[serde(flatten)]
    pub(crate) shape: InstanceShape,
    pub(crate) columns: Option<Vec<FeatureColumn>>,
    pub(crate) train: BagsDescription,
    pub(crate) held_out: BagsDescription,
    pub(crate) test: TestDescription,
    pub(crate) fingerprint: String,
    pub(crate) data_notes: Vec<String>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) findings: Vec<Finding>,
    pub(crate) column_notes: Vec<ColumnNote>,
    pub(crate) verdict: Verdict,
    /// Findings and notes in words.
    #[serde(skip)]
    pub(crate) sentences: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct BagsDescription {
    pub(crate) n_bags: usize,
    pub(crate) n_instances: usize,
    /// The least, the median and the largest; `None` without bags.
    pub(crate) sizes: Option<[usize; 3]>,
    /// Bags whose proportions are exact, have standard errors or unknown classes, and have bounds.
    pub(crate) n_exact: usize,
    pub(crate) n_with_errors: usize,
    pub(crate) n_with_bounds: usize,
}

#[derive(Serialize)]
pub(crate) struct TestDescription {
    pub(crate) n_instances: usize,
    pub(crate) n_bags: usize,
    pub(crate) class_counts: Option<Vec<u32>>,
}

pub(crate) fn inspect(global: Global, request: &Request<'_>) -> Result<(), Failure> {
    let Request { table, proportions, image_size, impute, .. } = *request;
    let data = own::read_imputed(table, proportions, image_size, impute)?;
    if let Some(path) = request.contact_sheet {
        let Some(images) = data.data.train.instances.as_images() else {
            return Err(usage(format!("{} has feature columns, no images to draw", request.table.display())));
        };
        contact_sheet::write(global, path, images)?;
    }
    let description = OwnDescription::new(request.table, &data);
    match global.output {
        Output::Json => print_json(&description)?,
        Output::Human => {
            for line in words::lines(&description) {
                print(&line)?;
            }
        }
    }
    Ok(())
}

impl OwnDescription {
    fn new(table: &Path, data: &OwnData) -> Self {
        let Outlook { diagnostics, verdict, sentences } = Outlook::of(data);
        Self {
            data: table.display().to_string(),
            proportions: data.proportions_path.display().to_string(),
            unit: data.unit,
            share_step: data.share_step,
            share_is_cut: data.share_is_cut,
            other_columns: data.other_columns.clone(),
            class_names: data.data.class_names.clone(),
            shape: data.data.train.instances.shape(),
            columns: data.schema.as_ref().map(|schema| schema.columns.clone()),
            train: BagsDescription::new(&data.bags),
            held_out: BagsDescription::new(&data.held_out),
            test: TestDescription::new(&data.data.test, &data.test_bags),
            fingerprint: data.fingerprint(),
            data_notes: data.data.notes.iter().map(ToString::to_string).collect(),
            findings: diagnostics.findings(),
            column_notes: data.notes.clone(),
            verdict,
            sentences,
            diagnostics,
        }
    }
}

impl BagsDescription {
    fn new(bags: &[OwnBag]) -> Self {
        let mut sizes: Vec<usize> = bags.iter().map(|bag| bag.instances.len()).collect();
        sizes.sort_unstable();
        let count = |kind: fn(&Imprecision) -> bool| bags.iter().filter(|bag| kind(&bag.imprecision)).count();
        Self {
            n_bags: bags.len(),
            n_instances: sizes.iter().sum(),
            sizes: sizes.last().map(|&largest| [sizes[0], sizes[sizes.len() / 2], largest]),
            n_exact: count(|imprecision| *imprecision == Imprecision::Exact),
            n_with_errors: count(|imprecision| matches!(imprecision, Imprecision::StandardErrors(_))),
            n_with_bounds: count(|imprecision| matches!(imprecision, Imprecision::Intervals { .. })),
        }
    }
}

impl TestDescription {
    fn new(split: &Split, bags: &[OwnBag]) -> Self {
        let class_counts = split.labels.as_ref().map(llp_bags::LabelOracle::class_counts);
        Self { n_instances: split.instances.len(), n_bags: bags.len(), class_counts }
    }
}
