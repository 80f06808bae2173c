//! What the server does with uploads.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Manner, Shared};

/// What was uploaded.
#[derive(Clone, Debug, Default)]
#[allow(dead_code, reason = "each test uses what it needs")]
pub(crate) struct Written {
    /// What was asked for as a repository.
    pub(crate) repository: Option<Value>,
    /// Content of large files, by hash.
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    /// The lines of each commit.
    pub(crate) commits: Vec<Vec<Value>>,
}

impl Shared {
    /// Status and answer of a request that writes.
    pub(super) fn write(&mut self, endpoint: &str, path: &str, body: &[u8]) -> (u16, String) {
        match self.manner {
            Manner::Refuses(status) => return (status, String::new()),
            Manner::FailsAt(text, status) if path.contains(text) => {
                return (status, json!({"error": "what is wrong"}).to_string());
            }
            Manner::NoHub => return (200, "<html>hello</html>".to_owned()),
            _ => {}
        }
        let lines = || {
            String::from_utf8_lossy(body).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        if let Some(oid) = path.strip_prefix("/storage/") {
            self.written.objects.insert(oid.to_owned(), body.to_vec());
            (200, String::new())
        } else if path.contains("/commit/") {
            self.written.commits.push(lines());
            (
                200,
                json!({"commitUrl": format!("{endpoint}/commit/1"), "commitOid": super::COMMIT}).to_string(),
            )
        } else {
            let body: Value = serde_json::from_slice(body).unwrap();
            self.describe(endpoint, path, &body)
        }
    }

    /// The answers to questions before a commit.
    fn describe(&mut self, endpoint: &str, path: &str, body: &Value) -> (u16, String) {
        if path == "/api/repos/create" {
            let is_there = self.written.repository.is_some();
            self.written.repository.get_or_insert_with(|| body.clone());
            return (if is_there { 409 } else { 200 }, json!({"url": endpoint}).to_string());
        }
        if path.contains("/preupload/") {
            let mode = |file: &Value| {
                let is_large = file["path"].as_str().unwrap().ends_with(".safetensors");
                json!({"path": file["path"], "uploadMode": if is_large { "lfs" } else { "regular" }})
            };
            let files: Vec<Value> = body["files"].as_array().unwrap().iter().map(mode).collect();
            return (200, json!({"files": files}).to_string());
        }
        if path.ends_with("/info/lfs/objects/batch") {
            let oid = body["objects"][0]["oid"].as_str().unwrap();
            let mut object = json!({"oid": oid});
            if !self.written.objects.contains_key(oid) {
                let href = |what: &str| json!({"href": format!("{endpoint}/{what}/{oid}"), "header": {"x-part": "1"}});
                object["actions"] = json!({"upload": href("storage"), "verify": href("verify")});
            }
            return (200, json!({"objects": [object]}).to_string());
        }
        (if path.starts_with("/verify/") { 200 } else { 404 }, String::new())
    }
}
