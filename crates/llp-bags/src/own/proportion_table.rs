//! A table of proportions as it is written: a row per bag, a column per class, and what is known of their errors.
//!
//! Training, inspection, prediction and `disaggregate` all read it here, so that they accept the same tables and
//! understand them alike.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use llp_data::table::names::whole_numbers;
use llp_data::table::{Cell, Column, ColumnHead, Head, Kind, Lines, TableReader};
use llp_data::{DataError, Place};

use super::proportion_columns::{ClassColumns, Part, Role, classes_of};

/// The rows of a table of proportions, not yet compared with the instances.
#[derive(Debug, Clone, PartialEq)]
pub struct ProportionTable {
    pub(super) path: PathBuf,
    pub(super) class_names: Vec<String>,
    pub(super) is_named: bool,
    pub(super) other_columns: Vec<String>,
    pub(super) rows: Vec<Row>, // at least one
    places: HashMap<String, usize>,
}

/// What is written of a bag.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) bag: String,
    pub(super) classes: Vec<Entry>, // [class]
}

/// What is written of a class of a bag: shares or counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Entry {
    Unknown,
    Value(f64),
    Within { low: f64, high: f64, value: Option<f64> },
    Noisy { value: f64, error: f64 },
}

impl ProportionTable {
    /// Reads a table with a column `bag` and one per class; `CLASS_low`, `CLASS_high` and `CLASS_se` may be beside a
    /// column `CLASS`. An array without names has the bag first, and classes named 0, 1 and so on.
    ///
    /// # Errors
    /// With file and row: a table that cannot be read, fewer than two classes, a bag with two rows,
    /// cells that are no numbers.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let reader = TableReader::open(path)?;
        let mut written = Written::new(path, reader.head())?;
        let wanted = written.wanted();
        for batch in reader.batches(&wanted)? {
            let batch = batch?;
            written.append(&wanted, batch.columns(), batch.lines())?;
        }
        written.into_table()
    }

    /// The table that a file with these columns would be; `columns` are the names and numbers of all but the column
    /// `bag`, `[column][row]`, and NaN is an empty cell. Messages call it `name`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Panics
    /// If a column has not as many rows as there are bags.
    pub fn from_columns(
        name: &str,
        bags: &[String],
        columns: &[(String, Vec<f64>)],
    ) -> Result<Self, DataError> {
        let path = Path::new(name);
        let bag = ColumnHead { name: "bag".to_owned(), kind: Kind::Text };
        let number = |(name, _): &(String, _)| ColumnHead { name: name.clone(), kind: Kind::Reals };
        let head = Head::named(path, std::iter::once(bag).chain(columns.iter().map(number)).collect())?;
        let mut written = Written::new(path, &head)?;
        let wanted = written.wanted();
        let column = |&column: &usize| match column {
            0 => Column::bytes(bags.iter().map(|bag| Some(bag.as_bytes()))),
            _ => Column::reals((0..bags.len()).map(|row| Some(columns[column - 1].1[row]))),
        };
        let cells: Vec<Column> = wanted.iter().map(column).collect();
        written.append(&wanted, &cells, &Lines::default())?;
        written.into_table()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The classes, in the order of every `[class]` axis.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Whether the file names its columns; else classes are numbers.
    pub fn is_named(&self) -> bool {
        self.is_named
    }

    /// The columns that were taken neither for the bag nor for a class or its errors: row numbers.
    pub fn other_columns(&self) -> &[String] {
        &self.other_columns
    }

    /// The number of bags.
    #[expect(clippy::len_without_is_empty, reason = "a table has at least one row")]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The name of the bag in a row, from 0.
    pub fn bag(&self, row: usize) -> &str {
        &self.rows[row].bag
    }

    /// The row of a bag, from 0.
    pub fn row(&self, bag: &str) -> Option<usize> {
        self.places.get(bag).copied()
    }

    /// Where a row is, for people.
    pub fn place(&self, row: usize) -> Place {
        self.rows[row].place.clone()
    }

    /// The same table with its classes in another order: `order` has the place of each in the old one.
    ///
    /// # Panics
    /// If there is no such place, as for a slice.
    #[must_use]
    pub fn ordered(mut self, order: &[usize]) -> Self {
        for row in &mut self.rows {
            row.classes = order.iter().map(|&class| row.classes[class]).collect();
        }
        self.class_names = order.iter().map(|&class| self.class_names[class].clone()).collect();
        self
    }
}

/// The cells of a table.
struct Written<'a> {
    path: &'a Path,
    columns: ClassColumns,
    bags: Vec<String>,                 // [row]
    cells: Vec<Vec<[Option<f64>; 4]>>, // [row][class]
    lines: Lines,
}

impl<'a> Written<'a> {
    fn new(path: &'a Path, head: &Head) -> Result<Self, DataError> {
        let columns = ClassColumns::of(path, head)?;
        Ok(Self { path, columns, bags: vec![], cells: vec![], lines: Lines::default() })
    }

    /// The columns that are read.
    fn wanted(&self) -> Vec<usize> {
        let roles = &self.columns.roles;
        (0..roles.len()).filter(|&column| roles[column] != Role::Other).collect()
    }

    /// Takes the next rows of the columns `wanted`.
    fn append(&mut self, wanted: &[usize], columns: &[Column], lines: &Lines) -> Result<(), DataError> {
        self.lines.extend(lines);
        let n_classes = self.columns.class_names.len();
        for row in 0..columns.first().map_or(0, Column::len) {
            let place = || self.lines.place(self.path, self.cells.len());
            let mut classes = vec![[None; 4]; n_classes];
            for (&column, cells) in wanted.iter().zip(columns) {
                let (cell, name) = (cells.cell(row), &self.columns.names[column]);
                if let Cell::Bytes(_) = cell {
                    return Err(DataError::not_text(place()));
                }
                if let Role::Class(class, part) = self.columns.roles[column] {
                    let number = cell.number().filter(|number| number.is_finite());
                    if number.is_none() && !cell.is_missing() {
                        let (got, classes) = (cell.shown(), classes_of(&self.columns.class_names));
                        let error = DataError::at(place(), format!("is {got:?}")).in_column(name);
                        return Err(error.remedy(format!(
                            "write a number, or leave the cell empty if it is unknown; if the column is no class, remove it \
                             ({classes}); a row holds one bag, not one class of it"
                        )));
                    }
                    classes[class][part as usize] = number;
                } else {
                    let bag = cell.name().ok_or_else(|| DataError::empty_cell(place(), name))?;
                    self.bags.push(bag.into_owned());
                }
            }
            self.cells.push(classes);
        }
        Ok(())
    }

    fn into_table(mut self) -> Result<ProportionTable, DataError> {
        if self.bags.is_empty() {
            return Err(DataError::no_rows(self.path));
        }
        whole_numbers(&mut self.bags);
        let mut places = HashMap::new();
        let mut rows = Vec::with_capacity(self.bags.len());
        for (row, bag) in self.bags.iter().enumerate() {
            let place = self.lines.place(self.path, row);
            if let Some(first) = places.insert(bag.clone(), row) {
                let problem = format!("bag {bag:?} is in row {} as well", first + 1);
                return Err(DataError::at(place, problem).remedy("give every bag one row"));
            }
            let classes = (0..self.columns.class_names.len()).map(|class| self.entry(row, class, &place));
            let classes = classes.collect::<Result<Vec<_>, _>>()?;
            if classes.iter().all(|entry| *entry == Entry::Unknown) {
                let remedy = "fill in at least one class, or drop the bag from both tables";
                return Err(DataError::at(place, format!("nothing is known of bag {bag:?}")).remedy(remedy));
            }
            rows.push(Row { place, bag: bag.clone(), classes });
        }
        let ClassColumns { class_names, is_named, names, roles } = self.columns;
        let others = names.into_iter().zip(roles).filter(|(_, role)| *role == Role::Other);
        let other_columns = others.map(|(name, _)| name).collect();
        Ok(ProportionTable { path: self.path.to_owned(), class_names, is_named, other_columns, rows, places })
    }

    /// Checks the cells of a class by themselves.
    fn entry(&self, row: usize, class: usize, place: &Place) -> Result<Entry, DataError> {
        let [value, low, high, error] = self.cells[row][class];
        let has_errors = self.columns.has(class, Part::Error);
        let name = &self.columns.class_names[class];
        let refused = |problem: String| DataError::at(place.clone(), problem);
        for (cell, part) in [(value, ""), (low, "_low"), (high, "_high"), (error, "_se")] {
            let is_noisy = part.is_empty() && has_errors;
            if let Some(value) = cell.filter(|&value| value < 0.0 && !is_noisy) {
                let hint = if part.is_empty() { "; noisy ones need a column of standard errors" } else { "" };
                let error = refused(format!("is {value}, below 0")).in_column(&format!("{name}{part}"));
                return Err(error.remedy(format!("shares, counts and standard errors start at 0{hint}")));
            }
        }
        match (value, low, high, error) {
            (None, None, None, None) => Ok(Entry::Unknown),
            (Some(value), None, None, Some(error)) => Ok(Entry::Noisy { value, error }),
            (Some(value), None, None, None) if !has_errors => Ok(Entry::Value(value)),
            (value, Some(low), Some(high), None) => {
                if low > high {
                    let problem = format!("class {name:?} lies between {low} and {high}");
                    return Err(refused(problem).remedy("the lower bound must not be above the upper one"));
                }
                match value.filter(|value| !(low..=high).contains(value)) {
                    None => Ok(Entry::Within { low, high, value }),
                    Some(value) => {
                        let problem =
                            format!("class {name:?} is {value}, outside its bounds {low} and {high}");
                        Err(refused(problem).remedy("correct one of the three"))
                    }
                }
            }
            (_, None, None, _) => {
                let problem = format!("class {name:?} lacks its value or its standard error");
                Err(refused(problem).remedy("fill in both for every class, or give intervals"))
            }
            _ => {
                let remedy = format!("fill in both {name}_low and {name}_high, or neither");
                Err(refused(format!("class {name:?} has one bound only")).remedy(remedy))
            }
        }
    }
}
