//! File by file into the cache.

use std::io;
use std::path::{Component, Path, PathBuf};

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo, Metadata};
use hf_hub::{Cache, Repo, RepoType};
use sha2::{Digest, Sha256};

use super::error::altered;
use super::{FileProgress, Hub, hex};
use crate::DataError;

/// The branch whose newest commit is wanted.
pub(super) const BRANCH: &str = "main";

/// A repository of the hub.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) kind: RepoType,
}

impl Repository {
    pub(super) fn at(&self, revision: &str) -> Repo {
        Repo::with_revision(self.name.clone(), self.kind, revision.to_owned())
    }
}

/// What is fetched: some files of one commit.
pub(super) struct Fetch<'a> {
    hub: &'a Hub,
    repository: Repository,
    api: Api,
    repo: ApiRepo,
    cache: Cache,
    commit: String,
    files: Vec<String>,
}

impl<'a> Fetch<'a> {
    /// Asks the hub which commit there is, and which of its files are wanted.
    pub(super) fn new(
        hub: &'a Hub,
        repository: Repository,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, DataError> {
        let failed = |error| hub.failed(&repository.name, error);
        let cache = Cache::new(hub.cache.clone());
        let mut builder =
            ApiBuilder::from_cache(cache.clone()).with_endpoint(hub.endpoint.clone()).with_progress(false);
        if hub.token.is_some() {
            builder = builder.with_token(hub.token.clone());
        }
        let api = builder.build().map_err(failed)?;
        let info = api.repo(repository.at(BRANCH)).info().map_err(failed)?;
        let mut files: Vec<String> = info.siblings.into_iter().map(|file| file.rfilename).collect();
        files.retain(|file| is_wanted(file));
        files.sort();
        if files.is_empty() || !is_name(&info.sha) || !files.iter().all(|file| is_inside(file)) {
            return Err(hub.listing(&repository.name));
        }
        let repo = api.repo(repository.at(&info.sha));
        Ok(Self { hub, repository, api, repo, cache, commit: info.sha, files })
    }

    /// Fetches the files that are not there yet, checks them all, and returns their folder.
    pub(super) fn files(&self, progress: &mut dyn FnMut(FileProgress<'_>)) -> Result<PathBuf, DataError> {
        for file in &self.files {
            let metadata =
                self.api.metadata(&self.repo.url(file)).map_err(|error| self.failed(file, error))?;
            if !is_name(metadata.etag()) {
                return Err(self.hub.listing(&self.repository.name));
            }
            let path = self.cache.repo(self.repository.at(&self.commit)).get(file);
            let path = match path {
                Some(path) => path,
                None => self.download(file, &metadata, progress)?,
            };
            check(&path, file, &metadata).inspect_err(|_| discard(&path))?;
        }
        Ok(self.cache.repo(self.repository.at(BRANCH)).pointer_path(&self.commit))
    }

    /// Names the commit as that of the branch.
    pub(super) fn publish(&self) -> Result<(), DataError> {
        Ok(self.cache.repo(self.repository.at(BRANCH)).create_ref(&self.commit)?)
    }

    fn download(
        &self,
        file: &str,
        metadata: &Metadata,
        progress: &mut dyn FnMut(FileProgress<'_>),
    ) -> Result<PathBuf, DataError> {
        let blob = self.cache.repo(self.repository.at(&self.commit)).blob_path(metadata.etag());
        let part = blob.with_extension("part");
        // A part that is not shorter than the file would be asked for the rest of it, and there is none.
        if fs_err::metadata(&part).is_ok_and(|part| part.len() >= metadata.size() as u64) {
            fs_err::remove_file(&part)?;
        }
        let listener = Listener { file, done: 0, len: 0, progress };
        self.repo.download_with_progress(file, listener).map_err(|error| self.failed(file, error))
    }

    fn failed(&self, file: &str, error: ApiError) -> DataError {
        self.hub.failed(&format!("{}/{file}", self.repository.name), error)
    }
}

/// Compares a file with what the hub says of it: its length, and its hash, which is the name of a large file.
fn check(path: &Path, file: &str, metadata: &Metadata) -> Result<(), DataError> {
    let (expected, got) = (metadata.size() as u64, fs_err::metadata(path)?.len());
    if expected != got {
        return Err(altered(file, &format!("{got} bytes"), &expected.to_string()));
    }
    let expected = metadata.etag();
    if expected.len() != 2 * size_of::<sha2::digest::Output<Sha256>>() {
        return Ok(());
    }
    let mut hasher = Sha256::new();
    io::copy(&mut fs_err::File::open(path)?, &mut HashWriter(&mut hasher))?;
    let got = hex(&hasher.finalize());
    if got == expected {
        return Ok(());
    }
    Err(altered(file, &format!("SHA-256 {got}"), expected))
}

/// Removes a file and what it points to. If that fails, the file is found wrong again the next time.
fn discard(path: &Path) {
    if let Ok(blob) = fs_err::canonicalize(path) {
        let _ = fs_err::remove_file(blob);
    }
    let _ = fs_err::remove_file(path);
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a word of the hub may become the name of a file.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Whether a path of the hub stays inside its folder.
fn is_inside(path: &str) -> bool {
    Path::new(path).components().all(|component| matches!(component, Component::Normal(_)))
}

struct Listener<'a> {
    file: &'a str,
    done: u64,
    len: u64,
    progress: &'a mut dyn FnMut(FileProgress<'_>),
}

impl Progress for Listener<'_> {
    fn init(&mut self, len: usize, _: &str) {
        (self.done, self.len) = (0, len as u64);
    }

    fn update(&mut self, n_bytes: usize) {
        self.done += n_bytes as u64;
        (self.progress)(FileProgress { file: self.file, done: self.done, len: self.len });
    }

    fn finish(&mut self) {}
}
