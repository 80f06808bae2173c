//! The files that were found, until they are a data set.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::layout::{Classes, Content, PARTS, Part, Version};
use super::records::{self, Records};
use super::{no_parts, unreadable};
use crate::{DataError, ImageSet, Labels};

/// Names of classes are shorter than this, or the file is another one.
const NAMES_LEN_MAX: u64 = 1 << 16;

/// Contents of files by name.
pub(super) struct Files {
    labels: Labels,
    records: BTreeMap<&'static str, Records>,
    names: BTreeMap<&'static str, Vec<String>>,
}

impl Files {
    pub(super) fn new(labels: Labels) -> Self {
        Self { labels, records: BTreeMap::new(), names: BTreeMap::new() }
    }

    /// Whether there are no records so far.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Reads a file; `path` is its location.
    pub(super) fn add(&mut self, part: Part, path: &Path, reader: impl Read) -> Result<(), DataError> {
        let is_new = if part.content == Content::Names {
            self.names.insert(part.name, read_names(reader, path)?).is_none()
        } else {
            part.version.classes(self.labels)?;
            self.records.insert(part.name, records::read(reader, part, self.labels, path)?).is_none()
        };
        if is_new {
            Ok(())
        } else {
            Err(DataError::of(path, "it is there a second time").remedy("pack each file once"))
        }
    }

    /// The data set of all files; `path` is their location.
    pub(super) fn into_dataset(mut self, path: &Path) -> Result<ImageSet, DataError> {
        let found = PARTS.into_iter().find(|part| self.records.contains_key(part.name));
        let version = found.ok_or_else(|| no_parts(path))?.version;
        let classes = version.classes(self.labels)?;
        let class_names = self.class_names(path, version, classes)?;
        let train = self.split(path, version, |content| matches!(content, Content::Train { .. }))?;
        let test = self.split(path, version, |content| matches!(content, Content::Test { .. }))?;
        Ok(ImageSet {
            name: version.title().to_owned(),
            class_names,
            mirror_preserves_class: true,
            train: train.into_split()?,
            test: test.into_split()?,
            notes: vec![],
        })
    }

    fn class_names(
        &mut self,
        path: &Path,
        version: Version,
        classes: Classes,
    ) -> Result<Vec<String>, DataError> {
        let names = self.names.remove(classes.file).ok_or_else(|| missing(path, version, classes.file))?;
        if names.len() != classes.n {
            let problem = format!("it names {} classes, expected {}", names.len(), classes.n);
            return Err(DataError::of(&path.join(classes.file), problem));
        }
        Ok(names)
    }

    fn split(
        &mut self,
        path: &Path,
        version: Version,
        is_wanted: impl Fn(Content) -> bool,
    ) -> Result<Records, DataError> {
        let parts = PARTS.into_iter().filter(|part| part.version == version && is_wanted(part.content));
        let records =
            parts.map(|part| self.records.remove(part.name).ok_or_else(|| missing(path, version, part.name)));
        Ok(Records::concatenated(records.collect::<Result<_, _>>()?))
    }
}

fn missing(path: &Path, version: Version, name: &'static str) -> DataError {
    DataError::of(path, format!("there is no {name}, which {} needs", version.title()))
        .remedy("unpack or fetch it again")
}

/// One name a line; the published files end with an empty one.
fn read_names(reader: impl Read, path: &Path) -> Result<Vec<String>, DataError> {
    let mut text = String::new();
    reader.take(NAMES_LEN_MAX).read_to_string(&mut text).map_err(|source| unreadable(path, source))?;
    Ok(text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}
