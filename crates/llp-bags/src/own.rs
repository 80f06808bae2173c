//! One's own bags: a table of instances and a table of proportions, without any label of an instance.
//!
//! The table of instances is a CSV, Parquet or NumPy file, or a folder that holds `instances.csv`, `.tsv`, `.parquet` or
//! `.npy`, or files in the hub's layout (`train-*.parquet`). A folder of images needs none: each folder in it
//! is a bag. The columns of a table:
//!
//! | column | meaning |
//! |---|---|
//! | `bag` | the bag that the instance is in; may be empty in the split `test` |
//! | `split` | `train` (also if it is empty or there is no such column), `held_out` or `test` |
//! | `label` | the class, for evaluation; may be absent |
//! | `instance` | a name; may be absent |
//! | `path` | an image file, from the folder of the table; all other columns are ignored |
//! | `image` or `img` | in Parquet files, a struct with the `bytes` of an encoded image; all others are ignored |
//! | any other | a feature: a number, or a text that stands for a category |
//!
//! The table of proportions has a column `bag` and one for each class: shares, or numbers of instances. An empty cell is
//! a class of which nothing is known. Beside a column `CLASS` there may be `CLASS_low` and `CLASS_high`, bounds of it, or
//! `CLASS_se`, its standard error.
//!
//! `docs/own-data.md` has examples.

mod assemble;
mod bags;
mod codes;
mod collect;
mod column_hints;
mod columns;
mod folders;
mod group_counts;
mod impute;
mod instances;
mod kinds;
mod layout;
mod memory;
mod notes;
mod numbers;
mod outline;
mod proportion_columns;
mod proportion_table;
mod roles;
mod rows;
mod scale;
mod schema;
mod suspects;
mod words;

use std::path::{Path, PathBuf};

use crate::source::Dataset;

use llp_data::DataError;

pub use bags::OwnBag;
pub use group_counts::{GroupColumns, GroupCounts};
pub use impute::Impute;
pub use instances::{
    InstanceNames, InstanceTable, Like, Listed, list_instances, read_images, read_instances,
};
pub use layout::{is_own, is_table};
pub use memory::{InMemory, MemoryColumn, MemoryValues, instances_in_memory, join};
pub use notes::ColumnNote;
pub use numbers::Shift;
pub use outline::{Outline, outline};
pub use proportion_table::ProportionTable;
pub use scale::Unit;
pub use schema::{FeatureColumn, FeatureSchema};

/// Bags of own data, and everything else in their tables.
#[derive(Debug, Clone)]
pub struct OwnData {
    /// The instances. Those of training and of held-out bags are the split `train`; `test` may be empty. Each split
    /// has labels if all its rows have one.
    pub data: Dataset,
    /// The bags to train on, in the order of their names; at least one.
    pub bags: Vec<OwnBag>,
    /// The bags of the split `held_out`, in the order of their names; none if no row is of it.
    pub held_out: Vec<OwnBag>,
    /// The bags of test instances whose proportions are known, in the order of their names.
    pub test_bags: Vec<OwnBag>,
    /// The names of the instances of training and of held-out bags.
    pub train_names: InstanceNames,
    /// The names of the test instances.
    pub test_names: InstanceNames,
    /// The columns of features; `None` for images.
    pub schema: Option<FeatureSchema>,
    /// What deserves a second look in the columns of features.
    pub notes: Vec<ColumnNote>,
    /// What the table of proportions holds.
    pub unit: Unit,
    /// The least difference of two shares as they are written, 0.01 for two decimals; `None` for counts and where
    /// all shares are whole.
    pub share_step: Option<f64>,
    /// Whether the further decimals of shares were cut off, not rounded.
    pub share_is_cut: bool,
    /// Columns of the table of proportions that are neither the bag nor a class nor an error of one.
    pub other_columns: Vec<String>,
    /// The table of proportions.
    pub proportions_path: PathBuf,
}

/// Reads the instances of `table`, a file or a folder, and the proportions of their bags: `proportions`, or
/// `proportions.csv` or `proportions.parquet` beside the table.
///
/// Images are resized to squares of `image_size` pixels; all have three channels if one has color. Bags may differ in
/// size. The order of the rows decides about the ids of instances and nothing else.
///
/// # Errors
/// What is wrong, with file and row.
pub fn read(table: &Path, proportions: Option<&Path>, image_size: usize) -> Result<OwnData, DataError> {
    read_imputed(table, proportions, image_size, None)
}

/// As [`read`], but numbers that are missing get a value, if `impute` says which; it is kept in the schema.
///
/// # Errors
/// As [`read`]; a column without any number in a row for training.
pub fn read_imputed(
    table: &Path,
    proportions: Option<&Path>,
    image_size: usize,
    impute: Option<Impute>,
) -> Result<OwnData, DataError> {
    let found = layout::find(table)?;
    let proportions = match proportions {
        Some(path) => path.to_owned(),
        None => layout::proportions(table)?,
    };
    let proportions = ProportionTable::read(&proportions)?;
    let purpose = rows::Purpose::Train { image_side: image_size, impute };
    let (rows, mut notes) = found.read(purpose, &proportions.class_names)?;
    notes.extend(notes::imputed(&rows, impute));
    let name = table.file_stem().unwrap_or(table.as_os_str()).to_string_lossy().into_owned();
    let mut data = assemble::assemble(name, rows, &proportions)?;
    data.data.notes.splice(0..0, notes);
    Ok(data)
}
