//! `cargo xtask tidy`: the rules of the house that no other tool checks.
//!
//! - every Rust file says at its head what it is for, and no file is so long that it must be two;
//! - nothing is left to be done later: no such marks in comments, no such macros;
//! - no path of one person's machine;
//! - links and paths in the documentation lead to files of the repository, and each `[surname:yy]` to the bibliography.
//!
//! It looks at the files that git tracks or would track.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{output, root, verdict};

const MAX_LINES: usize = 600;
const BIBLIOGRAPHY: &str = "docs/references.bib";

/// Split, so that this file does not contain them itself.
const UNFINISHED: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/", "home/"), concat!("/", "root/"), concat!("/", "tmp/"), concat!("/", "work/")];

/// Checks every text file; each broken rule is a finding with file and line.
pub(crate) fn run() -> Result<()> {
    let root = root()?;
    let files = tracked_files(&root)?;
    let keys = bibliography_keys(&fs_err::read_to_string(root.join(BIBLIOGRAPHY))?);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_text(file)) {
        let text = fs_err::read_to_string(root.join(file))?;
        let found = check(file, &text, &keys)
            .into_iter()
            .chain(broken_links(file, &text, |path| root.join(path).exists()));
        findings.extend(found.map(|finding| format!("{}:{finding}", file.display())));
    }
    verdict(&format!("{} files are tidy", files.len()), &findings)
}

fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut command = Command::new("git");
    command.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(root);
    let listed = String::from_utf8(output(command)?)?;
    let files: BTreeSet<PathBuf> = listed.split_terminator('\0').map(PathBuf::from).collect();
    Ok(files.into_iter().filter(|file| root.join(file).is_file()).collect())
}

fn extension(file: &Path) -> &str {
    file.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn is_text(file: &Path) -> bool {
    matches!(extension(file), "rs" | "py" | "sh" | "md" | "toml" | "yml" | "cff" | "bib")
        || file.ends_with(".ci/run")
}

/// The rules that need only one file; each finding starts with its line.
fn check(file: &Path, text: &str, keys: &BTreeSet<String>) -> Vec<String> {
    let mut findings = Vec::new();
    let n_lines = text.lines().count();
    if n_lines > MAX_LINES {
        findings.push(format!("{n_lines}: longer than {MAX_LINES} lines: split it"));
    }
    if extension(file) == "rs" && !text.trim_start().starts_with("//!") {
        findings.push("1: starts without `//!` and what the file is for".to_owned());
    }
    for (n, line) in (1..).zip(text.lines()) {
        findings
            .extend(UNFINISHED.iter().filter(|mark| line.contains(*mark)).map(|mark| format!("{n}: {mark}")));
        let folders = MACHINE_FOLDERS.iter().filter(|folder| has_absolute(line, folder));
        findings.extend(folders.map(|folder| format!("{n}: a path of one machine: {folder}")));
        if matches!(extension(file), "rs" | "md") {
            let unknown = citations(line).filter(|key| !keys.contains(*key));
            findings.extend(unknown.map(|key| format!("{n}: [{key}] is not in {BIBLIOGRAPHY}")));
        }
    }
    findings
}

/// Whether the folder occurs as the start of a path: after a space, a quote and the like, not within a longer path.
fn has_absolute(line: &str, folder: &str) -> bool {
    let starts = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_-.~/}>".contains(c));
    line.match_indices(folder).any(|(at, _)| starts(at))
}

/// The citations `[surname:yy]` of a line, without brackets; `[a:yy, b:yy]` gives two. Brackets may be escaped.
fn citations(line: &str) -> impl Iterator<Item = &str> {
    let groups = line.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(inside, _)| inside);
    groups.flat_map(|inside| inside.trim_end_matches('\\').split(", ")).filter(|key| is_key(key))
}

fn is_key(key: &str) -> bool {
    key.split_once(':').is_some_and(|(name, year)| {
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        plain
            && year.len() >= 2
            && year[..2].bytes().all(|b| b.is_ascii_digit())
            && year[2..].bytes().all(|b| b.is_ascii_lowercase())
    })
}

fn bibliography_keys(text: &str) -> BTreeSet<String> {
    let entries = text.lines().filter(|line| line.starts_with('@'));
    entries.filter_map(|line| Some(line.split_once('{')?.1.trim_end_matches(',').to_owned())).collect()
}

/// Links of a Markdown file, and repository paths between backticks, that lead nowhere.
fn broken_links(file: &Path, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    if extension(file) != "md" {
        return Vec::new();
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    for (n, line) in (1..).zip(text.lines()) {
        let links = link_targets(line).map(|target| folder.join(target));
        let paths = repository_paths(line).map(PathBuf::from);
        let broken = links.chain(paths).filter(|path| !exists(&normalized(path)));
        findings.extend(broken.map(|path| format!("{n}: leads nowhere: {}", path.display())));
    }
    findings
}

/// Targets of `[text](target)` that are files, without a fragment.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with(['#', '<']));
    local.map(|target| target.split('#').next().unwrap_or(target))
}

/// Code spans that are a path below a top folder of the repository.
fn repository_paths(line: &str) -> impl Iterator<Item = &str> {
    let spans = line.split('`').skip(1).step_by(2);
    spans.filter(|span| {
        let below = ["crates/", "docs/", "fixtures/", "xtask/", ".github/", ".ci/"]
            .iter()
            .any(|top| span.starts_with(top));
        below && !span.contains(|c: char| c.is_whitespace() || "*<>{}$".contains(c))
    })
}

/// Resolves `..` by name alone, so that the path can be looked up from the root.
fn normalized(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut done, component| {
        match component {
            Component::ParentDir => {
                done.pop();
            }
            Component::CurDir => {}
            other => done.push(other),
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Vec<String> {
        check(Path::new(file), text, &BTreeSet::from(["cuturi:13".to_owned()]))
    }

    /// A short documented file that leaves nothing undone is tidy.
    #[test]
    fn tidy_file_passes() {
        assert_eq!(
            found("a.rs", "//! What it is for, after [cuturi:13].\nfn f(x: &[u8]) -> u8 { x[0] }\n"),
            Vec::<String>::new()
        );
    }

    /// Each rule is broken once, and each is found at its line.
    #[test]
    fn each_rule_is_checked() {
        let [mark, _, macro_call, _] = UNFINISHED;
        let [_, root_folder, ..] = MACHINE_FOLDERS;
        assert_eq!(found("a.rs", "fn f() {}\n"), ["1: starts without `//!` and what the file is for"]);
        assert_eq!(found("a.py", &format!("\n# {mark}: later\n")), [format!("2: {mark}")]);
        assert_eq!(found("a.md", &format!("{macro_call})\n")), [format!("1: {macro_call}")]);
        assert_eq!(
            found("a.md", &format!("see `{root_folder}x`")),
            [format!("1: a path of one machine: {root_folder}")]
        );
        let nobody = "nobody:99";
        let unknown = [format!("1: [{nobody}] is not in {BIBLIOGRAPHY}")];
        assert_eq!(found("a.md", &format!("as in [{nobody}, cuturi:13]")), unknown);
        assert_eq!(found("a.rs", &format!(r"//! As in \[{nobody}\].")), unknown);
        assert_eq!(found("a.md", &"x\n".repeat(601)), ["601: longer than 600 lines: split it"]);
    }

    /// A folder of that name within a longer path or an address is not absolute.
    #[test]
    fn only_absolute_paths_count() {
        let [_, _, folder, _] = MACHINE_FOLDERS;
        for line in
            [format!("target{folder}x"), format!("https://x.org{folder}"), format!("${{DIR}}{folder}")]
        {
            assert!(!has_absolute(&line, folder), "{line}");
        }
        for line in [format!("{folder}x"), format!("\"{folder}x\""), format!("a={folder}")] {
            assert!(has_absolute(&line, folder), "{line}");
        }
    }

    /// Links are relative to their file, paths in code spans to the root; addresses and fragments are left alone.
    #[test]
    fn links_are_followed() {
        let there = |path: &Path| path == Path::new("docs/a.md") || path == Path::new("README.md");
        let text = "[a](a.md#part) [r](../README.md) [w](https://x.org) [p](#part) `docs/a.md` `docs/<name>.md`\n\
                    [b](b.md) and `crates/none.rs`\n";
        assert_eq!(
            broken_links(Path::new("docs/c.md"), text, there),
            ["2: leads nowhere: docs/b.md", "2: leads nowhere: crates/none.rs"]
        );
    }

    /// Keys are read from the entries of the bibliography.
    #[test]
    fn keys_are_read() {
        let keys =
            bibliography_keys("@article{yu:13,\n title = {@x{no:00,}},\n}\n\n@misc{he-zhang:16a,\n}\n");
        assert_eq!(keys, BTreeSet::from(["yu:13".to_owned(), "he-zhang:16a".to_owned()]));
        assert!(keys.iter().all(|key| is_key(key)));
        assert!(!is_key("T: Copy") && !is_key("usize") && !is_key("f64:1"));
    }
}
