//! The rows of a table of instances, from one file or several.

use std::path::{Path, PathBuf};

use llp_data::table::Lines;
use llp_data::{DataError, Fit, Images, Pictures, Place};

use super::codes::Codes;
use super::columns::FeatureCells;
use super::impute::Impute;
use super::schema::FeatureSchema;
use super::suspects;

/// What an instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SplitName {
    Train,
    HeldOut,
    Test,
}

/// A table of instances, and the split of rows that name none.
#[derive(Debug)]
pub(super) struct TableFile {
    pub(super) path: PathBuf,
    pub(super) split: SplitName,
}

/// What a table is read for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// Training: its columns say what an instance is; images become squares of this side.
    Train { image_side: usize, impute: Option<Impute> },
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
    /// Columns of row numbers, which are no features.
    pub(super) left_out: Vec<String>,
}

/// The instances themselves.
#[derive(Debug)]
pub(super) enum Content {
    Features(Vec<FeatureCells>),
    /// Paths, and what becomes of the images there.
    Files {
        paths: Vec<String>,
        fit: Fit,
        /// Whether they are named in the rows of a table.
        are_rows: bool,
    },
    Pictures(Pictures),
    Images(Images),
}

/// The files that rows come from, each with its first row and the lines of its rows.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<(PathBuf, usize, Lines)>);

impl Places {
    /// Adds a file, whose rows begin with `first_row`.
    pub(super) fn push(&mut self, path: PathBuf, first_row: usize) {
        self.0.push((path, first_row, Lines::default()));
    }

    /// Says on which lines the next rows of the last file begin.
    pub(super) fn extend(&mut self, lines: &Lines) {
        if let Some((_, _, own)) = self.0.last_mut() {
            own.extend(lines);
        }
    }

    /// Where a row is, for people.
    pub(super) fn of(&self, row: usize) -> Place {
        let file = self.0.iter().rposition(|(_, first_row, _)| *first_row <= row).unwrap_or(0);
        let (path, first_row, lines) = &self.0[file];
        lines.place(path, row - first_row)
    }

    pub(super) fn first_file(&self) -> &Path {
        &self.0[0].0
    }

    /// The folder that paths are taken from.
    pub(super) fn folder(&self) -> &Path {
        self.first_file().parent().unwrap_or(Path::new(""))
    }
}

impl Content {
    /// Whether all images are known from the cache.
    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Pictures(pictures) if pictures.is_known())
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

impl Rows {
    pub(super) fn len(&self) -> usize {
        match &self.content {
            Content::Features(columns) => columns.first().map_or(0, FeatureCells::len),
            Content::Files { paths, .. } => paths.len(),
            Content::Pictures(pictures) => pictures.len(),
            Content::Images(images) => images.len(),
        }
    }

    /// Fills in what a file has no column for; rows that name no split are of `split`.
    pub(super) fn filled_up(mut self, split: SplitName) -> Self {
        let n_rows = self.len();
        self.splits.resize(n_rows, split);
        for codes in [&mut self.bags, &mut self.labels] {
            while codes.len() < n_rows {
                codes.push(None);
            }
        }
        if let Some(ids) = &mut self.ids {
            ids.resize(n_rows, String::new());
        }
        self
    }

    /// With levels, names and shifts that do not depend on the order of the rows, nor on the program that wrote them.
    pub(super) fn canonical(mut self, purpose: Purpose<'_>) -> Result<Self, DataError> {
        self.bags = self.bags.with_whole_numbers();
        let training_rows = self.training_rows();
        let Content::Features(columns) = self.content else { return Ok(self) };
        let impute = if let Purpose::Train { impute, .. } = purpose { impute } else { None };
        columns.iter().try_for_each(|column| column.check_complete(impute))?;
        let columns = if matches!(purpose, Purpose::Train { .. }) {
            for column in &columns {
                let Some(texts) = column.levels() else { continue };
                suspects::check_texts(self.places.first_file(), column.name(), texts)?;
            }
            let finished = columns.into_iter().map(|column| column.finish(&training_rows, impute));
            finished.collect::<Result<_, _>>()?
        } else {
            columns
        };
        Ok(Self { content: Content::Features(columns), ..self })
    }

    /// The rows that are not for testing.
    pub(super) fn training_rows(&self) -> Vec<u32> {
        let is_training = |row: &u32| self.splits[*row as usize] != SplitName::Test;
        (0..self.splits.len() as u32).filter(is_training).collect()
    }
}
