//! An overview of a table of instances: its bags, without features or images.

use std::collections::HashMap;
use std::path::Path;

use super::OwnError;
use super::codes::Codes;
use super::layout::{self, Found, TableFile};
use super::roles::{Role, roles};
use super::rows::{Purpose, SplitName};
use crate::table::scan::{Cell, Head, Sink, scan};

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
pub fn outline(table: &Path) -> Result<Outline, OwnError> {
    let (mut bags, mut has_images) = (Codes::default(), false);
    let files = match layout::find(table)? {
        Found::Tables(files, _) => files,
        found @ Found::Folders(_) => return of_folders(&found),
    };
    for file in files.iter().filter(|file| file.split != SplitName::Test) {
        let mut columns = BagColumns { file, roles: vec![], bags: Codes::default(), is_test: vec![] };
        scan(&file.path, &mut columns)?;
        has_images |= columns.roles.iter().any(|role| matches!(role, Role::Path | Role::Image));
        for row in 0..columns.bags.len() {
            if !columns.is_test.get(row).is_some_and(|is_test| *is_test) {
                bags.push(columns.bags.text(row));
            }
        }
    }
    Ok(Outline { has_images, largest_bag: largest((0..bags.len()).filter_map(|row| bags.code(row))) })
}

fn of_folders(found: &Found) -> Result<Outline, OwnError> {
    let (rows, _) = found.read(Purpose::Train { image_side: 1 }, &[])?;
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

struct BagColumns<'a> {
    file: &'a TableFile,
    roles: Vec<Role>, // [column]
    bags: Codes,
    is_test: Vec<bool>, // [row]; empty without a column of splits
}

impl Sink for BagColumns<'_> {
    type Error = OwnError;

    fn head(&mut self, head: &Head) -> Result<Vec<usize>, OwnError> {
        self.roles = roles(&self.file.path, head)?;
        let is_wanted = |column: &usize| matches!(self.roles[*column], Role::Bag | Role::Split);
        Ok((0..self.roles.len()).filter(is_wanted).collect())
    }

    fn cell(&mut self, column: usize, _: usize, cell: Cell<'_>) -> Result<(), OwnError> {
        let text = cell.name();
        if self.roles[column] == Role::Bag {
            self.bags.push(text.as_deref());
        } else {
            self.is_test.push(text.as_deref() == Some(SplitName::Test.name()));
        }
        Ok(())
    }
}
