//! `cargo xtask layers`: the crates depend on each other as the table in `docs/architecture.md` says, and not otherwise.
//!
//! The table is the truth. A row gives a crate's layer, the crates that it depends on, those that only its tests use, and
//! whether candle may be in its dependency tree.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process::{cargo, output, root, verdict};

const TABLE: &str = "docs/architecture.md";

/// What the table says of one crate, or what its manifest says.
#[derive(Debug, Default, PartialEq)]
struct Edges {
    normal: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// One row of the table.
#[derive(Debug, PartialEq)]
struct Row {
    layer: u32,
    edges: Edges,
    candle: bool,
}

/// Compares `cargo metadata` with the table; every difference is a finding.
pub(crate) fn run() -> Result<()> {
    let table = parse_table(&fs_err::read_to_string(root()?.join(TABLE))?)?;
    let command = cargo(["metadata", "--format-version", "1", "--all-features", "--locked"])?;
    let metadata: Value = serde_json::from_slice(&output(command)?)?;

    let members = members(&metadata)?;
    let mut findings = compare(&table, &members);
    findings.extend(order(&table));
    for (name, _) in table.iter().filter(|(_, row)| !row.candle) {
        findings
            .extend(candle_in_tree(&metadata, name).map(|found| format!("{name}: {found} is in its tree")));
    }
    verdict(&format!("{} crates depend on each other as {TABLE} says", members.len()), &findings)
}

/// Reads the first table whose header names the columns `crate` and `depends on`.
fn parse_table(markdown: &str) -> Result<BTreeMap<String, Row>> {
    let mut lines =
        markdown.lines().map(cells).skip_while(|row| !row.iter().any(|cell| cell == "depends on"));
    let header = lines.next().with_context(|| format!("{TABLE}: no table with a column `depends on`"))?;
    let column = |name: &str| {
        let position = header.iter().position(|cell| cell == name);
        position.with_context(|| format!("{TABLE}: the table has no column `{name}`"))
    };
    let (layer, crate_name, normal) = (column("layer")?, column("crate")?, column("depends on")?);
    let (tests, candle) = (column("tests also use")?, column("candle")?);

    let mut table = BTreeMap::new();
    for row in lines.skip(1).take_while(|row| !row.is_empty()) {
        ensure!(row.len() == header.len(), "{TABLE}: {} cells expected, got {row:?}", header.len());
        let name = names(&row[crate_name]).pop_first();
        let name = name.with_context(|| format!("{TABLE}: no crate named in {row:?}"))?;
        let edges = Edges { normal: names(&row[normal]), tests: names(&row[tests]) };
        let candle = match row[candle].as_str() {
            "yes" => true,
            "no" => false,
            other => bail!("{TABLE}: the column `candle` says yes or no, got {other:?}"),
        };
        let layer =
            row[layer].parse().with_context(|| format!("{TABLE}: layer {:?} of {name}", row[layer]))?;
        ensure!(
            table.insert(name.clone(), Row { layer, edges, candle }).is_none(),
            "{TABLE}: two rows for {name}"
        );
    }
    Ok(table)
}

/// The cells of a line of a Markdown table, trimmed; none for any other line.
fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    inner.map_or_else(Vec::new, |inner| inner.split('|').map(|cell| cell.trim().to_owned()).collect())
}

/// The names between backticks.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The crates of the workspace and the edges among them, from their manifests.
fn members(metadata: &Value) -> Result<BTreeMap<String, Edges>> {
    let ids: BTreeSet<&str> = strings(&metadata["workspace_members"]).collect();
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut members = BTreeMap::new();
    for package in packages.iter().filter(|package| package["id"].as_str().is_some_and(|id| ids.contains(id)))
    {
        let mut edges = Edges::default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let (Some(name), true) = (dependency["name"].as_str(), dependency["path"].is_string()) else {
                continue;
            };
            let only_tests = dependency["kind"] == "dev";
            let side = if only_tests { &mut edges.tests } else { &mut edges.normal };
            side.insert(name.to_owned());
        }
        members.insert(package["name"].as_str().unwrap_or_default().to_owned(), edges);
    }
    Ok(members)
}

fn strings(array: &Value) -> impl Iterator<Item = &str> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn compare(table: &BTreeMap<String, Row>, members: &BTreeMap<String, Edges>) -> Vec<String> {
    let mut findings = Vec::new();
    for name in table.keys().filter(|name| !members.contains_key(*name)) {
        findings.push(format!("{name}: in the table, but no crate of the workspace"));
    }
    for (name, edges) in members {
        let Some(row) = table.get(name) else {
            findings.push(format!("{name}: no row in the table"));
            continue;
        };
        let kinds = [("", &edges.normal, &row.edges.normal), ("tests: ", &edges.tests, &row.edges.tests)];
        for (kind, real, allowed) in kinds {
            findings.extend(
                real.difference(allowed).map(|to| format!("{name}: {kind}uses {to}, not in the table")),
            );
            findings.extend(
                allowed.difference(real).map(|to| format!("{name}: {kind}{to} is in the table only")),
            );
        }
    }
    findings
}

/// Every edge leads to a lower layer, so there can be no cycle and the layers mean something.
fn order(table: &BTreeMap<String, Row>) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, row) in table {
        let below = |to: &&String| table.get(*to).is_some_and(|other| other.layer < row.layer);
        let wrong = row.edges.normal.iter().filter(|to| !below(to));
        findings.extend(wrong.map(|to| format!("{name}: {to} is not in a layer below {}", row.layer)));
    }
    findings
}

/// The first candle crate that `name` reaches without its tests.
fn candle_in_tree(metadata: &Value, name: &str) -> Option<String> {
    let nodes = metadata["resolve"]["nodes"].as_array()?;
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
        .collect();
    let nodes: BTreeMap<&str, &Value> =
        nodes.iter().filter_map(|node| Some((node["id"].as_str()?, node))).collect();

    let mut open: Vec<&str> = names.iter().filter(|(_, found)| **found == name).map(|(id, _)| *id).collect();
    let mut seen: BTreeSet<&str> = open.iter().copied().collect();
    while let Some(id) = open.pop() {
        if let Some(found) = names.get(id).filter(|found| found.starts_with("candle")) {
            return Some((*found).to_owned());
        }
        for dependency in nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            let outside_tests = kinds.into_iter().flatten().any(|kind| kind["kind"] != "dev");
            open.extend(dependency["pkg"].as_str().filter(|to| outside_tests && seen.insert(to)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
Text.

| layer | crate | one line | depends on | tests also use | candle |
|---|---|---|---|---|---|
| 0 | `base` | the base | - | - | no |
| 1 | `top` | on `base` | `base` | `base`, `side` | yes |

| another | table |
";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn edges(normal: &[&str], tests: &[&str]) -> Edges {
        Edges { normal: set(normal), tests: set(tests) }
    }

    /// A table is read to its last row and no further, and names in its prose are no edges.
    #[test]
    fn table_is_read() {
        let table = parse_table(GOOD).unwrap();
        assert_eq!(table.len(), 2);
        assert_eq!(table["base"], Row { layer: 0, edges: edges(&[], &[]), candle: false });
        assert_eq!(table["top"], Row { layer: 1, edges: edges(&["base"], &["base", "side"]), candle: true });
    }

    /// What cannot be read is an error, never an empty table that would allow nothing or everything.
    #[test]
    fn broken_tables_are_errors() {
        let broken = [
            String::new(),
            GOOD.replace("depends on", "needs"),
            GOOD.replace("| yes |", "| maybe |"),
            GOOD.replace("| yes |", "|"),
            GOOD.replace("| 1 |", "| one |"),
            GOOD.replace("`top`", "`base`"),
            GOOD.replace("`top`", "top"),
        ];
        for markdown in broken {
            assert!(parse_table(&markdown).is_err(), "{markdown}");
        }
    }

    /// A missing edge, an edge too many, a missing crate and a row too many are four findings.
    #[test]
    fn every_difference_is_found() {
        let table = parse_table(GOOD).unwrap();
        let same = BTreeMap::from([
            ("base".to_owned(), edges(&[], &[])),
            ("top".to_owned(), edges(&["base"], &["base", "side"])),
        ]);
        assert_eq!(compare(&table, &same), Vec::<String>::new());

        let other = BTreeMap::from([
            ("new".to_owned(), edges(&[], &[])),
            ("top".to_owned(), edges(&["base", "side"], &["side"])),
        ]);
        assert_eq!(
            compare(&table, &other),
            [
                "base: in the table, but no crate of the workspace",
                "new: no row in the table",
                "top: uses side, not in the table",
                "top: tests: base is in the table only",
            ]
        );
    }

    /// An edge within a layer or upward is a finding.
    #[test]
    fn edges_lead_downward() {
        assert_eq!(order(&parse_table(GOOD).unwrap()), Vec::<String>::new());
        let flat = parse_table(&GOOD.replace("| 1 |", "| 0 |")).unwrap();
        assert_eq!(order(&flat), ["top: base is not in a layer below 0"]);
    }

    /// Edges come from path dependencies alone; candle is found through others, but not through tests.
    #[test]
    fn metadata_is_read() {
        let metadata: Value = serde_json::json!({
            "workspace_members": ["a#1"],
            "packages": [
                {"id": "a#1", "name": "a", "dependencies": [
                    {"name": "b", "kind": null, "path": "p"},
                    {"name": "c", "kind": "dev", "path": "p"},
                    {"name": "serde", "kind": null},
                ]},
                {"id": "b#1", "name": "b", "dependencies": []},
                {"id": "k#1", "name": "candle-core", "dependencies": []},
            ],
            "resolve": {"nodes": [
                {"id": "a#1", "deps": [{"pkg": "b#1", "dep_kinds": [{"kind": null}]}]},
                {"id": "b#1", "deps": [{"pkg": "k#1", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "k#1", "deps": []},
            ]},
        });
        assert_eq!(members(&metadata).unwrap(), BTreeMap::from([("a".to_owned(), edges(&["b"], &["c"]))]));
        assert_eq!(candle_in_tree(&metadata, "a"), None);
        let linked = metadata.to_string().replace("\"dev\"", "null");
        let linked: Value = serde_json::from_str(&linked).unwrap();
        assert_eq!(candle_in_tree(&linked, "a"), Some("candle-core".to_owned()));
    }
}
