//! Ecological inference from two tables: counts of the groups in bags, and the proportions of the bags.

use std::path::Path;

use llp_bags::Imprecision;
use llp_bags::own::{GroupColumns, GroupCounts, ProportionTable};
use llp_classic::{GroupTables, ecological_inference};
use llp_data::DataError;

use crate::TrainError;

pub use llp_classic::{COVERAGE, Dependence, EcologicalConfig, EcologicalFit, Interval, Share};

/// The groups and the classes of bags.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupsAndClasses {
    /// The bags that have instances, `[bag]`.
    pub bags: Vec<String>,
    /// `[group]`
    pub groups: Vec<String>,
    /// `[class]`
    pub classes: Vec<String>,
    /// Their counts.
    pub tables: GroupTables,
    /// How many bags have proportions that are the best guess within what is known.
    pub n_guessed: usize,
    /// How many bags were left out because they have no instances.
    pub n_empty: usize,
    /// Columns of the table of groups that were not used.
    pub other_columns: Vec<String>,
    /// Whether each row of the table of groups is one instance.
    pub is_one_per_row: bool,
}

impl GroupsAndClasses {
    /// Reads the table of groups at `groups` and that of proportions at `proportions`.
    ///
    /// Shares become the counts that are nearest to them, by largest remainders.
    ///
    /// # Errors
    /// With file and row: what [`GroupCounts::read`] and [`ProportionTable::read`] refuse, a bag that only one of the tables
    /// has, shares that do not add up, counts of other numbers of instances; fewer than two groups, and a group or a
    /// class without an instance.
    pub fn read(groups: &Path, proportions: &Path, columns: &GroupColumns) -> Result<Self, TrainError> {
        let counts = GroupCounts::read(groups, columns)?;
        let table = ProportionTable::read(proportions)?;
        let rows = rows_of(&counts, groups, &table)?;
        let n_groups = counts.groups.len();
        let size = |bag: usize| -> usize {
            counts.counts[bag * n_groups..(bag + 1) * n_groups].iter().map(|&count| count as usize).sum()
        };
        let mut sizes = vec![None; table.len()];
        (0..rows.len()).filter(|&bag| size(bag) > 0).for_each(|bag| sizes[rows[bag]] = Some(size(bag)));
        let resolved = table.resolve(&sizes, groups)?;
        let (mut bags, mut of_groups, mut of_classes) = (Vec::new(), Vec::new(), Vec::new());
        let mut n_guessed = 0;
        for (bag, name) in counts.bags.iter().enumerate() {
            let Some((shares, imprecision)) = &resolved[rows[bag]] else { continue };
            n_guessed += usize::from(*imprecision != Imprecision::Exact);
            bags.push(name.clone());
            of_groups.extend_from_slice(&counts.counts[bag * n_groups..(bag + 1) * n_groups]);
            of_classes.extend(shares.largest_remainder_counts(size(bag) as u32));
        }
        let classes = table.class_names().to_vec();
        check_members(groups, "group", &counts.groups, &of_groups)?;
        check_members(proportions, "class", &classes, &of_classes)?;
        let tables = GroupTables::new(of_groups, n_groups, of_classes, classes.len())?;
        Ok(Self {
            n_empty: counts.bags.len() - bags.len(),
            bags,
            groups: counts.groups,
            classes,
            tables,
            n_guessed,
            other_columns: counts.other_columns,
            is_one_per_row: counts.is_one_per_row,
        })
    }

    /// Estimates the share of each class in each group.
    ///
    /// # Errors
    /// Settings out of their ranges.
    pub fn infer(&self, config: &EcologicalConfig) -> Result<EcologicalFit, TrainError> {
        Ok(ecological_inference(&self.tables, config)?)
    }
}

/// The row of each bag in the table of proportions, `[bag]`.
fn rows_of(counts: &GroupCounts, groups: &Path, table: &ProportionTable) -> Result<Vec<usize>, DataError> {
    let row = |bag: &String| {
        table.row(bag).ok_or_else(|| {
            let problem = format!("bag {bag:?} has no row in {}", table.path().display());
            DataError::of(groups, problem).remedy("give it proportions, or drop it")
        })
    };
    let rows: Vec<usize> = counts.bags.iter().map(row).collect::<Result<_, _>>()?;
    let mut is_there = vec![false; table.len()];
    for &row in &rows {
        is_there[row] = true;
    }
    match is_there.iter().position(|&is_there| !is_there) {
        None => Ok(rows),
        Some(row) => {
            let problem = format!("bag {:?} has no row in {}", table.bag(row), groups.display());
            Err(DataError::at(table.place(row), problem).remedy("give it counts of groups, or drop it"))
        }
    }
}

/// Refuses a table of fewer than two groups or classes, and one without an instance, by name.
fn check_members(path: &Path, what: &str, names: &[String], counts: &[u32]) -> Result<(), DataError> {
    if names.len() < 2 {
        let problem = format!("there is one {what}, {:?}", names[0]);
        return Err(DataError::of(path, problem)
            .remedy(format!("give at least two: its shares are known with one {what}")));
    }
    let is_empty = |at: &usize| counts.chunks_exact(names.len()).all(|counts| counts[*at] == 0);
    match (0..names.len()).find(is_empty) {
        None => Ok(()),
        Some(at) => Err(DataError::of(path, format!("{what} {:?} has no instance in any bag", names[at]))
            .remedy("leave it out")),
    }
}
