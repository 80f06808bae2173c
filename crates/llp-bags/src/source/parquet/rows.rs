//! The rows of all splits, shard by shard.

use std::path::PathBuf;

use super::images::PictureRows;
use super::shard::Shard;
use super::{N_UNNAMED_CLASSES_MAX, ParquetError};
use crate::BagError;
use crate::source::Labels;

/// The rows of one split after the other. All images have one size and one number of channels.
pub(super) struct Rows {
    pub(super) pictures: PictureRows,
    pub(super) labels: Vec<Vec<u32>>, // [split][row]
    pub(super) class_names: Option<Vec<String>>,
}

impl Rows {
    /// Reads the shards of the splits in the given order. A split without shards has no rows, any other has some.
    pub(super) fn read(splits: [&[PathBuf]; 2], labels: Labels) -> Result<Self, BagError> {
        let open = |path: &PathBuf| Ok((path.clone(), Shard::open(path, labels)?));
        let shards = splits
            .map(|paths| paths.iter().map(open).collect::<Result<Vec<(PathBuf, Shard)>, ParquetError>>());
        let [first, second] = shards;
        let shards = [first?, second?];
        let class_names = one_list_of_classes(shards.iter().flatten())?;
        let mut rows = Self { pictures: PictureRows::default(), labels: vec![], class_names };
        for shards in &shards {
            rows.append_split(shards)?;
        }
        Ok(rows)
    }

    pub(super) fn label_max(&self) -> u32 {
        self.labels.iter().flatten().copied().max().unwrap_or(0)
    }

    fn append_split(&mut self, shards: &[(PathBuf, Shard)]) -> Result<(), BagError> {
        let n_classes = self.class_names.as_ref().map_or(N_UNNAMED_CLASSES_MAX, Vec::len);
        self.pictures.begin_split(shards.iter().map(|(_, shard)| shard.n_rows()).sum());
        let mut labels = Vec::new();
        for (path, shard) in shards {
            let pictures = &mut self.pictures;
            shard.for_each_group(n_classes, |first_row, images, of_group| {
                labels.extend(of_group);
                pictures.append(path, first_row, &images)
            })?;
        }
        if let (Some((path, _)), true) = (shards.first(), labels.is_empty()) {
            return Err(ParquetError::NoRows { path: path.clone() }.into());
        }
        self.labels.push(labels);
        Ok(())
    }
}

/// The class names, which all shards have.
fn one_list_of_classes<'a>(
    mut shards: impl Iterator<Item = &'a (PathBuf, Shard)>,
) -> Result<Option<Vec<String>>, ParquetError> {
    let Some((first, shard)) = shards.next() else { return Ok(None) };
    match shards.find(|(_, other)| other.class_names != shard.class_names) {
        None => Ok(shard.class_names.clone()),
        Some((path, _)) => Err(ParquetError::ClassNames { path: path.clone(), first: first.clone() }),
    }
}
