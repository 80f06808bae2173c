//! A table of proportions as it stands: a row per bag, a column per class, and what is told of their errors.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{OwnError, ProportionsError};
use crate::table::scan::{Cell, Head, Sink, scan};
use crate::table::{Place, TableError};

/// The rows of a table of proportions, not yet compared with the instances.
#[derive(Debug)]
pub(super) struct ProportionTable {
    pub(super) path: PathBuf,
    pub(super) class_names: Vec<String>,
    pub(super) rows: Vec<Row>, // at least one
}

/// What is told of a bag.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) bag: String,
    pub(super) classes: Vec<Told>, // [class]
}

/// What is told of a class of a bag: shares or counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Told {
    Nothing,
    Value(f64),
    Within { low: f64, high: f64, value: Option<f64> },
    Noisy { value: f64, error: f64 },
}

/// Reads a table with a column `bag` and one per class; `CLASS_low`, `CLASS_high` and `CLASS_se` may stand beside a
/// column `CLASS`. An array without names has the bag first, and classes named 0, 1 and so on.
pub(super) fn read(path: &Path) -> Result<ProportionTable, OwnError> {
    let mut collector =
        Collector { path, roles: vec![], class_names: vec![], names: vec![], bags: vec![], cells: vec![] };
    scan(path, &mut collector)?;
    collector.into_table()
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Bag,
    Class(usize, Part),
}

/// Also its place among the four cells of a class.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Value = 0,
    Low = 1,
    High = 2,
    Error = 3,
}

const SUFFIXES: [(&str, Part); 3] = [("_low", Part::Low), ("_high", Part::High), ("_se", Part::Error)];

struct Collector<'a> {
    path: &'a Path,
    roles: Vec<Role>,   // [column]
    names: Vec<String>, // [column]
    class_names: Vec<String>,
    bags: Vec<String>,                 // [row]
    cells: Vec<Vec<[Option<f64>; 4]>>, // [class][row]
}

impl Sink for Collector<'_> {
    type Error = OwnError;

    fn head(&mut self, head: &Head) -> Result<Vec<usize>, OwnError> {
        self.names = head.names();
        let bag = if head.is_named { head.find("bag") } else { Some(0) };
        let bag = bag.ok_or_else(|| TableError::MissingColumn {
            path: self.path.to_owned(),
            column: "bag",
            found: head.names(),
        })?;
        let is_class =
            |column: &usize| *column != bag && of_class(&self.names, &self.names[*column]).is_none();
        let classes: Vec<usize> = (0..self.names.len()).filter(is_class).collect();
        if classes.len() < 2 {
            let (path, n_classes) = (self.path.to_owned(), classes.len());
            return Err(ProportionsError::TooFewClasses { path, n_classes }.into());
        }
        self.class_names = classes.iter().map(|&column| self.names[column].clone()).collect();
        self.roles = (0..self.names.len()).map(|column| self.role(column, bag)).collect();
        if !head.is_named {
            self.class_names = (0..classes.len()).map(|class| class.to_string()).collect();
        }
        self.check_parts()?;
        self.cells = vec![Vec::new(); classes.len()];
        Ok((0..self.names.len()).collect())
    }

    fn cell(&mut self, column: usize, row: usize, cell: Cell<'_>) -> Result<(), OwnError> {
        let place = || Place { path: self.path.to_owned(), row: row as u64 + 1 };
        let name = || self.names[column].clone();
        let Role::Class(class, part) = self.roles[column] else {
            let bag = cell.name().ok_or_else(|| TableError::EmptyCell { place: place(), column: name() })?;
            self.bags.push(bag.into_owned());
            return Ok(());
        };
        let number = cell.number().filter(|number| number.is_finite());
        if number.is_none() && !matches!(cell, Cell::Empty) {
            let (place, column, got) = (place(), name(), cell.shown());
            return Err(ProportionsError::NotANumber { place, column, got }.into());
        }
        let rows = &mut self.cells[class];
        if rows.len() <= row {
            rows.resize(row + 1, [None; 4]);
        }
        rows[row][part as usize] = number;
        Ok(())
    }
}

/// The class and the part of a column that stands beside that of a class.
fn of_class<'a>(names: &[String], name: &'a str) -> Option<(&'a str, Part)> {
    let of = |(suffix, part): &(&str, Part)| {
        let class = name.strip_suffix(suffix)?;
        names.iter().any(|other| other == class && class != "bag").then_some((class, *part))
    };
    SUFFIXES.iter().find_map(of)
}

impl Collector<'_> {
    fn role(&self, column: usize, bag: usize) -> Role {
        if column == bag {
            return Role::Bag;
        }
        let name = self.names[column].as_str();
        let (class, part) = of_class(&self.names, name).unwrap_or((name, Part::Value));
        Role::Class(self.class_names.iter().position(|other| other == class).unwrap_or(0), part)
    }

    /// Bounds come in pairs, and no table has both bounds and errors.
    fn check_parts(&self) -> Result<(), OwnError> {
        let column = |wanted: Role| self.roles.iter().position(|&role| role == wanted);
        let (mut interval, mut error) = (None, None);
        for (class, name) in self.class_names.iter().enumerate() {
            let [low, high] = [Part::Low, Part::High].map(|part| column(Role::Class(class, part)));
            if let (Some(one), None) | (None, Some(one)) = (low, high) {
                let missing = format!("{name}_{}", if low.is_some() { "high" } else { "low" });
                let (path, column) = (self.path.to_owned(), self.names[one].clone());
                return Err(ProportionsError::OneBound { path, column, missing }.into());
            }
            interval = interval.or(low);
            error = error.or(column(Role::Class(class, Part::Error)));
        }
        if let (Some(interval), Some(error)) = (interval, error) {
            let (interval, error) = (self.names[interval].clone(), self.names[error].clone());
            return Err(ProportionsError::TwoKinds { path: self.path.to_owned(), interval, error }.into());
        }
        Ok(())
    }

    fn into_table(self) -> Result<ProportionTable, OwnError> {
        if self.bags.is_empty() {
            return Err(TableError::NoRows { path: self.path.to_owned() }.into());
        }
        let mut first_rows = HashMap::new();
        let mut rows = Vec::with_capacity(self.bags.len());
        for (row, bag) in self.bags.iter().enumerate() {
            let place = Place { path: self.path.to_owned(), row: row as u64 + 1 };
            if let Some(first) = first_rows.insert(bag, row) {
                let (bag, first_row) = (bag.clone(), first as u64 + 1);
                return Err(ProportionsError::RepeatedBag { place, bag, first_row }.into());
            }
            let classes = (0..self.class_names.len()).map(|class| self.told(row, class, &place));
            let classes = classes.collect::<Result<Vec<_>, _>>()?;
            if classes.iter().all(|told| *told == Told::Nothing) {
                return Err(ProportionsError::NothingKnown { place, bag: bag.clone() }.into());
            }
            rows.push(Row { place, bag: bag.clone(), classes });
        }
        Ok(ProportionTable { path: self.path.to_owned(), class_names: self.class_names, rows })
    }

    /// Checks the cells of a class by themselves.
    fn told(&self, row: usize, class: usize, place: &Place) -> Result<Told, ProportionsError> {
        let [value, low, high, error] = self.cells[class][row];
        let has_errors = self.roles.contains(&Role::Class(class, Part::Error));
        let name = || self.class_names[class].clone();
        let place = || place.clone();
        for (cell, part) in [(value, ""), (low, "_low"), (high, "_high"), (error, "_se")] {
            let is_noisy = part.is_empty() && has_errors;
            if let Some(value) = cell.filter(|&value| value < 0.0 && !is_noisy) {
                let hint = if part.is_empty() { "; noisy ones need a column of standard errors" } else { "" };
                let column = format!("{}{part}", self.class_names[class]);
                return Err(ProportionsError::Negative { place: place(), column, value, hint });
            }
        }
        match (value, low, high, error) {
            (None, None, None, None) => Ok(Told::Nothing),
            (Some(value), None, None, Some(error)) => Ok(Told::Noisy { value, error }),
            (Some(value), None, None, None) if !has_errors => Ok(Told::Value(value)),
            (value, Some(low), Some(high), None) => {
                if low > high {
                    return Err(ProportionsError::Bounds { place: place(), class: name(), low, high });
                }
                match value.filter(|value| !(low..=high).contains(value)) {
                    None => Ok(Told::Within { low, high, value }),
                    Some(value) => Err(ProportionsError::OutsideBounds {
                        place: place(),
                        class: name(),
                        value,
                        low,
                        high,
                    }),
                }
            }
            (_, None, None, _) => Err(ProportionsError::HalfKnown { place: place(), class: name() }),
            _ => Err(ProportionsError::OneBoundOfRow { place: place(), class: name() }),
        }
    }
}
