//! `llp ei`: estimates, files and the page of ecological inference, and what is wrong with its tables.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::path::Path;
use std::process::{Command, Output};

use messages::Messages;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// Forty bags in which seven of ten members of the first group are for the first class, and one of five of the second.
fn wide() -> (String, String) {
    let (mut groups, mut votes) = (vec!["bag,north,south".to_owned()], vec!["bag,yes,no".to_owned()]);
    for bag in 0..40_u32 {
        let (north, south) = (20 + 37 * bag % 160, 20 + 53 * bag % 140);
        let yes = (7 * north + 2 * south + (bag * 7) % 10) / 10;
        groups.push(format!("{bag},{north},{south}"));
        votes.push(format!("{bag},{yes},{}", north + south - yes));
    }
    (groups.join("\n"), votes.join("\n"))
}

fn tables(groups: &str, votes: &str) -> TempDir {
    let folder = tempdir().unwrap();
    fs_err::write(folder.path().join("groups.csv"), groups).unwrap();
    fs_err::write(folder.path().join("votes.csv"), votes).unwrap();
    folder
}

fn llp(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llp"));
    command.current_dir(folder).args(["ei", "groups.csv", "--proportions=votes.csv"]);
    command.args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Intervals hold the truth, all outputs agree, and one row for each group, each person, or a column for each group
/// give the same bytes.
#[test]
fn forms_of_the_table_give_the_same_estimates() {
    let (groups, votes) = wide();
    let folder = tables(&groups, &votes);
    let end = llp(folder.path(), &["--output=json", "--out=results"]);
    assert_eq!((end.status.code(), text(&end.stderr).as_str()), (Some(0), ""));
    let summary: Value = serde_json::from_slice(&end.stdout).unwrap();
    for (group, truth) in [(0, 0.7), (1, 0.2)] {
        let yes = &summary["groups"][group]["classes"][0];
        assert_eq!(yes["class"], "yes");
        let interval = |end: usize| yes["interval"][end].as_f64().unwrap();
        assert!(interval(0) < truth && truth < interval(1), "{yes}");
        assert!((yes["share"].as_f64().unwrap() - truth).abs() < 0.1, "{yes}");
    }
    let results = folder.path().join("results");
    let shares = fs_err::read_to_string(results.join("shares.csv")).unwrap();
    assert!(shares.starts_with("group,class,members,share,low,high,bootstrap_low"), "{shares}");
    assert_eq!(shares.lines().count(), 1 + 4);
    assert_eq!(fs_err::read_to_string(results.join("bags.csv")).unwrap().lines().count(), 1 + 40 * 4);
    let page = fs_err::read_to_string(results.join("report.html")).unwrap();
    assert!(page.contains("north") && page.contains("llp ei groups.csv --proportions votes.csv"));

    let (mut long, mut people) = (vec!["bag,group,weight".to_owned()], vec!["bag,part".to_owned()]);
    for line in groups.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        for (name, count) in [("north", cells[1]), ("south", cells[2])] {
            long.push(format!("{},{name},{count}", cells[0]));
            people.extend(vec![format!("{},{name}", cells[0]); count.parse().unwrap()]);
        }
    }
    for (table, more) in [(long, &["--output=json"][..]), (people, &["--output=json", "--group=part"])] {
        let other = llp(tables(&table.join("\n"), &votes).path(), more);
        let mut other: Value = serde_json::from_slice(&other.stdout).unwrap();
        other["warnings"] = summary["warnings"].clone();
        assert_eq!(other, summary);
    }
}

/// The table for people, and what is said of rows, columns and bags that are not as in most tables.
#[test]
fn people_can_read_it() {
    let groups = "bag,group,age\na,x,3\na,y,4\na,y,5\nb,x,1\nb,x,1\nc,y,2\n";
    let folder = tables(groups, "bag,yes,no\na,1,2\nb,1,1\nc,0,1\n");
    let end = llp(folder.path(), &[]);
    assert_eq!(end.status.code(), Some(0), "{}", text(&end.stderr));
    let shown = text(&end.stdout);
    assert!(shown.starts_with("3 bags, 2 groups, 2 classes, 6 instances\n"), "{shown}");
    assert_eq!(shown.lines().count(), 5, "{shown}");
    let warnings = text(&end.stderr);
    for part in ["each row is taken for one instance", "columns that are not used: age"] {
        assert!(warnings.contains(part), "{warnings}");
    }
}

/// Bags that are all alike cannot tell how a group divides, and that is said.
#[test]
fn bags_that_are_alike_are_warned_of() {
    let groups: Vec<String> = (0..30).map(|bag| format!("{bag},60,40")).collect();
    let votes: Vec<String> = (0..30).map(|bag| format!("{bag},{},{}", 45 + bag % 7, 55 - bag % 7)).collect();
    let folder =
        tables(&format!("bag,x,y\n{}", groups.join("\n")), &format!("bag,yes,no\n{}", votes.join("\n")));
    let end = llp(folder.path(), &[]);
    assert!(text(&end.stderr).contains("the bags hardly tell how group"), "{}", text(&end.stderr));
}

const GROUPS: &str = "bag,x,y\na,3,4\nb,5,2\n";
const VOTES: &str = "bag,yes,no\na,3,4\nb,4,3\n";

/// What is wrong with the tables is named with its place and what helps; nothing is written. The messages are those of
/// `tests/messages/ei.json`.
#[test]
fn mistakes_are_named() {
    let mut messages = Messages::new(
        env!("CARGO_MANIFEST_DIR"),
        "ei",
        "Tables of groups (`groups.csv`) and classes (`votes.csv`)",
    );
    for (input, groups, votes, more) in [
        ("no column of bags", "ward,x,y\na,3,4\n", VOTES, &[][..]),
        ("a part of a person", "bag,group,weight\na,x,2.5\n", VOTES, &[]),
        ("a weight without a group", "bag,weight\na,3\n", VOTES, &[]),
        ("a column of groups that is not there", GROUPS, VOTES, &["--group=race"]),
        ("a share in place of a count", "bag,x,y\na,0.5,0.5\n", VOTES, &[]),
        ("one group", "bag,group\na,x\nb,x\n", "bag,yes,no\na,1,0\nb,0,1\n", &[]),
        ("a group without members", "bag,x,y\na,0,7\nb,0,7\n", VOTES, &[]),
        ("a class without members", GROUPS, "bag,yes,no\na,7,0\nb,7,0\n", &[]),
        ("counts of other people", GROUPS, "bag,yes,no\na,3,4\nb,4,4\n", &[]),
        ("a bag without proportions", GROUPS, "bag,yes,no\na,3,4\n", &[]),
        ("a bag without groups", "bag,x,y\na,3,4\n", VOTES, &[]),
        ("a bag twice", "bag,x,y\na,3,4\na,3,4\n", VOTES, &[]),
    ] {
        let folder = tables(groups, votes);
        let end = llp(folder.path(), &[more, &["--out=results"]].concat());
        assert_eq!(end.status.code(), Some(2), "{input}");
        messages.ended(input, &end);
        assert!(!folder.path().join("results").exists(), "{input}");
    }
    messages.compare();
}
