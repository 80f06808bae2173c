//! Keeping what the files of a table of instances hold.

use std::path::Path;

use super::OwnError;
use super::codes::Codes;
use super::columns::FeatureCells;
use super::layout::TableFile;
use super::pictures::Pictures;
use super::roles::{Role, roles};
use super::rows::{Content, Places, Purpose, Rows, SplitName};
use crate::table::scan::{Cell, Head, Kind, Sink};
use crate::table::{Place, TableError};

/// Appends the rows of one file.
pub(super) struct Collector<'a> {
    path: &'a Path,
    split: SplitName, // of rows that name none
    purpose: Purpose<'a>,
    kinds: Option<Vec<Kind>>,         // where the file declares none
    label_names: Option<Vec<String>>, // that integers stand for
    first_row: usize,
    roles: Vec<Role>,           // [column]
    places: Vec<Option<usize>>, // [column], among those of features
    rows: Option<Rows>,
}

impl Sink for Collector<'_> {
    type Error = OwnError;

    fn head(&mut self, head: &Head) -> Result<Vec<usize>, OwnError> {
        self.roles = roles(self.path, head)?;
        let must_have_bag = self.split != SplitName::Test && matches!(self.purpose, Purpose::Train { .. });
        if must_have_bag && !self.roles.contains(&Role::Bag) {
            let (path, found) = (self.path.to_owned(), head.names());
            return Err(TableError::MissingColumn { path, column: "bag", found }.into());
        }
        let content = match self.rows.take() {
            None => self.new_content(head)?,
            Some(rows) => return self.go_on(head, rows),
        };
        let (splits, bags, labels, ids) = (vec![], Codes::default(), Codes::default(), None);
        let left_out = names_of(head, &self.roles, Role::RowNumbers);
        self.go_on(head, Rows { places: Places::default(), splits, bags, labels, ids, content, left_out })
    }

    fn cell(&mut self, column: usize, row: usize, cell: Cell<'_>) -> Result<(), OwnError> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let place = || Place { path: self.path.to_owned(), row: row as u64 + 1 };
        match (self.roles[column], &mut rows.content) {
            (Role::Feature, Content::Features(columns)) => {
                if let Some(at) = self.places[column] {
                    columns[at].push(cell, place)?;
                }
            }
            (Role::Image, Content::Pictures(pictures)) => match cell {
                Cell::Bytes(bytes) => pictures.push(place(), bytes)?,
                Cell::Empty => pictures.push_elsewhere(place())?,
                cell => pictures.push(place(), cell.shown().as_bytes())?,
            },
            (Role::ImagePath, Content::Pictures(pictures)) => {
                if let Cell::Text(path) = cell {
                    pictures.path(self.first_row + row, path);
                }
            }
            _ => self.text(column, place(), cell)?,
        }
        Ok(())
    }
}

fn names_of(head: &Head, roles: &[Role], role: Role) -> Vec<String> {
    let columns = head.columns.iter().zip(roles).filter(|(_, own)| **own == role);
    columns.map(|(column, _)| column.name.clone()).collect()
}

fn empty(place: Place, column: &str) -> TableError {
    TableError::EmptyCell { place, column: column.to_owned() }
}

impl<'a> Collector<'a> {
    /// Goes on with `rows`, those of the files before.
    pub(super) fn new(
        file: &'a TableFile,
        purpose: Purpose<'a>,
        kinds: Option<Vec<Kind>>,
        label_names: Option<Vec<String>>,
        rows: Option<Rows>,
    ) -> Self {
        let (path, split) = (file.path.as_path(), file.split);
        let first_row = rows.as_ref().map_or(0, Rows::len);
        Self { path, split, purpose, kinds, label_names, first_row, roles: vec![], places: vec![], rows }
    }

    /// What the first file holds, or what the purpose asks for.
    fn new_content(&self, head: &Head) -> Result<Content, OwnError> {
        let pictures = |side, channels| -> Result<Content, OwnError> {
            let pictures = Pictures::new(side, channels)?;
            let has_paths = self.roles.contains(&Role::Path);
            Ok(if has_paths {
                Content::Files { paths: vec![], pictures }
            } else {
                Content::Pictures(pictures)
            })
        };
        match self.purpose {
            Purpose::Features(schema) => {
                Ok(Content::Features(schema.columns.iter().map(FeatureCells::of_schema).collect()))
            }
            Purpose::Images { side, channels } => pictures(side, Some(channels)),
            Purpose::Train { image_side } if !self.roles.contains(&Role::Feature) => {
                pictures(image_side, None)
            }
            Purpose::Train { .. } => {
                let features = (0..self.roles.len()).filter(|&column| self.roles[column] == Role::Feature);
                let kind = |column: usize| {
                    self.kinds.as_ref().map_or(&head.columns[column].kind, |kinds| &kinds[column])
                };
                let name = |column: usize| head.columns[column].name.clone();
                Ok(Content::Features(
                    features.map(|column| FeatureCells::new(name(column), kind(column))).collect(),
                ))
            }
        }
    }

    /// Finds the columns of `rows` in this file; gives those to read.
    fn go_on(&mut self, head: &Head, mut rows: Rows) -> Result<Vec<usize>, OwnError> {
        self.places = vec![None; self.roles.len()];
        match &rows.content {
            Content::Features(columns) => {
                for (at, column) in columns.iter().enumerate() {
                    let found = head.find(column.name()).filter(|&found| self.roles[found] == Role::Feature);
                    let Some(found) = found else {
                        let (path, column) = (self.path.to_owned(), column.name().to_owned());
                        return Err(OwnError::MissingFeature { path, column });
                    };
                    self.places[found] = Some(at);
                }
            }
            Content::Files { .. } => self.must_have(Role::Path, "image files")?,
            Content::Pictures(_) | Content::Images(_) => self.must_have(Role::Image, "images")?,
        }
        rows.places.push(self.path.to_owned(), self.first_row);
        if self.roles.contains(&Role::Id) {
            rows.ids.get_or_insert_with(|| vec![String::new(); self.first_row]);
        }
        self.rows = Some(rows);
        let is_wanted = |column: &usize| match self.roles[*column] {
            Role::Ignored | Role::RowNumbers => false,
            Role::Feature => self.places[*column].is_some(),
            _ => true,
        };
        Ok((0..self.roles.len()).filter(is_wanted).collect())
    }

    fn must_have(&self, role: Role, expected: &'static str) -> Result<(), OwnError> {
        if self.roles.contains(&role) {
            return Ok(());
        }
        let got = if self.roles.contains(&Role::Feature) { "features" } else { "images of another kind" };
        Err(OwnError::OtherInstances { path: self.path.to_owned(), got, expected })
    }

    /// Takes a cell of a column that describes the instance.
    fn text(&mut self, column: usize, place: Place, cell: Cell<'_>) -> Result<(), OwnError> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        if let Cell::Bytes(_) = cell {
            return Err(TableError::Encoding { place }.into());
        }
        let text = cell.name();
        let text = text.as_deref();
        match (self.roles[column], &mut rows.content) {
            (Role::Bag, _) => rows.bags.push(text),
            (Role::Label, _) => {
                let name = self.label_names.as_deref().and_then(|names| named(names, cell));
                rows.labels.push(name.or(text));
            }
            (Role::Split, _) => rows.splits.push(match text {
                None => self.split,
                Some("train") => SplitName::Train,
                Some("held_out") => SplitName::HeldOut,
                Some("test") => SplitName::Test,
                Some(got) => return Err(OwnError::Split { place, got: got.to_owned() }),
            }),
            (Role::Id, _) => {
                if let Some(ids) = &mut rows.ids {
                    ids.push(text.unwrap_or_default().to_owned());
                }
            }
            (Role::Path, Content::Files { paths, .. }) => {
                paths.push(text.ok_or_else(|| empty(place, "path"))?.to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    /// Fills in what the file has no column for.
    pub(super) fn finish(self) -> Result<Rows, OwnError> {
        let mut rows = self.rows.ok_or(OwnError::NoTable { folder: self.path.to_owned() })?;
        let n_rows = rows.len();
        rows.splits.resize(n_rows, self.split);
        for codes in [&mut rows.bags, &mut rows.labels] {
            while codes.len() < n_rows {
                codes.push(None);
            }
        }
        if let Some(ids) = &mut rows.ids {
            ids.resize(n_rows, String::new());
        }
        Ok(rows)
    }
}

/// The name of a class that an integer stands for.
fn named<'a>(names: &'a [String], cell: Cell<'_>) -> Option<&'a str> {
    let Cell::Integer(class) = cell else { return None };
    usize::try_from(class).ok().and_then(|class| names.get(class)).map(String::as_str)
}
