//! Keeping a whole table of numbers in memory.

use std::path::Path;

use super::names::whole_numbers;
use super::scan::{Cell, Head, Kind, Sink};
use super::{Place, Table, TableError};

/// Collects the columns of a [`Table`].
pub(super) struct Collector<'a> {
    path: &'a Path,
    id_names: &'a [&'static str],
    may_be_empty: &'a [&'static str],
    choose: &'a dyn Fn(&[String]) -> Option<Vec<usize>>,
    names: Vec<String>, // of all columns
    is_named: bool,
    roles: Vec<Role>,       // [column]
    ids: Vec<Vec<String>>,  // [identifying column][row]
    numbers: Vec<Vec<f64>>, // [numeric column][row]
}

/// What a column is for, and its place among those of its kind.
#[derive(Clone, Copy)]
enum Role {
    Id(usize),
    Number(usize),
    Ignored,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        path: &'a Path,
        id_names: &'a [&'static str],
        may_be_empty: &'a [&'static str],
        choose: &'a dyn Fn(&[String]) -> Option<Vec<usize>>,
    ) -> Self {
        let ids = vec![Vec::new(); id_names.len()];
        let (names, roles, numbers) = (vec![], vec![], vec![]);
        Self { path, id_names, may_be_empty, choose, names, is_named: true, roles, ids, numbers }
    }

    pub(super) fn into_table(mut self) -> Result<Table, TableError> {
        self.ids.iter_mut().for_each(|ids| whole_numbers(ids));
        let n_rows = self.numbers.first().map_or(0, Vec::len);
        if n_rows == 0 {
            return Err(TableError::NoRows { path: self.path.to_owned() });
        }
        let is_number = |column: &usize| matches!(self.roles[*column], Role::Number(_));
        let names = (0..self.names.len()).filter(is_number).map(|column| self.names[column].clone());
        Ok(Table {
            path: self.path.to_owned(),
            names: self.is_named.then(|| names.collect()),
            values: (0..n_rows).flat_map(|row| self.numbers.iter().map(move |column| column[row])).collect(),
            ids: self.ids,
        })
    }

    /// The place of each identifying column; the first ones of a file without names.
    fn find_ids(&self, head: &Head) -> Result<Vec<usize>, TableError> {
        if !head.is_named {
            return Ok((0..self.id_names.len()).collect());
        }
        let find = |name: &&'static str| {
            head.find(name).ok_or_else(|| TableError::MissingColumn {
                path: self.path.to_owned(),
                column: name,
                found: head.names(),
            })
        };
        self.id_names.iter().map(find).collect()
    }
}

impl Sink for Collector<'_> {
    type Error = TableError;

    fn head(&mut self, head: &Head) -> Result<Vec<usize>, TableError> {
        let ids = self.find_ids(head)?;
        if head.columns.len() <= ids.len() {
            return Err(TableError::NoNumericColumn { path: self.path.to_owned() });
        }
        let chosen = if head.is_named { (self.choose)(&head.names()) } else { None };
        for (column, declared) in head.columns.iter().enumerate() {
            if let Some(id) = ids.iter().position(|&id| id == column) {
                self.roles.push(Role::Id(id));
                continue;
            }
            if chosen.as_ref().is_some_and(|chosen| !chosen.contains(&column)) || head.is_row_numbers(column)
            {
                self.roles.push(Role::Ignored);
                continue;
            }
            if declared.kind == Kind::Text {
                let (path, column) = (self.path.to_owned(), declared.name.clone());
                return Err(TableError::ColumnType {
                    path,
                    column,
                    got: "text: expected numbers".to_owned(),
                });
            }
            self.roles.push(Role::Number(self.numbers.len()));
            self.numbers.push(Vec::new());
        }
        (self.names, self.is_named) = (head.names(), head.is_named);
        let is_wanted = |column: &usize| !matches!(self.roles[*column], Role::Ignored);
        Ok((0..head.columns.len()).filter(is_wanted).collect())
    }

    fn cell(&mut self, column: usize, row: usize, cell: Cell<'_>) -> Result<(), TableError> {
        let place = || Place { path: self.path.to_owned(), row: row as u64 + 1 };
        let name = || self.names[column].clone();
        match (self.roles[column], cell) {
            (Role::Id(id), Cell::Empty) if self.may_be_empty.contains(&self.id_names[id]) => {
                self.ids[id].push(String::new());
            }
            (_, Cell::Empty) => return Err(TableError::EmptyCell { place: place(), column: name() }),
            (_, Cell::Bytes(_)) => return Err(TableError::Encoding { place: place() }),
            (Role::Id(id), cell) => self.ids[id].push(cell.name().unwrap_or_default().into_owned()),
            (Role::Number(number), cell) => match cell.number().filter(|number| number.is_finite()) {
                Some(value) => self.numbers[number].push(value),
                None => {
                    return Err(TableError::NotANumber { place: place(), column: name(), got: cell.shown() });
                }
            },
            (Role::Ignored, _) => {}
        }
        Ok(())
    }
}
