//! Files of a trained network onto the hub, as one commit.
//!
//! The repository is made, private, unless it is there. The hub is asked which files go to its large storage; each of
//! them that the storage does not have is sent there. One commit then names all files, so a part of them is never
//! visible, and the call after one that broke off sends again only what is missing.

mod request;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hf_hub::Cache;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{FileProgress, Hub, hex};
use crate::DataError;
use request::Client;

/// The branch that is written to.
const BRANCH: &str = "main";

/// First bytes of a file, by which the hub recognizes the kind of file.
const SAMPLE_BYTES: usize = 512;

/// A file to upload.
#[derive(Clone, Debug)]
pub struct UploadFile {
    /// Its name in the repository.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mode {
    path: String,
    upload_mode: String,
}

impl Hub {
    /// Commits files to the repository `repo` (`OWNER/NAME`) of a network, and returns the address of the commit.
    ///
    /// # Errors
    /// There is no token, it may not write, or the hub does not answer.
    pub fn upload(
        &self,
        repo: &str,
        files: &[UploadFile],
        summary: &str,
        progress: &mut dyn FnMut(FileProgress<'_>),
    ) -> Result<String, DataError> {
        if self.is_offline {
            return Err(DataError::new("HF_HUB_OFFLINE is set").remedy("unset it to upload"));
        }
        let token = self.token.clone().or_else(|| Cache::new(self.cache.clone()).token());
        let no_token = || {
            DataError::new("no token to upload with")
                .remedy("set HF_TOKEN to one that may write, or log in with `hf auth login`")
        };
        let client = Client::new(self.endpoint.clone(), repo, &token.ok_or_else(no_token)?);
        create(&client, repo)?;
        let modes = modes(&client, repo, files)?;
        let is_large =
            |file: &UploadFile| modes.iter().any(|mode| mode.path == file.name && mode.upload_mode == "lfs");
        let mut lines = vec![json!({"key": "header", "value": {"summary": summary, "description": ""}})];
        for file in files {
            let len = file.bytes.len() as u64;
            progress(FileProgress { file: &file.name, done: 0, len });
            let (key, value) = if is_large(file) {
                let oid = hex(&Sha256::digest(&file.bytes));
                store(&client, repo, file, &oid)?;
                ("lfsFile", json!({"path": file.name, "algo": "sha256", "oid": oid, "size": len}))
            } else {
                let content = BASE64.encode(&file.bytes);
                ("file", json!({"path": file.name, "content": content, "encoding": "base64"}))
            };
            lines.push(json!({"key": key, "value": value}));
            progress(FileProgress { file: &file.name, done: len, len });
        }
        commit(&client, repo, &lines)
    }
}

/// Makes the repository, private; one that is there stays as it is.
fn create(client: &Client, repo: &str) -> Result<(), DataError> {
    let (owner, name) = repo.split_once('/').unwrap_or(("", repo));
    let body = json!({"type": "model", "organization": owner, "name": name, "private": true});
    client.post_unless_there("/api/repos/create", &body)
}

/// How the hub wants each file.
fn modes(client: &Client, repo: &str, files: &[UploadFile]) -> Result<Vec<Mode>, DataError> {
    #[derive(Deserialize)]
    struct Answer {
        files: Vec<Mode>,
    }
    let describe = |file: &UploadFile| {
        let sample = BASE64.encode(&file.bytes[..file.bytes.len().min(SAMPLE_BYTES)]);
        json!({"path": file.name, "size": file.bytes.len(), "sample": sample})
    };
    let body = json!({"files": files.iter().map(describe).collect::<Vec<_>>()});
    let answer: Answer = client.post(&format!("/api/models/{repo}/preupload/{BRANCH}"), &body)?;
    Ok(answer.files)
}

/// Brings a file into the large storage, unless that has it: the batch protocol of Git LFS.
fn store(client: &Client, repo: &str, file: &UploadFile, oid: &str) -> Result<(), DataError> {
    let object = json!({"oid": oid, "size": file.bytes.len()});
    let body = json!({
        "operation": "upload", "transfers": ["basic"], "hash_algo": "sha256", "objects": [object],
    });
    let answer: Value = client.post(&format!("/{repo}.git/info/lfs/objects/batch"), &body)?;
    let actions = &answer["objects"][0]["actions"];
    if let Some(href) = actions["upload"]["href"].as_str() {
        client.put(href, &actions["upload"]["header"], &file.name, &file.bytes)?;
    }
    match actions["verify"]["href"].as_str() {
        Some(href) => client.confirm(href, &object),
        None => Ok(()),
    }
}

/// Names all files as one commit, whose address is returned.
fn commit(client: &Client, repo: &str, lines: &[Value]) -> Result<String, DataError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        commit_url: String,
    }
    let answer: Answer = client.post_lines(&format!("/api/models/{repo}/commit/{BRANCH}"), lines)?;
    Ok(answer.commit_url)
}
