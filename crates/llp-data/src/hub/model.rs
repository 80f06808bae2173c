//! Weights of networks from the hub.

use std::path::PathBuf;

use hf_hub::{Cache, RepoType};

use super::fetch::{BRANCH, Fetch, Repository};
use super::{FileProgress, Hub};
use crate::DataError;

/// The file of a repository that holds the weights.
const FILE: &str = "model.safetensors";

impl Hub {
    /// The file of weights of the network `repo`, such as `timm/resnet18.a1_in1k`, if the cache has it. Uses no
    /// network.
    pub fn locate_model(&self, repo: &str) -> Option<PathBuf> {
        Cache::new(self.cache.clone()).repo(repository(repo).at(BRANCH)).get(FILE)
    }

    /// Fetches the file of weights of a network into the cache and returns its path.
    ///
    /// # Errors
    /// As [`Hub::fetch`].
    pub fn fetch_model(
        &self,
        repo: &str,
        progress: &mut dyn FnMut(FileProgress<'_>),
    ) -> Result<PathBuf, DataError> {
        if self.is_offline {
            return Err(self.offline(repo, "a file with --init FILE"));
        }
        let fetch = Fetch::new(self, repository(repo), |file| file == FILE)?;
        let folder = fetch.files(progress)?;
        fetch.publish()?;
        Ok(folder.join(FILE))
    }
}

fn repository(repo: &str) -> Repository {
    Repository { name: repo.to_owned(), kind: RepoType::Model }
}
