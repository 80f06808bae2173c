//! Where instances to predict come from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llp_bags::{BagSet, InstanceShape, Instances, read_image_files};

use super::PredictError;
use super::paths::image_files;

/// Instances with names. Images in files are decoded when they are asked for, so that any number of them needs no memory.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    ids: Vec<String>,
    bags: Option<Vec<String>>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// Image files.
    Files(Vec<PathBuf>),
    /// These instances of those in memory.
    InMemory(Arc<Instances>, Vec<u32>),
}

impl Source {
    /// An image file, or all below a folder, sorted by their paths, which are their names.
    ///
    /// # Errors
    /// A folder without images, or that cannot be listed.
    pub fn images(path: &Path) -> Result<Self, PredictError> {
        let files = image_files(path)?;
        let ids = files.iter().map(|file| file.display().to_string()).collect();
        Ok(Self { path: path.to_owned(), ids, bags: None, content: Content::Files(files) })
    }

    /// All instances of a part of a data set, named by their places from 0; `path` is where it is, for messages.
    pub fn split(path: &Path, data: Arc<Instances>) -> Self {
        let instances = data.ids();
        let ids = instances.iter().map(ToString::to_string).collect();
        Self { path: path.to_owned(), ids, bags: None, content: Content::InMemory(data, instances) }
    }

    /// The instances of bags, bag after bag, named as those of [`split`](Self::split); bags by their places from 0.
    pub fn bags(path: &Path, bags: &BagSet) -> Self {
        let instances: Vec<u32> = (0..bags.len()).flat_map(|bag| bags.instances(bag)).copied().collect();
        let names = (0..bags.len()).flat_map(|bag| vec![bag.to_string(); bags.instances(bag).len()]);
        Self {
            path: path.to_owned(),
            ids: instances.iter().map(ToString::to_string).collect(),
            bags: Some(names.collect()),
            content: Content::InMemory(Arc::clone(bags.data()), instances),
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

    /// Names and bags of some instances; no bags if there are none.
    pub(super) fn names(&self, range: Range<usize>) -> (Vec<String>, Vec<String>) {
        let bags = self.bags.as_ref().map_or(Vec::new(), |bags| bags[range.clone()].to_vec());
        (self.ids[range].to_vec(), bags)
    }

    /// Calls `f` with the data that holds some instances, of this `shape`, and their places in it.
    pub(super) fn with_instances<T>(
        &self,
        range: Range<usize>,
        shape: InstanceShape,
        f: impl FnOnce(&Instances, &[u32]) -> Result<T, PredictError>,
    ) -> Result<T, PredictError> {
        match &self.content {
            Content::Files(files) => {
                let InstanceShape::Image(sides) = shape else {
                    return Err(self.refusal(shape, "image files".to_owned()));
                };
                let images = Instances::from(read_image_files(&files[range], sides)?);
                f(&images, &images.ids())
            }
            Content::InMemory(data, instances) if data.shape() == shape => f(data, &instances[range]),
            Content::InMemory(data, _) => Err(self.refusal(shape, data.shape().to_string())),
        }
    }

    fn refusal(&self, expected: InstanceShape, got: String) -> PredictError {
        PredictError::Shape { path: self.path.clone(), expected, got }
    }
}
