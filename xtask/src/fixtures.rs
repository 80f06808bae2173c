//! `cargo xtask fixtures`: the data files are those that the manifest describes, byte for byte.
//!
//! `fixtures/manifest.json` describes folders of data: the script that wrote them, the versions that it ran with, the
//! licence, and the size and SHA-256 of each file. Scripts, prose and requirements in such a folder are no data.
//! A person writes the description of a folder; `--update` writes the sizes and checksums.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::process::{root, verdict};

const MANIFEST: &str = "fixtures/manifest.json";
const SCHEMA: u64 = 1;
const DESCRIPTION: [&str; 3] = ["generator", "versions", "licence"];

/// Size and checksum of each data file, by its path relative to the folder.
type Files = BTreeMap<String, Value>;

/// Compares the files with the manifest, or writes their present state into it.
pub(crate) fn run(update: bool) -> Result<()> {
    let root = root()?;
    let path = root.join(MANIFEST);
    let mut manifest: Value =
        serde_json::from_slice(&fs_err::read(&path)?).with_context(|| format!("reading {MANIFEST}"))?;
    ensure!(manifest["schema"] == SCHEMA, "{MANIFEST}: schema {SCHEMA} expected, got {}", manifest["schema"]);
    let folders = manifest["folders"].as_object_mut().context("the manifest has no `folders`")?;

    let mut findings = undescribed(&root, folders)?;
    let mut n_files = 0;
    for (folder, described) in folders {
        let missing = DESCRIPTION.iter().filter(|key| described[**key].is_null());
        findings.extend(missing.map(|key| format!("{folder}: the manifest gives no `{key}`")));
        if let Some(script) = described["generator"].as_str().filter(|script| !root.join(script).is_file()) {
            findings.push(format!("{folder}: the generator {script} does not exist"));
        }
        let real = data_files(&root.join(folder))?;
        n_files += real.len();
        if update {
            described["files"] = real.into_iter().collect::<Map<_, _>>().into();
        } else {
            findings.extend(differences(folder, &described["files"], &real));
        }
    }
    if update {
        fs_err::write(&path, serde_json::to_string_pretty(&manifest)? + "\n")?;
    }
    verdict(&format!("{n_files} data files are those of {MANIFEST}"), &findings)
}

/// Folders of `fixtures/` that hold data and have no entry.
fn undescribed(root: &Path, folders: &Map<String, Value>) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for entry in fs_err::read_dir(root.join("fixtures"))? {
        let entry = entry?;
        let folder = format!("fixtures/{}", entry.file_name().display());
        if entry.file_type()?.is_dir()
            && !folders.contains_key(&folder)
            && !data_files(&entry.path())?.is_empty()
        {
            findings.push(format!(
                "{folder}: describe it in {MANIFEST} ({}), then --update",
                DESCRIPTION.join(", ")
            ));
        }
    }
    findings.sort();
    Ok(findings)
}

/// The data files directly in a folder.
fn data_files(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().display().to_string();
        if entry.file_type()?.is_file() && is_data(&name) {
            let bytes = fs_err::read(entry.path())?;
            files.insert(name, json!({ "bytes": bytes.len(), "sha256": checksum(&bytes) }));
        }
    }
    Ok(files)
}

fn is_data(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    !name.starts_with('.') && !matches!(extension, Some("py" | "pyc" | "sh" | "md" | "txt"))
}

/// SHA-256 as every other tool prints it.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    let nibbles = Sha256::digest(bytes).into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect()
}

fn differences(folder: &str, listed: &Value, real: &Files) -> Vec<String> {
    let empty = Map::new();
    let listed = listed.as_object().unwrap_or(&empty);
    let gone = listed
        .keys()
        .filter(|name| !real.contains_key(*name))
        .map(|name| format!("{folder}/{name}: is missing"));
    let changed = real.iter().filter_map(|(name, now)| match listed.get(name) {
        None => Some(format!("{folder}/{name}: is not in {MANIFEST}")),
        Some(then) if then != now => Some(format!("{folder}/{name}: {then} expected, got {now}")),
        Some(_) => None,
    });
    gone.chain(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lost file, a new file and a changed file are each found by name, and nothing else is.
    #[test]
    fn every_difference_is_named() {
        let entry = |hash: &str| json!({ "bytes": 1, "sha256": hash });
        let listed = json!({ "a": entry("1"), "b": entry("2"), "c": entry("3") });
        let real =
            Files::from([("b".into(), entry("2")), ("c".into(), entry("4")), ("d".into(), entry("5"))]);
        let found = differences("fixtures/x", &listed, &real);
        let names: Vec<&str> = found.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["fixtures/x/a", "fixtures/x/c", "fixtures/x/d"]);
    }

    /// The checksum is SHA-256 as every other tool prints it.
    #[test]
    fn checksum_is_sha256() {
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(checksum(b""), expected);
    }

    /// Scripts, prose and requirements may change without their data.
    #[test]
    fn scripts_are_no_data() {
        assert!(is_data("losses.json") && is_data("digits.bin.gz"));
        assert!(
            !is_data("generate.py")
                && !is_data("one_node.sh")
                && !is_data("README.md")
                && !is_data("requirements.txt")
                && !is_data(".cache")
        );
    }
}
