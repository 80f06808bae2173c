//! A table of instances from afar: its bags, without features or images.

use std::path::Path;

use super::OwnError;
use super::codes::Codes;
use super::layout::{self, TableFile};
use super::roles::{Role, roles};
use super::rows::SplitName;
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
    for file in layout::instances(table)?.iter().filter(|file| file.split != SplitName::Test) {
        let mut look = Look { file, roles: vec![], bags: Codes::default(), is_test: vec![] };
        scan(&file.path, &mut look)?;
        has_images |= look.roles.iter().any(|role| matches!(role, Role::Path | Role::Image));
        for row in 0..look.bags.len() {
            if !look.is_test.get(row).is_some_and(|is_test| *is_test) {
                bags.push(look.bags.text(row));
            }
        }
    }
    let mut sizes = vec![0; bags.texts().len()];
    for bag in (0..bags.len()).filter_map(|row| bags.code(row)) {
        sizes[bag] += 1;
    }
    Ok(Outline { has_images, largest_bag: sizes.into_iter().max().unwrap_or(0) })
}

struct Look<'a> {
    file: &'a TableFile,
    roles: Vec<Role>, // [column]
    bags: Codes,
    is_test: Vec<bool>, // [row]; empty without a column of splits
}

impl Sink for Look<'_> {
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
