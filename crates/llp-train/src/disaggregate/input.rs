//! Two tables, checked and joined.

use std::collections::BTreeMap;
use std::path::Path;

use llp_bags::table::Table;
use llp_ot::Proportions;

use super::{Bag, BaggedPredictions, DisaggregateError};

/// Columns of the output.
const RESERVED: [&str; 3] = ["instance", "label", "confidence"];

/// Tables may be printed with three digits: sums may be off by the rounding of their terms, and are divided out.
fn sum_tolerance(n_classes: usize) -> f64 {
    5e-4 * n_classes.max(2) as f64
}

impl BaggedPredictions {
    /// Joins a table of class probabilities (columns `instance`, `bag` and one per class) and a table of proportions
    /// (`bag` and one column per class), each in CSV, Parquet or NumPy format.
    ///
    /// Proportions are shares if every row adds up to 1, else counts, which must be those of the instances given.
    /// The classes have the order of the table of proportions, and instances keep theirs.
    ///
    /// # Errors
    /// [`DisaggregateError`] with file and row: tables that cannot be read, classes of one table only, bags without
    /// proportions or instances, repeated instances or bags, rows that do not add up.
    pub fn read(probabilities: &Path, proportions: &Path) -> Result<Self, DisaggregateError> {
        let rows = Table::read(probabilities, &["instance", "bag"])?;
        let bags = Table::read(proportions, &["bag"])?;
        let class_names = class_names(&bags)?;
        let columns = columns(&rows, &bags, &class_names)?;
        unique(&rows, 0, "instance")?;
        let place_of_bag = unique(&bags, 0, "bag")?;
        let mut instances_of = vec![Vec::new(); bags.n_rows()];
        for (row, bag) in rows.ids(1).iter().enumerate() {
            let place = place_of_bag.get(bag.as_str()).ok_or_else(|| DisaggregateError::UnknownBag {
                place: rows.place(row),
                bag: bag.clone(),
                proportions: proportions.to_owned(),
            })?;
            instances_of[*place].push(row);
        }
        Ok(Self {
            probabilities: normalized(&rows, &columns, &class_names)?,
            bags: bags_of(&bags, &class_names, instances_of, probabilities)?,
            instances: rows.ids(0).to_vec(),
            class_names,
        })
    }
}

fn class_names(bags: &Table) -> Result<Vec<String>, DisaggregateError> {
    let path = || bags.path().to_owned();
    let names = bags.names().ok_or_else(|| DisaggregateError::UnnamedClasses { path: path() })?;
    match names.iter().find(|name| RESERVED.contains(&name.as_str())) {
        Some(class) => Err(DisaggregateError::ReservedClass { path: path(), class: class.clone() }),
        None => Ok(names.to_vec()),
    }
}

/// The column of each class in the table of probabilities.
fn columns(rows: &Table, bags: &Table, class_names: &[String]) -> Result<Vec<usize>, DisaggregateError> {
    let (path, other) = (rows.path().to_owned(), bags.path().to_owned());
    let Some(names) = rows.names() else {
        let (got, expected) = (rows.n_columns(), class_names.len());
        return if got == expected {
            Ok((0..expected).collect())
        } else {
            Err(DisaggregateError::ClassCount { path, got, expected, other })
        };
    };
    if let Some(class) = names.iter().find(|name| !class_names.contains(name)) {
        return Err(DisaggregateError::MissingClass { path: other, class: class.clone(), other: path });
    }
    let place = |class: &String| {
        names.iter().position(|name| name == class).ok_or_else(|| DisaggregateError::MissingClass {
            path: path.clone(),
            class: class.clone(),
            other: other.clone(),
        })
    };
    class_names.iter().map(place).collect()
}

/// The row of every identifier.
fn unique<'a>(
    table: &'a Table,
    column: usize,
    what: &'static str,
) -> Result<BTreeMap<&'a str, usize>, DisaggregateError> {
    let mut rows = BTreeMap::new();
    for (row, name) in table.ids(column).iter().enumerate() {
        if let Some(first) = rows.insert(name.as_str(), row) {
            let (place, first_row) = (table.place(row), table.place(first).row);
            return Err(DisaggregateError::Repeated { place, what, name: name.clone(), first_row });
        }
    }
    Ok(rows)
}

/// Probabilities `[instance, class]` whose rows add up to 1.
fn normalized(
    rows: &Table,
    columns: &[usize],
    class_names: &[String],
) -> Result<Vec<f64>, DisaggregateError> {
    let mut probabilities = Vec::with_capacity(rows.n_rows() * columns.len());
    for row in 0..rows.n_rows() {
        let values: Vec<f64> = columns.iter().map(|&column| rows.row(row)[column]).collect();
        check_sign(rows, row, "probability", class_names, &values)?;
        let sum: f64 = values.iter().sum();
        let tolerance = sum_tolerance(columns.len());
        if !is_near_one(sum, tolerance) {
            return Err(DisaggregateError::ProbabilitySum { place: rows.place(row), sum, tolerance });
        }
        probabilities.extend(values.iter().map(|value| value / sum));
    }
    Ok(probabilities)
}

fn check_sign(
    table: &Table,
    row: usize,
    what: &'static str,
    class_names: &[String],
    values: &[f64],
) -> Result<(), DisaggregateError> {
    match values.iter().position(|&value| value < 0.0) {
        None => Ok(()),
        Some(class) => Err(DisaggregateError::Negative {
            place: table.place(row),
            what,
            class: class_names[class].clone(),
            value: values[class],
        }),
    }
}

fn bags_of(
    bags: &Table,
    class_names: &[String],
    instances_of: Vec<Vec<usize>>,
    probabilities: &Path,
) -> Result<Vec<Bag>, DisaggregateError> {
    let are_counts = are_counts(bags, class_names)?;
    let bag = |(row, instances): (usize, Vec<usize>)| {
        let (place, name) = (bags.place(row), bags.ids(0)[row].clone());
        let (values, probabilities) = (bags.row(row), probabilities.to_owned());
        if instances.is_empty() {
            return Err(DisaggregateError::EmptyBag { place, bag: name, probabilities });
        }
        let sum: f64 = values.iter().sum();
        if are_counts && sum != instances.len() as f64 {
            let expected = instances.len();
            return Err(DisaggregateError::CountSum { place, bag: name, got: sum, expected, probabilities });
        }
        let proportions = Proportions::new(values.iter().map(|value| value / sum).collect())?;
        let counts = if are_counts {
            values.iter().map(|&count| count as u32).collect()
        } else {
            proportions.largest_remainder_counts(instances.len() as u32)
        };
        Ok(Bag { name, instances, proportions, counts })
    };
    instances_of.into_iter().enumerate().map(bag).collect()
}

/// Whether a table of proportions holds counts; if not, every row adds up to 1.
fn are_counts(bags: &Table, class_names: &[String]) -> Result<bool, DisaggregateError> {
    for row in 0..bags.n_rows() {
        check_sign(bags, row, "proportion", class_names, bags.row(row))?;
    }
    let tolerance = sum_tolerance(class_names.len());
    let sum = |row: usize| bags.row(row).iter().sum::<f64>();
    let is_share = |row: &usize| is_near_one(sum(*row), tolerance);
    let is_count = |row: &usize| sum(*row) > 0.0 && bags.row(*row).iter().all(|value| value.fract() == 0.0);
    let mut rows = 0..bags.n_rows();
    if rows.clone().all(|row| is_share(&row)) {
        return Ok(false);
    }
    if rows.clone().all(|row| is_count(&row)) {
        return Ok(true);
    }
    // The first row that is neither; else the first that is no share, among those that are no counts.
    let neither = rows.clone().find(|row| !is_share(row) && !is_count(row));
    let row = neither.or_else(|| rows.find(|row| !is_share(row))).unwrap_or(0);
    let (place, bag) = (bags.place(row), bags.ids(0)[row].clone());
    Err(DisaggregateError::ProportionSum { place, bag, sum: sum(row), tolerance })
}

/// Whether a sum is 1 but for the rounding of its terms, and a little of its own.
fn is_near_one(sum: f64, tolerance: f64) -> bool {
    (sum - 1.0).abs() <= tolerance + 1e-9
}
