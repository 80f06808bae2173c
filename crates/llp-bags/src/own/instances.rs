//! The instances of some rows, and tables of instances for prediction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use llp_data::cache::Key;
use llp_data::table::names::is_same;
use llp_data::{DataError, DataNote, Encoded, Fit, Images, Pictures, Place, ReadImages, reserve};

use super::columns::{FeatureCells, features_of};
use super::layout;
use super::rows::{Content, Purpose, Rows};
use super::{FeatureSchema, ProportionTable};
use crate::{Instances, LabelOracle};

/// What a network takes.
#[derive(Debug, Clone, Copy)]
pub enum Like<'a> {
    /// Images: squares of `side` pixels with 1 or 3 `channels`.
    Images {
        /// Height and width.
        side: usize,
        /// 1 or 3.
        channels: usize,
    },
    /// Rows of the columns that it was trained with.
    Features(&'a FeatureSchema),
}

/// A table of instances for prediction: no bag, proportion or label is needed.
#[derive(Debug, Clone)]
pub struct InstanceTable<T = Instances> {
    /// The instances, in the order of the rows.
    pub instances: T,
    /// The name of each: the column `instance`, else the path of its image, else the number of its row, from 1.
    pub names: Vec<String>,
    /// The bag of each; `None` where its cell is empty.
    pub bags: Vec<Option<String>>,
    /// The label of each; `None` where its cell is empty.
    pub labels: Vec<Option<String>>,
    /// Columns of categories with the number of cells whose text no training instance had; only those with some.
    pub unknown_levels: Vec<(String, usize)>,
    /// Columns of numbers with the number of cells that are missing and got a value; only those with some.
    pub imputed: Vec<(String, usize)>,
}

/// The names of the instances of a split, as [`InstanceTable::names`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceNames {
    texts: Option<Vec<String>>, // [instance]; empty where the row has none
    rows: Vec<u32>,             // [instance]
}

impl InstanceNames {
    /// The names of some rows.
    pub(super) fn of(rows: &Rows, split: &[u32]) -> Self {
        let texts = match (&rows.ids, &rows.content) {
            (None, Content::Files { .. }) | (Some(_), _) => Some(
                split.iter().map(|&row| text_of(rows, row as usize).unwrap_or_default().to_owned()).collect(),
            ),
            _ => None,
        };
        Self { texts, rows: split.to_vec() }
    }

    /// The name of an instance.
    ///
    /// # Panics
    /// If there is no such instance, as for a slice.
    pub fn name(&self, instance: u32) -> String {
        let text = self.texts.as_ref().map(|texts| &texts[instance as usize]).filter(|text| !text.is_empty());
        text.cloned().unwrap_or_else(|| row_name(self.rows[instance as usize] as usize))
    }
}

/// The text that names a row: the column `instance`, else the path of its image.
fn text_of(rows: &Rows, row: usize) -> Option<&str> {
    match (&rows.ids, &rows.content) {
        (Some(ids), _) if !ids[row].is_empty() => Some(&ids[row]),
        (_, Content::Files { paths, .. }) => Some(&paths[row]),
        _ => None,
    }
}

/// The name of a row without a text: its number, from 1.
fn row_name(row: usize) -> String {
    (row + 1).to_string()
}

/// Instances that a table holds, or files that it names.
#[derive(Debug, Clone)]
pub enum Listed {
    /// In memory.
    Instances(Instances),
    /// Image files, one for each row, for [`read_images`].
    Files {
        /// The files.
        paths: Vec<PathBuf>,
        /// Height and width that they are to have.
        side: usize,
        /// Channels that they are to have.
        channels: usize,
    },
}

/// Reads a table of instances, or a folder with one, for a network that takes instances `like` this.
///
/// Further columns are ignored. Images are resized and get the channels asked for.
///
/// # Errors
/// What is wrong, with file and row.
pub fn read_instances(table: &Path, like: Like<'_>) -> Result<InstanceTable, DataError> {
    let rows = rows_of(table, like)?;
    let described = describe(&rows);
    Ok(described.with(load(rows)?))
}

/// As [`read_instances`], but image files that the table names are left where they are: there may be more of them than
/// memory holds.
///
/// # Errors
/// Those of [`read_instances`] but for files, which are not looked at.
pub fn list_instances(table: &Path, like: Like<'_>) -> Result<InstanceTable<Listed>, DataError> {
    let rows = rows_of(table, like)?;
    let described = describe(&rows);
    let listed = match (&rows.content, like) {
        (Content::Files { paths, .. }, Like::Images { side, channels }) => {
            Listed::Files { paths: full_paths(rows.places.folder(), paths), side, channels }
        }
        _ => Listed::Instances(load(rows)?),
    };
    Ok(described.with(listed))
}

fn rows_of(table: &Path, like: Like<'_>) -> Result<Rows, DataError> {
    let purpose = match like {
        Like::Images { side, channels } => Purpose::Images { side, channels },
        Like::Features(schema) => Purpose::Features(schema),
    };
    Ok(layout::find(table)?.read(purpose, &[])?.0)
}

fn load(rows: Rows) -> Result<Instances, DataError> {
    let all = (0..rows.len() as u32).collect();
    let ([instances, _], _) = instances_of(rows, [all, vec![]])?;
    Ok(instances)
}

fn full_paths(folder: &Path, paths: &[String]) -> Vec<PathBuf> {
    paths.iter().map(|path| folder.join(path)).collect()
}

/// What the rows say beside their instances.
fn describe(rows: &Rows) -> InstanceTable<()> {
    let texts = |codes: &super::codes::Codes| {
        (0..rows.len()).map(|row| codes.text(row).map(str::to_owned)).collect::<Vec<_>>()
    };
    let name = |row: usize| text_of(rows, row).map_or_else(|| row_name(row), str::to_owned);
    let counted = |count: fn(&FeatureCells) -> usize| match &rows.content {
        Content::Features(columns) => {
            let counts = columns.iter().map(|column| (column.name().to_owned(), count(column)));
            counts.filter(|(_, n_cells)| *n_cells > 0).collect()
        }
        _ => vec![],
    };
    InstanceTable {
        instances: (),
        names: (0..rows.len()).map(name).collect(),
        bags: texts(&rows.bags),
        labels: texts(&rows.labels),
        unknown_levels: counted(FeatureCells::n_unknown),
        imputed: counted(FeatureCells::n_missing_numbers),
    }
}

impl InstanceTable<()> {
    fn with<T>(self, instances: T) -> InstanceTable<T> {
        let Self { names, bags, labels, unknown_levels, imputed, .. } = self;
        InstanceTable { instances, names, bags, labels, unknown_levels, imputed }
    }
}

/// Reads image files as squares of `side` pixels with 1 or 3 `channels`. Those that cannot be read are listed by their
/// places among the files.
///
/// # Errors
/// Images of such a size cannot be, or memory does not hold them.
pub fn read_images(paths: &[PathBuf], side: usize, channels: usize) -> Result<ReadImages, DataError> {
    let mut pictures = Pictures::new(Fit::Square { side, channels: Some(channels) }, paths.len())?;
    pictures.append(paths.len(), |at| Encoded::File(paths[at].clone()), |_| None)?;
    pictures.into_read()
}

/// The instances of two disjoint sets of rows, and what people should know of them. Images of both have equally many
/// channels.
pub(super) fn instances_of(
    rows: Rows,
    parts: [Vec<u32>; 2],
) -> Result<([Instances; 2], Vec<DataNote>), DataError> {
    let (images, parts, notes) = match rows.content {
        Content::Features(columns) => {
            let [first, second] = parts.map(|rows| features_of(&columns, &rows));
            return Ok(([first?.into(), second?.into()], vec![]));
        }
        Content::Pictures(pictures) => {
            let (images, notes) = pictures.into_images()?;
            (images, parts, notes)
        }
        Content::Images(images) => (images, parts, vec![]),
        Content::Files { paths, fit, are_rows } => {
            let paths = full_paths(rows.places.folder(), &paths);
            let place = |row: u32| are_rows.then(|| rows.places.of(row as usize));
            // One part after the other, so that none needs a copy.
            let order = parts.concat();
            let (images, notes) = images_in_files(rows.places.folder(), fit, &order, &paths, place)?;
            let (n_first, n) = (parts[0].len() as u32, order.len() as u32);
            (images, [(0..n_first).collect(), (n_first..n).collect()], notes)
        }
    };
    Ok((images_of(&images, &parts)?, notes))
}

/// The images in some of the files, in this order, from the cache if they are there.
fn images_in_files(
    folder: &Path,
    fit: Fit,
    order: &[u32],
    paths: &[PathBuf],
    place: impl Fn(u32) -> Option<Place> + Sync,
) -> Result<(Images, Vec<DataNote>), DataError> {
    let path = |at: usize| &paths[order[at] as usize];
    let mut key = Key::of_files(folder, fit);
    // A file that is not there is an error with its row, below.
    let are_there = (0..order.len()).all(|at| key.file(path(at)).is_ok());
    let mut pictures = Pictures::cached(fit, order.len(), Some(&key).filter(|_| are_there))?;
    pictures.append(order.len(), |at| Encoded::File(path(at).clone()), |at| place(order[at]))?;
    pictures.into_images()
}

/// The images of two disjoint sets of rows. They are shared where rows follow each other, else copied.
fn images_of(images: &Images, parts: &[Vec<u32>; 2]) -> Result<[Instances; 2], DataError> {
    let [height, width, channels] = images.shape();
    let of = |rows: &[u32]| match rows {
        [] => Images::new(height, width, channels, vec![]),
        [first, .., last] if rows.windows(2).all(|pair| pair[0] + 1 == pair[1]) => {
            Ok(images.part(*first..*last + 1))
        }
        _ => {
            let mut pixels = Vec::new();
            reserve(&mut pixels, rows.len(), images.shape())?;
            for &row in rows {
                pixels.extend_from_slice(images.image(row));
            }
            Images::new(height, width, channels, pixels)
        }
    };
    let [first, second] = parts;
    Ok([of(first)?.into(), of(second)?.into()])
}

/// Refuses an image file that two rows name.
pub(super) fn check_repeated(rows: &Rows) -> Result<(), DataError> {
    let Content::Files { paths, .. } = &rows.content else { return Ok(()) };
    let mut first_rows = HashMap::with_capacity(paths.len());
    for (row, path) in paths.iter().enumerate() {
        if let Some(first) = first_rows.insert(path, row) {
            let problem = format!("{path:?} is in row {} as well", rows.places.of(first).row);
            let remedy = "an image is one instance, of one bag: drop one row";
            return Err(DataError::at(rows.places.of(row), problem).remedy(remedy));
        }
    }
    Ok(())
}

/// The labels of the rows of a split. Returns `None` if no row has one.
pub(super) fn labels_of(
    rows: &Rows,
    split: &[u32],
    split_name: &'static str,
    proportions: &ProportionTable,
) -> Result<Option<LabelOracle>, DataError> {
    let classes = &proportions.class_names;
    let class = |text: &String| {
        let exact = classes.iter().position(|class| class == text);
        exact.or_else(|| classes.iter().position(|class| is_same(class, text))).map(|class| class as u32)
    };
    let class_of: Vec<Option<u32>> = rows.labels.texts().iter().map(class).collect();
    if split.iter().all(|&row| rows.labels.code(row as usize).is_none()) {
        return Ok(None);
    }
    let mut labels = Vec::with_capacity(split.len());
    for &row in split {
        let place = || rows.places.of(row as usize);
        let Some(code) = rows.labels.code(row as usize) else {
            let problem = format!("the label is empty, but other rows of split {split_name} have one");
            return Err(DataError::at(place(), problem).remedy("label all of them or none"));
        };
        labels.push(class_of[code].ok_or_else(|| {
            let (label, table, classes) =
                (&rows.labels.texts()[code], proportions.path.display(), classes.join(", "));
            let problem = format!("the label is {label:?}, but the classes of {table} are {classes}");
            DataError::at(place(), problem).remedy("correct it, or add the class there")
        })?);
    }
    Ok(Some(LabelOracle::new(labels, classes.len())?))
}
