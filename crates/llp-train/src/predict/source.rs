//! Where instances to predict come from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llp_bags::own::{InstanceNames, InstanceTable, Like, Listed, is_table, list_instances, read_images};
use llp_bags::{BagSet, InstanceShape, Instances};
use llp_data::files::Skipped;
use llp_data::{DataError, PictureFacts, ReadImages};

use super::paths::image_files;
use crate::CheckpointState;

/// Instances with names. Images in files are decoded when they are asked for, so that any number of them needs no memory.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    ids: Vec<String>,
    bags: Option<Vec<String>>,
    unknown_levels: Vec<(String, usize)>,
    imputed: Vec<(String, usize)>,
    skipped: Option<Skipped>,
    content: Content,
}

/// Instances that could be read.
pub(super) struct Loaded {
    pub(super) data: Arc<Instances>,
    /// Their places in the data.
    pub(super) instances: Vec<u32>,
    /// Their places among those that were asked for.
    pub(super) places: Vec<usize>,
    /// What is wrong with the others.
    pub(super) broken: Vec<DataError>,
    /// What images had.
    pub(super) facts: PictureFacts,
}

#[derive(Clone, Debug)]
enum Content {
    /// Image files, and what they are resized to.
    Files { files: Vec<PathBuf>, side: usize, channels: usize },
    /// These instances of those in memory.
    InMemory(Arc<Instances>, Vec<u32>),
}

impl Source {
    /// What is at `path`, for the network that `state` describes: a table of instances, a folder with one, an image
    /// file, or a folder of image files, which are sorted by their paths.
    ///
    /// # Errors
    /// When there is nothing that the network takes.
    pub fn open(path: &Path, state: &CheckpointState) -> Result<Self, DataError> {
        if !path.exists() {
            return Err(DataError::of(path, "there is no such file or folder"));
        }
        let like = like(path, state)?;
        if is_table(path) {
            return Ok(Self::table(path, list_instances(path, like)?));
        }
        let Like::Images { side, channels } = like else {
            let expected = state.shape;
            let got = "no table but a file or folder of images";
            let problem = format!("the network was trained on {expected}, this holds {got}");
            return Err(DataError::of(path, problem));
        };
        let (files, skipped) = image_files(path)?;
        let ids = files.iter().map(|file| file.display().to_string()).collect();
        Ok(Self { skipped, ..Self::new(path, ids, None, Content::Files { files, side, channels }) })
    }

    /// All instances of a part of a data set; `path` is where it is, for messages. `names` has the name of each, else
    /// they are named by their places from 0.
    pub fn split(path: &Path, data: Arc<Instances>, names: Option<&InstanceNames>) -> Self {
        let instances = data.ids();
        Self::new(path, named(&instances, names), None, Content::InMemory(data, instances))
    }

    /// The instances of bags, bag after bag, named as those of [`split`](Self::split); `bag_names` has the names of the
    /// bags, else they are named by their places from 0.
    pub fn bags(
        path: &Path,
        bags: &BagSet,
        names: Option<&InstanceNames>,
        bag_names: Option<&[String]>,
    ) -> Self {
        let instances: Vec<u32> = (0..bags.len()).flat_map(|bag| bags.instances(bag)).copied().collect();
        let name = |bag: usize| bag_names.map_or_else(|| bag.to_string(), |names| names[bag].clone());
        let of = (0..bags.len()).flat_map(|bag| vec![name(bag); bags.instances(bag).len()]).collect();
        let ids = named(&instances, names);
        Self::new(path, ids, Some(of), Content::InMemory(Arc::clone(bags.data()), instances))
    }

    fn table(path: &Path, table: InstanceTable<Listed>) -> Self {
        let InstanceTable { instances, names, bags, unknown_levels, imputed, .. } = table;
        let has_bags = bags.iter().any(Option::is_some);
        let bags = has_bags.then(|| bags.into_iter().map(Option::unwrap_or_default).collect());
        let content = match instances {
            Listed::Files { paths, side, channels } => Content::Files { files: paths, side, channels },
            Listed::Instances(instances) => {
                let ids = instances.ids();
                Content::InMemory(Arc::new(instances), ids)
            }
        };
        Self { unknown_levels, imputed, ..Self::new(path, names, bags, content) }
    }

    fn new(path: &Path, ids: Vec<String>, bags: Option<Vec<String>>, content: Content) -> Self {
        Self {
            path: path.to_owned(),
            ids,
            bags,
            unknown_levels: vec![],
            imputed: vec![],
            skipped: None,
            content,
        }
    }

    /// Where the instances are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of instances.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether the instances have bags.
    pub fn has_bags(&self) -> bool {
        self.bags.is_some()
    }

    /// Columns of categories with the number of cells whose text no training instance had; only those with some.
    pub fn unknown_levels(&self) -> &[(String, usize)] {
        &self.unknown_levels
    }

    /// Columns of numbers with the number of cells that are missing and got the value of training; only those with some.
    pub fn imputed(&self) -> &[(String, usize)] {
        &self.imputed
    }

    /// Files of a folder that are no images by their names.
    pub fn skipped(&self) -> Option<&Skipped> {
        self.skipped.as_ref()
    }

    /// Names and bags of some instances; no bags if there are none.
    pub(super) fn names(&self, places: &[usize]) -> (Vec<String>, Vec<String>) {
        let of = |texts: &[String]| places.iter().map(|&place| texts[place].clone()).collect();
        (of(&self.ids), self.bags.as_deref().map_or(Vec::new(), of))
    }

    /// Some instances, those that can be read.
    ///
    /// # Errors
    /// Memory does not hold them.
    pub(super) fn load(&self, range: Range<usize>) -> Result<Loaded, DataError> {
        match &self.content {
            Content::Files { files, side, channels } => {
                let ReadImages { images, broken, facts } =
                    read_images(&files[range.clone()], *side, *channels)?;
                let is_broken = |at: u32| broken.binary_search_by_key(&(at as usize), |it| it.0).is_ok();
                let instances: Vec<u32> = (0..range.len() as u32).filter(|&at| !is_broken(at)).collect();
                Ok(Loaded {
                    data: Arc::new(images.into()),
                    places: instances.iter().map(|&at| range.start + at as usize).collect(),
                    instances,
                    broken: broken.into_iter().map(|(_, error)| error).collect(),
                    facts,
                })
            }
            Content::InMemory(data, instances) => Ok(Loaded {
                data: Arc::clone(data),
                instances: instances[range.clone()].to_vec(),
                places: range.collect(),
                broken: vec![],
                facts: PictureFacts::default(),
            }),
        }
    }
}

fn named(instances: &[u32], names: Option<&InstanceNames>) -> Vec<String> {
    let name = |&instance: &u32| names.map_or_else(|| instance.to_string(), |names| names.name(instance));
    instances.iter().map(name).collect()
}

/// What the network takes.
fn like<'a>(path: &Path, state: &'a CheckpointState) -> Result<Like<'a>, DataError> {
    match (state.shape, &state.features) {
        (InstanceShape::Image([side, width, channels]), _) if side == width => {
            Ok(Like::Images { side, channels })
        }
        (InstanceShape::Image([height, width, _]), _) => {
            let problem = format!("the network takes images of {height}x{width} pixels");
            Err(DataError::of(path, format!("{problem}, and files can only be resized to squares")))
        }
        (InstanceShape::Features(_), Some(schema)) => Ok(Like::Features(schema)),
        (expected, None) => {
            let problem = format!("the network was trained on {expected} without names");
            Err(DataError::of(path, format!("{problem}, which no table can be matched with")))
        }
    }
}
