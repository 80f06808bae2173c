//! The table of what is known of bags.

use std::collections::BTreeMap;
use std::path::Path;

use llp_bags::table::Table;
use llp_ot::Proportions;

use super::{Bag, DisaggregateError};

/// Tables may be printed with three digits: sums may be off by the rounding of their terms, and are divided out.
pub(super) fn sum_tolerance(n_classes: usize) -> f64 {
    5e-4 * n_classes.max(2) as f64
}

/// Whether a sum is 1 but for the rounding of its terms, and a little of its own.
pub(super) fn is_near_one(sum: f64, tolerance: f64) -> bool {
    (sum - 1.0).abs() <= tolerance + 1e-9
}

/// The proportions of named bags: shares if every row adds up to 1, else counts.
#[derive(Debug, Clone, PartialEq)]
pub struct BagProportions {
    table: Table,
    class_names: Vec<String>,
    columns: Vec<usize>, // [class]
    are_counts: bool,
    places: BTreeMap<String, usize>,
}

impl BagProportions {
    /// Reads a table with the columns `bag` and one per class, in CSV, Parquet or NumPy format.
    ///
    /// # Errors
    /// [`DisaggregateError`] with file and row: a table that cannot be read, repeated bags, columns without names, rows
    /// that do not add up.
    pub fn read(path: &Path) -> Result<Self, DisaggregateError> {
        let table = Table::read(path, &["bag"])?;
        let names = table.names();
        let class_names =
            names.ok_or_else(|| DisaggregateError::UnnamedClasses { path: path.to_owned() })?.to_vec();
        let places = unique(&table, 0, "bag")?;
        let places = places.into_iter().map(|(name, row)| (name.to_owned(), row)).collect();
        let are_counts = are_counts(&table, &class_names)?;
        Ok(Self { columns: (0..class_names.len()).collect(), table, class_names, are_counts, places })
    }

    /// The same with the classes in another order, which must be the same classes.
    ///
    /// # Errors
    /// [`DisaggregateError::MissingClass`] with `other`, which has the class that is missing here or is the one without.
    pub fn ordered(self, class_names: &[String], other: &Path) -> Result<Self, DisaggregateError> {
        let columns = columns_of(class_names, &self.class_names, other, self.path())?;
        Ok(Self { columns, class_names: class_names.to_vec(), ..self })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.table.path()
    }

    /// The classes, in the order of every `[class]` axis.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The number of bags.
    #[expect(clippy::len_without_is_empty, reason = "a table has at least one row")]
    pub fn len(&self) -> usize {
        self.table.n_rows()
    }

    /// The row of a bag, from 0.
    pub fn place(&self, bag: &str) -> Option<usize> {
        self.places.get(bag).copied()
    }

    /// The bag of a row, which has these instances, all that are in `source`.
    ///
    /// # Errors
    /// [`DisaggregateError::EmptyBag`]; [`DisaggregateError::CountSum`] for counts of another number of instances.
    pub fn bag(&self, row: usize, instances: Vec<usize>, source: &Path) -> Result<Bag, DisaggregateError> {
        let (place, name) = (self.table.place(row), self.table.ids(0)[row].clone());
        if instances.is_empty() {
            return Err(DisaggregateError::EmptyBag { place, bag: name, probabilities: source.to_owned() });
        }
        let values: Vec<f64> = self.columns.iter().map(|&column| self.table.row(row)[column]).collect();
        let sum: f64 = values.iter().sum();
        if self.are_counts && sum != instances.len() as f64 {
            let (expected, probabilities) = (instances.len(), source.to_owned());
            return Err(DisaggregateError::CountSum { place, bag: name, got: sum, expected, probabilities });
        }
        let proportions = Proportions::new(values.iter().map(|value| value / sum).collect())?;
        let counts = if self.are_counts {
            values.iter().map(|&count| count as u32).collect()
        } else {
            proportions.largest_remainder_counts(instances.len() as u32)
        };
        Ok(Bag { name, instances, proportions, counts })
    }
}

/// The place of each of `wanted` among `found`, which are the same names; `wanted_by` and `path` have them.
pub(super) fn columns_of(
    wanted: &[String],
    found: &[String],
    wanted_by: &Path,
    path: &Path,
) -> Result<Vec<usize>, DisaggregateError> {
    if let Some(class) = found.iter().find(|name| !wanted.contains(name)) {
        return Err(DisaggregateError::MissingClass {
            path: wanted_by.to_owned(),
            class: class.clone(),
            other: path.to_owned(),
        });
    }
    let place = |class: &String| {
        found.iter().position(|name| name == class).ok_or_else(|| DisaggregateError::MissingClass {
            path: path.to_owned(),
            class: class.clone(),
            other: wanted_by.to_owned(),
        })
    };
    wanted.iter().map(place).collect()
}

/// The row of every identifier.
pub(super) fn unique<'a>(
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

pub(super) fn check_sign(
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
