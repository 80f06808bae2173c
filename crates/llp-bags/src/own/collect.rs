//! Keeping what the files of a table of instances hold.

use std::path::Path;

use llp_data::cache::Key;
use llp_data::shards::label_names;
use llp_data::table::{Batch, Cell, Column, Format, Head, Kind, TableReader};
use llp_data::{Cause, DataError, Encoded, Fit, Pictures};

use super::codes::Codes;
use super::columns::FeatureCells;
use super::kinds::{is_text, kinds, likely_kinds};
use super::roles::{Role, roles};
use super::rows::{Content, Places, Purpose, Rows, SplitName, TableFile};
use super::schema::{missing_feature, other_instances};
use super::words::Storage;

/// Rows of encoded images that are in memory at once.
const N_IMAGES_AT_ONCE: usize = 1024;

/// The columns of a file.
struct Columns<'a> {
    files: &'a [TableFile], // this one and those after it
    file: &'a TableFile,
    roles: Vec<Role>,                 // [column]
    names: Vec<String>,               // [column]
    features: Vec<Option<usize>>,     // [column], its place among those of features
    label_names: Option<Vec<String>>, // that integers stand for
}

/// Reads the files, at least one, which all hold the same kind of instances.
pub(super) fn read(files: &[TableFile], purpose: Purpose<'_>) -> Result<Rows, DataError> {
    let mut rows: Option<Rows> = None;
    for at in 0..files.len() {
        rows = Some(collect(&files[at..], purpose, rows)?);
    }
    let rows = rows.ok_or_else(|| DataError::new("there is no table of instances"))?;
    if rows.len() == 0 {
        return Err(DataError::no_rows(&files[0].path));
    }
    rows.canonical(purpose)
}

/// The rows of the first of the `files` after `before`, those of the files before it.
///
/// Where a file does not declare the kinds of its columns, its first rows suggest them; all of it is read before they are
/// decided only if that leads to a contradiction.
fn collect(files: &[TableFile], purpose: Purpose<'_>, before: Option<Rows>) -> Result<Rows, DataError> {
    let file = &files[0];
    let is_undeclared =
        Format::of(&file.path) == Some(Format::Csv) && matches!(purpose, Purpose::Train { .. });
    if !is_undeclared {
        return collect_as(None, files, purpose, before);
    }
    if let (None, Some(likely)) = (&before, likely_kinds(&file.path)?) {
        match collect_as(Some(&likely), files, purpose, None) {
            Ok(rows) if are_texts(&rows) => return Ok(rows),
            Err(error) if !matches!(error.cause(), Cause::Input) => return Err(error),
            _ => {}
        }
    }
    collect_as(Some(&kinds(&file.path)?), files, purpose, before)
}

/// Whether no category has a text that may be a number.
fn are_texts(rows: &Rows) -> bool {
    let Content::Features(columns) = &rows.content else { return true };
    columns.iter().filter_map(FeatureCells::levels).flatten().all(|text| is_text(text))
}

/// As [`collect`], with the kinds of the columns where the file declares none.
fn collect_as(
    kinds: Option<&[Kind]>,
    files: &[TableFile],
    purpose: Purpose<'_>,
    before: Option<Rows>,
) -> Result<Rows, DataError> {
    let file = &files[0];
    let reader = TableReader::open(&file.path)?;
    let head = reader.head();
    let mut columns = Columns {
        files,
        file,
        roles: roles(&file.path, head)?,
        names: head.names(),
        features: vec![None; head.columns.len()],
        label_names: label_names(&reader, "label")?,
    };
    let must_have_bag = file.split != SplitName::Test && matches!(purpose, Purpose::Train { .. });
    if must_have_bag && !columns.roles.contains(&Role::Bag) {
        return Err(DataError::missing_column(&file.path, "bag", &columns.names));
    }
    let mut rows = match before {
        Some(rows) => rows,
        None => columns.first_rows(head, kinds, purpose)?,
    };
    let wanted = columns.find(head, &rows)?;
    let first_row = rows.len();
    rows.places.push(file.path.clone(), first_row);
    if columns.roles.contains(&Role::Id) {
        rows.ids.get_or_insert_with(|| vec![String::new(); first_row]);
    }
    let n_at_once = if columns.roles.contains(&Role::Image) { N_IMAGES_AT_ONCE } else { usize::MAX };
    for batch in reader.batches_of(&wanted, n_at_once)? {
        columns.append(&wanted, &batch?, &mut rows)?;
    }
    Ok(rows.filled_up(file.split))
}

impl Columns<'_> {
    /// No row so far of what the first file holds, or what the purpose asks for.
    fn first_rows(
        &self,
        head: &Head,
        kinds: Option<&[Kind]>,
        purpose: Purpose<'_>,
    ) -> Result<Rows, DataError> {
        let pictures = |side, channels| -> Result<Content, DataError> {
            let fit = Fit::Square { side, channels };
            Ok(if self.roles.contains(&Role::Path) {
                Content::Files { paths: vec![], fit, are_rows: true }
            } else {
                Content::Pictures(self.pictures(fit, matches!(purpose, Purpose::Train { .. }))?)
            })
        };
        let with_role = |role: Role| (0..self.roles.len()).filter(move |&column| self.roles[column] == role);
        let storage = Storage::of_table(self.roles.len());
        let content = match purpose {
            Purpose::Features(schema) => {
                let of_schema = |column| FeatureCells::of_schema(column, &storage);
                Content::Features(schema.columns.iter().map(of_schema).collect())
            }
            Purpose::Images { side, channels } => pictures(side, Some(channels))?,
            Purpose::Train { image_side, .. } if !self.roles.contains(&Role::Feature) => {
                pictures(image_side, None)?
            }
            Purpose::Train { .. } => {
                let kind = |column: usize| kinds.map_or(&head.columns[column].kind, |kinds| &kinds[column]);
                let cells =
                    |column: usize| FeatureCells::new(self.names[column].clone(), kind(column), &storage);
                Content::Features(with_role(Role::Feature).map(cells).collect())
            }
        };
        let (places, bags, labels) = (Places::default(), Codes::default(), Codes::default());
        let left_out = with_role(Role::RowNumbers).map(|column| self.names[column].clone()).collect();
        Ok(Rows { places, splits: vec![], bags, labels, ids: None, content, left_out })
    }

    /// What takes the images in the cells of all files. Those for training may be in the cache.
    fn pictures(&self, fit: Fit, is_for_training: bool) -> Result<Pictures, DataError> {
        let mut key = Key::of_tables(self.file.path.parent().unwrap_or(&self.file.path), fit);
        let mut n_expected = 0;
        for TableFile { path, .. } in self.files {
            key.file(path)?;
            n_expected += TableReader::open(path)?.n_rows_claimed().unwrap_or(0);
        }
        Pictures::cached(fit, n_expected, Some(&key).filter(|_| is_for_training))
    }

    /// Finds the columns of `rows` in this file, and gives those to read.
    fn find(&mut self, head: &Head, rows: &Rows) -> Result<Vec<usize>, DataError> {
        match &rows.content {
            Content::Features(columns) => {
                for (at, column) in columns.iter().enumerate() {
                    let found = head.find(column.name()).filter(|&found| self.roles[found] == Role::Feature);
                    let Some(found) = found else {
                        return Err(missing_feature(&self.file.path, column.name()));
                    };
                    self.features[found] = Some(at);
                }
            }
            Content::Files { .. } => self.must_have(Role::Path, "image files")?,
            Content::Pictures(_) | Content::Images(_) => self.must_have(Role::Image, "images")?,
        }
        let is_wanted = |column: &usize| match self.roles[*column] {
            Role::Ignored | Role::RowNumbers => false,
            Role::Feature => self.features[*column].is_some(),
            Role::Image => !rows.content.is_known(),
            _ => true,
        };
        Ok((0..self.roles.len()).filter(is_wanted).collect())
    }

    fn must_have(&self, role: Role, expected: &'static str) -> Result<(), DataError> {
        if self.roles.contains(&role) {
            return Ok(());
        }
        let got = if self.roles.contains(&Role::Feature) { "features" } else { "images of another kind" };
        Err(other_instances(&self.file.path, got, expected))
    }

    /// Takes the next rows of the columns `wanted`.
    fn append(&self, wanted: &[usize], batch: &Batch, rows: &mut Rows) -> Result<(), DataError> {
        rows.places.extend(batch.lines());
        let beside = wanted.iter().position(|&column| self.roles[column] == Role::ImagePath);
        for (&column, cells) in wanted.iter().zip(batch.columns()) {
            match (self.roles[column], &mut rows.content) {
                (Role::Feature, Content::Features(columns)) => {
                    let Some(at) = self.features[column] else { continue };
                    for (row, cell) in cells.cells().enumerate() {
                        columns[at].push(cell, || batch.place(row))?;
                    }
                }
                (Role::Image, Content::Pictures(pictures)) => {
                    let folder = self.file.path.parent().unwrap_or(Path::new(""));
                    let name = self.names[column].trim_end_matches(".bytes");
                    let path = |row: usize| beside.map(|beside| batch.column(beside).cell(row));
                    let encoded = |row: usize| Encoded::of(cells.raw(row), path(row), folder, name);
                    pictures.append(batch.n_rows(), encoded, |row| Some(batch.place(row)))?;
                }
                (role, _) => self.texts(role, cells, batch, rows)?,
            }
        }
        if let Content::Pictures(pictures) = &mut rows.content
            && pictures.is_known()
        {
            pictures.append(batch.n_rows(), |_| Encoded::Missing(""), |_| None)?;
        }
        Ok(())
    }

    /// Takes the cells of a column that describes the instances.
    fn texts(&self, role: Role, cells: &Column, batch: &Batch, rows: &mut Rows) -> Result<(), DataError> {
        for (row, cell) in cells.cells().enumerate() {
            let place = || batch.place(row);
            if let Cell::Bytes(_) = cell {
                return Err(DataError::not_text(place()));
            }
            let text = cell.name();
            let text = text.as_deref();
            match (role, &mut rows.content) {
                (Role::Bag, _) => rows.bags.push(text),
                (Role::Label, _) => {
                    let name = self.label_names.as_deref().and_then(|names| named(names, cell));
                    rows.labels.push(name.or(text));
                }
                (Role::Split, _) => rows.splits.push(match text {
                    None => self.file.split,
                    Some("train") => SplitName::Train,
                    Some("held_out") => SplitName::HeldOut,
                    Some("test") => SplitName::Test,
                    Some(got) => {
                        let remedy = "expected train, held_out or test, or an empty cell for train";
                        let problem = format!("the split is {got:?}");
                        return Err(DataError::at(place(), problem).remedy(remedy));
                    }
                }),
                (Role::Id, _) => {
                    if let Some(ids) = &mut rows.ids {
                        ids.push(text.unwrap_or_default().to_owned());
                    }
                }
                (Role::Path, Content::Files { paths, .. }) => {
                    paths.push(text.ok_or_else(|| DataError::empty_cell(place(), "path"))?.to_owned());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The name of a class that an integer stands for.
fn named<'a>(names: &'a [String], cell: Cell<'_>) -> Option<&'a str> {
    let Cell::Integer(class) = cell else { return None };
    usize::try_from(class).ok().and_then(|class| names.get(class)).map(String::as_str)
}
