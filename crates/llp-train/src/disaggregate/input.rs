//! Two tables, checked and joined.

use std::collections::BTreeMap;
use std::path::Path;

use llp_bags::own::ProportionTable;
use llp_data::DataError;
use llp_data::table::Table;

use super::{BaggedPredictions, bags_of};

/// Columns of the output.
const RESERVED: [&str; 3] = ["instance", "label", "confidence"];

/// Probabilities may be printed with three digits: sums may be off by the rounding of their terms, and are divided out.
const ROUNDING: f64 = 5e-4;
/// Sums of many classes may not be off by more than this.
const ROUNDING_MAX: f64 = 0.1;

impl BaggedPredictions {
    /// Joins a table of class probabilities (columns `instance`, `bag` and one per class, as CSV, Parquet or NumPy file)
    /// and a [`ProportionTable`].
    ///
    /// The columns of probabilities are called as the classes are, or `p_CLASS`, as `llp predict --probabilities` writes
    /// them; then all other columns are ignored. The classes have the order of the table of proportions, and instances
    /// keep theirs. A row without a bag keeps its probabilities.
    ///
    /// # Errors
    /// With file and row: tables that cannot be read, classes of one table only, bags without
    /// proportions or instances, repeated instances or bags, rows that do not add up.
    pub fn read(probabilities: &Path, proportions: &Path) -> Result<Self, DataError> {
        let bags = ProportionTable::read(proportions)?;
        let classes = bags.class_names();
        check_class_names(&bags)?;
        let rows = Table::read_selected(probabilities, &["instance", "bag"], &["bag"], &|names| {
            predicted(classes, names)
        })?;
        let columns = columns(&rows, &bags)?;
        check_unique(&rows)?;
        let mut instances_of = vec![Vec::new(); bags.len()];
        for (row, bag) in rows.ids(1).iter().enumerate().filter(|(_, bag)| !bag.is_empty()) {
            let place = bags.row(bag).ok_or_else(|| {
                let problem = format!("bag {bag:?} is not in {}", proportions.display());
                DataError::at(rows.place(row), problem).remedy("add its proportions or remove the instance")
            })?;
            instances_of[place].push(row);
        }
        if let Some(row) = instances_of.iter().position(Vec::is_empty) {
            let problem = format!("bag {:?} has no instance in {}", bags.bag(row), probabilities.display());
            return Err(DataError::at(bags.place(row), problem).remedy("add its instances or remove the bag"));
        }
        Ok(Self {
            probabilities: normalized(&rows, &columns, classes)?,
            bags: bags_of(&bags, instances_of, probabilities)?,
            instances: rows.ids(0).to_vec(),
            class_names: classes.to_vec(),
        })
    }
}

fn check_class_names(bags: &ProportionTable) -> Result<(), DataError> {
    match bags.class_names().iter().find(|name| RESERVED.contains(&name.as_str())) {
        None => Ok(()),
        Some(class) => {
            let problem = format!("a class cannot be called {class:?}, that is a column of the output");
            Err(DataError::of(bags.path(), problem).remedy("rename it"))
        }
    }
}

/// The columns `p_CLASS` among `names`, in the order of the classes, if there is one for every class and not one of its
/// own name for every class.
fn predicted(classes: &[String], names: &[String]) -> Option<Vec<usize>> {
    if classes.iter().all(|class| names.contains(class)) {
        return None;
    }
    let place = |class: &String| names.iter().position(|name| name.strip_prefix("p_") == Some(class));
    classes.iter().map(place).collect()
}

/// The column of each class in the table of probabilities.
fn columns(rows: &Table, bags: &ProportionTable) -> Result<Vec<usize>, DataError> {
    let classes = bags.class_names();
    let Some(names) = rows.names() else {
        let (got, expected) = (rows.n_columns(), classes.len());
        if got == expected {
            return Ok((0..expected).collect());
        }
        let problem = format!("{got} columns after instance and bag, expected {expected}");
        let remedy = format!("one per class, in the order of {}", bags.path().display());
        return Err(DataError::of(rows.path(), problem).remedy(remedy));
    };
    match predicted(classes, names) {
        Some(columns) => Ok(columns),
        None => columns_of(classes, names, bags.path(), rows.path()),
    }
}

/// The place of each of `wanted` among `found`, which are the same names; `wanted_by` and `path` have them.
///
/// # Errors
/// A name that only one of them has.
pub fn columns_of(
    wanted: &[String],
    found: &[String],
    wanted_by: &Path,
    path: &Path,
) -> Result<Vec<usize>, DataError> {
    let missing = |class: &String, path: &Path, other: &Path| {
        let problem = format!("there is no column for class {class:?}, which {} has", other.display());
        DataError::of(path, problem).remedy("both tables need one column per class")
    };
    if let Some(class) = found.iter().find(|name| !wanted.contains(name)) {
        return Err(missing(class, wanted_by, path));
    }
    let place = |class: &String| {
        found.iter().position(|name| name == class).ok_or_else(|| missing(class, path, wanted_by))
    };
    wanted.iter().map(place).collect()
}

/// Refuses two rows for one instance.
fn check_unique(rows: &Table) -> Result<(), DataError> {
    let mut first_rows = BTreeMap::new();
    for (row, name) in rows.ids(0).iter().enumerate() {
        if let Some(first) = first_rows.insert(name.as_str(), row) {
            let problem = format!("instance {name:?} is already in row {}", rows.place(first).row);
            return Err(DataError::at(rows.place(row), problem).remedy("give it once"));
        }
    }
    Ok(())
}

/// Probabilities `[instance, class]` whose rows add up to 1.
fn normalized(rows: &Table, columns: &[usize], class_names: &[String]) -> Result<Vec<f64>, DataError> {
    let tolerance = (ROUNDING * columns.len().max(2) as f64).min(ROUNDING_MAX);
    let mut probabilities = Vec::with_capacity(rows.n_rows() * columns.len());
    for row in 0..rows.n_rows() {
        let values: Vec<f64> = columns.iter().map(|&column| rows.row(row)[column]).collect();
        if let Some(class) = values.iter().position(|&value| value < 0.0) {
            let (class, value) = (&class_names[class], values[class]);
            let problem = format!("probability of class {class:?} is {value}, expected at least 0");
            return Err(DataError::at(rows.place(row), problem));
        }
        let sum: f64 = values.iter().sum();
        if (sum - 1.0).abs() > tolerance + 1e-9 {
            let problem = format!("probabilities add up to {sum}, expected 1 within {tolerance}");
            return Err(DataError::at(rows.place(row), problem));
        }
        probabilities.extend(values.iter().map(|value| value / sum));
    }
    Ok(probabilities)
}
