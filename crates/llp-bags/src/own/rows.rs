//! The rows of a table of instances, from one file or several.

use std::path::{Path, PathBuf};

use super::OwnError;
use super::codes::Codes;
use super::columns::FeatureCells;
use super::kinds::kinds;
use super::layout::TableFile;
use super::pictures::Pictures;
use super::roles::{Role, roles};
use super::schema::FeatureSchema;
use crate::table::scan::{Cell, Head, Kind, Sink, scan};
use crate::table::{Place, TableError};

/// What an instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SplitName {
    Train,
    HeldOut,
    Test,
}

/// What a table is read for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// Training: its columns say what an instance is; images become squares of this side.
    Train { image_side: usize },
    /// Prediction by a network of images.
    Images { side: usize, channels: usize },
    /// Prediction by a network of features.
    Features(&'a FeatureSchema),
}

/// The rows of all files, one after the other.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) places: Places,
    pub(super) splits: Vec<SplitName>,
    pub(super) bags: Codes,
    pub(super) labels: Codes,
    pub(super) ids: Option<Vec<String>>,
    pub(super) content: Content,
}

/// The instances themselves.
#[derive(Debug)]
pub(super) enum Content {
    Features(Vec<FeatureCells>),
    /// Paths, and what is to read them.
    Files {
        paths: Vec<String>,
        pictures: Pictures,
    },
    Pictures(Pictures),
}

/// The files that rows come from, each with its first row.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<(PathBuf, usize)>);

impl Places {
    /// Where a row is, for people.
    pub(super) fn of(&self, row: usize) -> Place {
        let file = self.0.iter().rposition(|(_, first_row)| *first_row <= row).unwrap_or(0);
        let (path, first_row) = &self.0[file];
        Place { path: path.clone(), row: (row - first_row) as u64 + 1 }
    }

    pub(super) fn first_file(&self) -> &Path {
        &self.0[0].0
    }

    /// The folder that paths are taken from.
    pub(super) fn folder(&self) -> &Path {
        self.first_file().parent().unwrap_or(Path::new(""))
    }
}

impl SplitName {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::HeldOut => "held_out",
            Self::Test => "test",
        }
    }
}

/// Reads the files, at least one, which all hold the same kind of instances.
pub(super) fn read(files: &[TableFile], purpose: Purpose<'_>) -> Result<Rows, OwnError> {
    let mut rows: Option<Rows> = None;
    for file in files {
        let kinds = if file.path.extension().is_some_and(|ending| ending == "csv") {
            Some(kinds(&file.path)?)
        } else {
            None
        };
        let mut collector = Collector {
            path: &file.path,
            split: file.split,
            purpose,
            kinds,
            first_row: rows.as_ref().map_or(0, Rows::len),
            roles: vec![],
            places: vec![],
            rows: rows.take(),
        };
        scan(&file.path, &mut collector)?;
        rows = Some(collector.finish()?);
    }
    let rows = rows.ok_or(OwnError::NoTable { folder: PathBuf::new() })?;
    if rows.len() == 0 {
        return Err(TableError::NoRows { path: files[0].path.clone() }.into());
    }
    Ok(rows.sorted_levels())
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match &self.content {
            Content::Features(columns) => columns.first().map_or(0, FeatureCells::len),
            Content::Files { paths, .. } => paths.len(),
            Content::Pictures(pictures) => pictures.len(),
        }
    }

    fn sorted_levels(mut self) -> Self {
        if let Content::Features(columns) = self.content {
            self.content = Content::Features(columns.into_iter().map(FeatureCells::finish).collect());
        }
        self
    }
}

/// Appends the rows of one file.
struct Collector<'a> {
    path: &'a Path,
    split: SplitName, // of rows that name none
    purpose: Purpose<'a>,
    kinds: Option<Vec<Kind>>, // where the file declares none
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
        self.go_on(head, Rows { places: Places::default(), splits, bags, labels, ids, content })
    }

    fn cell(&mut self, column: usize, row: usize, cell: Cell<'_>) -> Result<(), OwnError> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let place = || Place { path: self.path.to_owned(), row: row as u64 + 1 };
        let encoding = || TableError::Encoding { place: place() };
        let text = match cell {
            Cell::Empty => None,
            Cell::Bytes(_) if self.roles[column] != Role::Image => return Err(encoding().into()),
            _ => cell.name(),
        };
        let text = text.as_deref();
        match (self.roles[column], &mut rows.content) {
            (Role::Bag, _) => rows.bags.push(text),
            (Role::Label, _) => rows.labels.push(text),
            (Role::Split, _) => rows.splits.push(match text {
                None => self.split,
                Some("train") => SplitName::Train,
                Some("held_out") => SplitName::HeldOut,
                Some("test") => SplitName::Test,
                Some(got) => return Err(OwnError::Split { place: place(), got: got.to_owned() }),
            }),
            (Role::Id, _) => {
                if let Some(ids) = &mut rows.ids {
                    ids.push(text.unwrap_or_default().to_owned());
                }
            }
            (Role::Path, Content::Files { paths, .. }) => match text {
                Some(path) => paths.push(path.to_owned()),
                None => {
                    return Err(TableError::EmptyCell { place: place(), column: "path".to_owned() }.into());
                }
            },
            (Role::Image, Content::Pictures(pictures)) => match cell {
                Cell::Bytes(bytes) => pictures.push(place(), bytes)?,
                Cell::Empty => {
                    return Err(TableError::EmptyCell { place: place(), column: "image".to_owned() }.into());
                }
                cell => pictures.push(place(), cell.shown().as_bytes())?,
            },
            (Role::Feature, Content::Features(columns)) => {
                if let Some(at) = self.places[column] {
                    columns[at].push(cell, place)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Collector<'_> {
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
                    match found {
                        Some(found) => self.places[found] = Some(at),
                        None => {
                            let (path, column) = (self.path.to_owned(), column.name().to_owned());
                            return Err(OwnError::MissingFeature { path, column });
                        }
                    }
                }
            }
            Content::Files { .. } => self.must_have(Role::Path, "image files")?,
            Content::Pictures(_) => self.must_have(Role::Image, "images")?,
        }
        rows.places.0.push((self.path.to_owned(), self.first_row));
        if self.roles.contains(&Role::Id) {
            rows.ids.get_or_insert_with(|| vec![String::new(); self.first_row]);
        }
        self.rows = Some(rows);
        let is_wanted = |column: &usize| match self.roles[*column] {
            Role::Ignored => false,
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

    /// Fills in what the file has no column for.
    fn finish(self) -> Result<Rows, OwnError> {
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
