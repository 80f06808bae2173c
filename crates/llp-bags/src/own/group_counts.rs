//! How many instances of each group are in each bag: the table of ecological inference.
//!
//! It is long, a row for each bag and group with a column of weights (or a row for each instance), or wide, a row for
//! each bag with a column for each group.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use llp_data::table::names::whole_numbers;
use llp_data::table::{Cell, Head, Lines, TableReader};
use llp_data::{DataError, Place};

use super::proportion_table::{Entry, ProportionTable};

/// Counts of groups in bags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupCounts {
    /// The bags, in the order of their first rows.
    pub bags: Vec<String>,
    /// The groups: of a long table in the order of their names, of a wide one in that of its columns.
    pub groups: Vec<String>,
    /// Instances, `[bag, group]`.
    pub counts: Vec<u32>,
    /// Columns that were not used.
    pub other_columns: Vec<String>,
    /// Whether a long table has no column of weights, so that each row is one instance.
    pub is_one_per_row: bool,
}

/// The columns of a long table; each has a usual name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupColumns {
    /// Of groups; `group` if it is not set and there is such a column.
    pub group: Option<String>,
    /// Of numbers of instances; `weight` if it is not set and there is such a column.
    pub weight: Option<String>,
}

impl GroupCounts {
    /// Reads a CSV, Parquet or NumPy file with a column `bag`; one without a column of groups is wide.
    ///
    /// # Errors
    /// With file and row: a table that cannot be read, a column that is not there, an empty cell, numbers of instances that
    /// are not whole numbers of at least 0, a bag or a group of more than `u32::MAX` instances.
    pub fn read(path: &Path, columns: &GroupColumns) -> Result<Self, DataError> {
        let reader = TableReader::open(path)?;
        let head = reader.head();
        let group = chosen(path, head, columns.group.as_deref(), "group")?;
        let weight = chosen(path, head, columns.weight.as_deref(), "weight")?;
        let Some(group) = group else {
            if let Some(weight) = weight {
                let problem =
                    format!("there is a column {:?}, but none of groups", head.columns[weight].name);
                return Err(DataError::of(path, problem).remedy("name the column of groups: --group COLUMN"));
            }
            return wide(&ProportionTable::read(path)?);
        };
        let bag = head.find("bag").ok_or_else(|| DataError::missing_column(path, "bag", &head.names()))?;
        let wanted: Vec<usize> = [bag, group].into_iter().chain(weight).collect();
        let is_other = |column: &usize| !wanted.contains(column);
        let other_columns = (0..head.columns.len())
            .filter(is_other)
            .map(|column| head.columns[column].name.clone())
            .collect();
        let names: Vec<String> = wanted.iter().map(|&column| head.columns[column].name.clone()).collect();
        let mut rows = Rows::default();
        for batch in reader.batches(&wanted)? {
            let batch = batch?;
            rows.lines.extend(batch.lines());
            for row in 0..batch.n_rows() {
                let cells: Vec<Cell<'_>> = batch.columns().iter().map(|column| column.cell(row)).collect();
                rows.append(path, &names, &cells)?;
            }
        }
        rows.counted(path, other_columns, weight.is_none())
    }
}

/// The place of a column that was asked for, or of one with the usual name.
fn chosen(path: &Path, head: &Head, asked: Option<&str>, usual: &str) -> Result<Option<usize>, DataError> {
    match asked {
        None => Ok(head.find(usual)),
        Some(name) => match head.find(name) {
            Some(column) => Ok(Some(column)),
            None => Err(DataError::missing_column(path, name, &head.names())),
        },
    }
}

/// The cells of a long table.
#[derive(Default)]
struct Rows {
    lines: Lines,
    bags: Vec<String>,
    groups: Vec<String>,
    weights: Vec<u32>,
}

impl Rows {
    fn append(&mut self, path: &Path, names: &[String], cells: &[Cell<'_>]) -> Result<(), DataError> {
        let place = || self.lines.place(path, self.bags.len());
        let name = |at: usize| match cells[at] {
            Cell::Bytes(_) => Err(DataError::not_text(place())),
            cell => cell.name().ok_or_else(|| DataError::empty_cell(place(), &names[at])),
        };
        let (bag, group) = (name(0)?.into_owned(), name(1)?.into_owned());
        let weight = match cells.get(2) {
            None => 1,
            Some(cell) => whole(cell.number(), &cell.shown(), &names[2], place)?,
        };
        self.bags.push(bag);
        self.groups.push(group);
        self.weights.push(weight);
        Ok(())
    }

    /// The counts of the groups in the bags.
    fn counted(
        mut self,
        path: &Path,
        other_columns: Vec<String>,
        is_one_per_row: bool,
    ) -> Result<GroupCounts, DataError> {
        if self.bags.is_empty() {
            return Err(DataError::no_rows(path));
        }
        whole_numbers(&mut self.bags);
        whole_numbers(&mut self.groups);
        let groups: BTreeSet<&str> = self.groups.iter().map(String::as_str).collect();
        let places: HashMap<&str, usize> = groups.iter().enumerate().map(|(at, &name)| (name, at)).collect();
        let mut rows_of: HashMap<&str, usize> = HashMap::new();
        let (mut bags, mut counts, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (bag, group)) in self.bags.iter().zip(&self.groups).enumerate() {
            let at = *rows_of.entry(bag).or_insert_with(|| {
                bags.push(bag.clone());
                sizes.push(0_u64);
                counts.resize(counts.len() + groups.len(), 0_u32);
                bags.len() - 1
            });
            sizes[at] += u64::from(self.weights[row]);
            if sizes[at] > u64::from(u32::MAX) {
                return Err(too_many(self.lines.place(path, row), bag));
            }
            counts[at * groups.len() + places[group.as_str()]] += self.weights[row];
        }
        let groups = groups.into_iter().map(str::to_owned).collect();
        Ok(GroupCounts { bags, groups, counts, other_columns, is_one_per_row })
    }
}

/// A number of instances.
fn whole(
    number: Option<f64>,
    shown: &str,
    column: &str,
    place: impl Fn() -> Place,
) -> Result<u32, DataError> {
    match number {
        Some(number) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) => {
            Ok(number as u32)
        }
        _ => Err(DataError::at(place(), format!("is {shown:?}"))
            .in_column(column)
            .remedy("give a number of instances: a whole number of at least 0")),
    }
}

fn too_many(place: Place, bag: &str) -> DataError {
    DataError::at(place, format!("bag {bag:?} has more than {} instances", u32::MAX))
        .remedy("divide it into smaller bags")
}

/// The counts of a table with a column for each group.
fn wide(table: &ProportionTable) -> Result<GroupCounts, DataError> {
    let mut counts = Vec::with_capacity(table.rows.len() * table.class_names.len());
    for row in &table.rows {
        for (group, entry) in table.class_names.iter().zip(&row.classes) {
            let (number, shown) = match *entry {
                Entry::Value(value) => (Some(value), value.to_string()),
                _ => (None, String::new()),
            };
            counts.push(whole(number, &shown, group, || row.place.clone())?);
        }
        let of_bag = &counts[counts.len() - table.class_names.len()..];
        if of_bag.iter().map(|&count| u64::from(count)).sum::<u64>() > u64::from(u32::MAX) {
            return Err(too_many(row.place.clone(), &row.bag));
        }
    }
    Ok(GroupCounts {
        bags: table.rows.iter().map(|row| row.bag.clone()).collect(),
        groups: table.class_names.clone(),
        counts,
        other_columns: table.other_columns.clone(),
        is_one_per_row: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, columns: &GroupColumns) -> Result<GroupCounts, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("groups.csv");
        fs_err::write(&path, text).expect("a file");
        GroupCounts::read(&path, columns)
            .map_err(|error| error.to_string().replace(&path.display().to_string(), "groups.csv"))
    }

    /// Theorem: a long table, one with a row for each instance, and a wide table of the same instances give the same counts.
    #[test]
    fn all_forms_give_the_same_counts() {
        let usual = GroupColumns::default();
        let long = "bag,group,weight,note\n2,b,3,x\n1,a,2,\n2,a,1,y\n1,b,0,\n2,b,1,z\n";
        let long = read(long, &usual).expect("a long table");
        assert_eq!((long.bags.join(" "), long.groups.join(" ")), ("2 1".to_owned(), "a b".to_owned()));
        assert_eq!((long.counts.as_slice(), long.is_one_per_row), (&[1, 4, 2, 0][..], false));
        assert_eq!(long.other_columns, ["note"]);
        let people = read(
            "bag,race\n2,b\n2,b\n2,a\n2,b\n1,a\n2,b\n1,a\n",
            &GroupColumns { group: Some("race".to_owned()), weight: None },
        );
        let people = people.expect("a row for each instance");
        assert_eq!((&people.counts, people.is_one_per_row), (&long.counts, true));
        let wide = read("bag,a,b\n2,1,4\n1,2,0\n", &usual).expect("a wide table");
        assert_eq!((&wide.bags, &wide.groups, &wide.counts), (&long.bags, &long.groups, &long.counts));
    }

    #[test]
    fn what_is_no_count_is_refused_with_its_place() {
        let usual = GroupColumns::default();
        let asked = GroupColumns { group: Some("race".to_owned()), weight: None };
        for (text, columns, parts) in [
            ("bag,group,weight\n1,a,2.5\n", &usual, ["row 1", "weight", "\"2.5\"", "whole number"]),
            ("bag,group,weight\n1,a,1\n1,a,-2\n", &usual, ["row 2", "weight", "\"-2\"", "at least 0"]),
            ("bag,group,weight\n1,,1\n", &usual, ["row 1", "group", "empty", ""]),
            ("bag,group,weight\n1,a,\n", &usual, ["row 1", "weight", "\"\"", "whole number"]),
            (
                "bag,group,weight\n1,a,4294967295\n1,b,1\n",
                &usual,
                ["row 2", "\"1\"", "more than", "smaller bags"],
            ),
            (
                "bag,group,weight\n1,a,4294967295\n1,a,1\n",
                &usual,
                ["row 2", "\"1\"", "more than", "smaller bags"],
            ),
            ("bag,weight\n1,1\n", &usual, ["\"weight\"", "none of groups", "--group", ""]),
            ("bag,group\n1,a\n", &asked, ["race", "bag", "group", ""]),
            ("ward,group\n1,a\n", &usual, ["bag", "ward", "", ""]),
            ("bag,a,b\n1,0.5,0.5\n", &usual, ["row 1", "\"0.5\"", "whole number", ""]),
        ] {
            let error = read(text, columns).expect_err(text);
            assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
        }
    }
}
