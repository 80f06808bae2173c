//! Two tables, checked and joined.

use std::path::Path;

use llp_bags::table::Table;

use super::proportions::{check_sign, columns_of, is_near_one, sum_tolerance, unique};
use super::{BagProportions, BaggedPredictions, DisaggregateError};

/// Columns of the output.
const RESERVED: [&str; 3] = ["instance", "label", "confidence"];

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
        let bags = BagProportions::read(proportions)?;
        check_class_names(&bags)?;
        let columns = columns(&rows, &bags)?;
        unique(&rows, 0, "instance")?;
        let mut instances_of = vec![Vec::new(); bags.len()];
        for (row, bag) in rows.ids(1).iter().enumerate() {
            let place = bags.place(bag).ok_or_else(|| DisaggregateError::UnknownBag {
                place: rows.place(row),
                bag: bag.clone(),
                proportions: proportions.to_owned(),
            })?;
            instances_of[place].push(row);
        }
        let bag = |(row, instances)| bags.bag(row, instances, probabilities);
        Ok(Self {
            probabilities: normalized(&rows, &columns, bags.class_names())?,
            bags: instances_of.into_iter().enumerate().map(bag).collect::<Result<_, _>>()?,
            instances: rows.ids(0).to_vec(),
            class_names: bags.class_names().to_vec(),
        })
    }
}

fn check_class_names(bags: &BagProportions) -> Result<(), DisaggregateError> {
    match bags.class_names().iter().find(|name| RESERVED.contains(&name.as_str())) {
        None => Ok(()),
        Some(class) => {
            Err(DisaggregateError::ReservedClass { path: bags.path().to_owned(), class: class.clone() })
        }
    }
}

/// The column of each class in the table of probabilities.
fn columns(rows: &Table, bags: &BagProportions) -> Result<Vec<usize>, DisaggregateError> {
    if let Some(names) = rows.names() {
        return columns_of(bags.class_names(), names, bags.path(), rows.path());
    }
    let (got, expected) = (rows.n_columns(), bags.class_names().len());
    if got == expected {
        return Ok((0..expected).collect());
    }
    let (path, other) = (rows.path().to_owned(), bags.path().to_owned());
    Err(DisaggregateError::ClassCount { path, got, expected, other })
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
