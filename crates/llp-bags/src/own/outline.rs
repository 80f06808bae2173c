//! An overview of a table of instances: its bags, without features or images.

use std::collections::HashMap;
use std::path::Path;

use llp_data::DataError;
use llp_data::table::TableReader;

use super::codes::Codes;
use super::layout::{self, Found};
use super::roles::{Role, roles};
use super::rows::{Purpose, SplitName};

/// What can be said of own data at little cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// Whether the instances are images, not rows of features.
    pub has_images: bool,
    /// The instances of the largest bag that is not for testing; 0 if there is none.
    pub largest_bag: usize,
}

/// Looks at the bags of `table`, a file or a folder, and at nothing else.
///
/// # Errors
/// The table cannot be read. What is wrong with its bags is left to [`read`](super::read).
pub fn outline(table: &Path) -> Result<Outline, DataError> {
    let (mut bags, mut has_images) = (Codes::default(), false);
    let files = match layout::find(table)? {
        Found::Tables(files, _) => files,
        found @ Found::Folders(_) => return of_folders(&found),
    };
    for file in files.iter().filter(|file| file.split != SplitName::Test) {
        let reader = TableReader::open(&file.path)?;
        let roles = roles(&file.path, reader.head())?;
        has_images |= roles.iter().any(|role| matches!(role, Role::Path | Role::Image));
        let find = |role: Role| roles.iter().position(|own| *own == role);
        let Some(bag) = find(Role::Bag) else { continue };
        let wanted: Vec<usize> = [Some(bag), find(Role::Split)].into_iter().flatten().collect();
        for batch in reader.batches(&wanted)? {
            let batch = batch?;
            for row in 0..batch.n_rows() {
                let mut split = batch.columns()[1..].iter().map(|column| column.cell(row));
                if !split.any(|split| split.name().as_deref() == Some(SplitName::Test.name())) {
                    bags.push(batch.column(0).cell(row).name().as_deref());
                }
            }
        }
    }
    Ok(Outline { has_images, largest_bag: largest((0..bags.len()).filter_map(|row| bags.code(row))) })
}

fn of_folders(found: &Found) -> Result<Outline, DataError> {
    let (rows, _) = found.read(Purpose::Train { image_side: 1, impute: None }, &[])?;
    let is_training = |row: &usize| rows.splits[*row] != SplitName::Test;
    let bags = (0..rows.len()).filter(is_training).filter_map(|row| rows.bags.code(row));
    Ok(Outline { has_images: true, largest_bag: largest(bags) })
}

/// How often the most frequent bag occurs.
fn largest(bags: impl Iterator<Item = usize>) -> usize {
    let mut sizes = HashMap::new();
    for bag in bags {
        *sizes.entry(bag).or_insert(0) += 1;
    }
    sizes.into_values().max().unwrap_or(0)
}
