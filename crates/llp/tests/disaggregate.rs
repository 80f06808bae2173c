//! `llp disaggregate`: what comes out keeps what is known, and what is wrong with the tables is named.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::path::Path;
use std::process::{Command, Output};

use llp_data::table::{Cells, Table, encode};
use llp_train::disaggregate::BaggedPredictions;
use messages::Messages;
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

const PROBABILITIES: &str =
    "instance,bag,cat,dog\na,x,0.9,0.1\nb,y,0.5,0.5\nc,x,0.75,0.25\nd,y,0,1\ne,y,0.125,0.875\n";
const SHARES: &str = "bag,dog,cat\ny,0.66666667,0.33333333\nx,0.5,0.5\n";
const COUNTS: &str = "bag,dog,cat\ny,2,1\nx,1,1\n";

/// A folder with both tables.
fn tables(probabilities: &str, proportions: &str) -> TempDir {
    let folder = tempdir().unwrap();
    fs_err::write(folder.path().join("p.csv"), probabilities).unwrap();
    fs_err::write(folder.path().join("z.csv"), proportions).unwrap();
    folder
}

fn llp(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llp"));
    command.current_dir(folder).args(["disaggregate", "p.csv", "--proportions=z.csv", "--out=out.csv"]);
    command.args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Instances keep their order, classes that of the proportions; the labels have the counts, and CSV and Parquet hold
/// the same.
#[test]
fn tables_come_out() {
    for proportions in [SHARES, COUNTS] {
        let folder = tables(PROBABILITIES, proportions);
        let end = llp(folder.path(), &["--bags-out=bags.parquet", "--alpha=0"]);
        assert_eq!(end.status.code(), Some(0), "{}", text(&end.stderr));
        assert!(text(&end.stdout).contains("instances         5 in 2 bags"), "{}", text(&end.stdout));
        let out = fs_err::read_to_string(folder.path().join("out.csv")).unwrap();
        let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(lines[0], ["instance", "bag", "dog", "cat", "label", "confidence"]);
        let labels: Vec<_> = lines[1..].iter().map(|line| (line[0], line[1], line[4])).collect();
        let expected =
            [("a", "x", "cat"), ("b", "y", "cat"), ("c", "x", "dog"), ("d", "y", "dog"), ("e", "y", "dog")];
        assert_eq!(labels, expected);
        for line in &lines[1..] {
            let (label, confidence) = (if line[4] == "dog" { line[2] } else { line[3] }, line[5]);
            assert_eq!(label, confidence);
        }
        let bags = Table::read(&folder.path().join("bags.parquet"), &["bag"]).unwrap();
        assert_eq!(bags.names().unwrap(), ["instances", "loss", "duality_gap", "residual"]);
        assert_eq!((bags.ids(0), bags.row(0)[0]), (&["y".to_owned(), "x".to_owned()][..], 3.0));
    }
}

/// The summary as JSON; Parquet in and out.
#[test]
fn programs_can_read_it() {
    let folder = tables(PROBABILITIES, COUNTS);
    let end = llp(folder.path(), &["--output=json", "--out=out.parquet"]);
    assert_eq!(end.status.code(), Some(2), "--out twice");
    let end = Command::new(env!("CARGO_BIN_EXE_llp"))
        .current_dir(folder.path())
        .args(["disaggregate", "p.csv", "--proportions=z.csv", "--out=out.parquet", "--output=json"])
        .output()
        .unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&end.stdout).unwrap();
    assert_eq!((summary["instances"].as_u64(), summary["bags"].as_u64()), (Some(5), Some(2)));
    let written = parquet_names(&folder.path().join("out.parquet"));
    assert!(written.contains("label"), "text columns besides the identifiers: {written}");
}

/// The columns of a table with text that `Table` refuses as numbers.
fn parquet_names(path: &Path) -> String {
    Table::read(path, &["instance", "bag", "label", "none"]).unwrap_err().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// For any probabilities and any labels from which the counts are taken: rows of the posterior add up to 1, at
    /// `alpha = 0` its class shares are the known ones, labels have exactly the counts, and the order of the rows of
    /// either table changes nothing but the order of the result.
    #[test]
    fn proportions_are_kept(
        rows in prop::collection::vec((0.01..1.0_f64, 0.01..1.0_f64, 0.01..1.0_f64, 0_usize..3, 0_usize..4), 1..40),
    ) {
        let mut counts = [[0_u32; 3]; 4];
        let mut lines = Vec::new();
        for (place, &(a, b, c, label, bag)) in rows.iter().enumerate() {
            counts[bag][label] += 1;
            let sum = a + b + c;
            lines.push(format!("i{place},b{bag},{},{},{}", a / sum, b / sum, c / sum));
        }
        let bags: Vec<String> = (0..4)
            .filter(|&bag| counts[bag].iter().sum::<u32>() > 0)
            .map(|bag| format!("b{bag},{},{},{}", counts[bag][0], counts[bag][1], counts[bag][2]))
            .collect();
        let read = |lines: &[String], bags: &[String]| {
            let folder = tables(
                &format!("instance,bag,u,v,w\n{}\n", lines.join("\n")),
                &format!("bag,u,v,w\n{}\n", bags.join("\n")),
            );
            BaggedPredictions::read(&folder.path().join("p.csv"), &folder.path().join("z.csv")).unwrap()
        };
        let input = read(&lines, &bags);
        let solved = input.disaggregate(0.0, 1.0).unwrap();
        let (mut shares, mut labels) = ([[0.0; 3]; 4], [[0_u32; 3]; 4]);
        for (place, &(.., bag)) in rows.iter().enumerate() {
            let row = &solved.posterior[3 * place..][..3];
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for class in 0..3 {
                shares[bag][class] += row[class];
            }
            labels[bag][solved.labels[place]] += 1;
        }
        prop_assert_eq!(labels, counts); // which the solver knows as proportions alone
        for (share, count) in shares.as_flattened().iter().zip(counts.as_flattened()) {
            prop_assert!((share - f64::from(*count)).abs() < 1e-9 * rows.len() as f64);
        }

        lines.reverse();
        let reversed = read(&lines, &bags).disaggregate(0.0, 1.0).unwrap();
        for place in 0..rows.len() {
            let (there, back) = (3 * place, 3 * (rows.len() - 1 - place));
            for class in 0..3 {
                prop_assert!((solved.posterior[there + class] - reversed.posterior[back + class]).abs() < 1e-9);
            }
        }
    }
}

/// At `alpha = 1` and `epsilon = 1` the posterior is what the model says; in between it is closer to the proportions
/// than the model, and every bag is solved to the last digit.
#[test]
fn alpha_weighs_the_model() {
    let folder = tables(PROBABILITIES, COUNTS);
    let input = BaggedPredictions::read(&folder.path().join("p.csv"), &folder.path().join("z.csv")).unwrap();
    let given: Vec<f64> = (0..5).flat_map(|instance| input.probabilities(instance).to_vec()).collect();
    let of_dogs = |posterior: &[f64]| posterior[0] + posterior[4]; // instances a and c, which are bag x: one dog
    let distance = |alpha: f64| {
        let solved = input.disaggregate(alpha, 1.0).unwrap();
        assert!(solved.bags.iter().all(|bag| bag.duality_gap < 1e-12 && bag.loss.is_finite()));
        if alpha == 1.0 {
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
            assert!(solved.posterior.iter().zip(&given).all(near), "{:?} {given:?}", solved.posterior);
        }
        (of_dogs(&solved.posterior) - 1.0).abs()
    };
    let distances = [0.0, 0.1, 0.5, 0.9, 1.0].map(distance);
    assert!(distances[0] < 1e-9 && distances.is_sorted() && distances[4] > 0.6, "{distances:?}");
}

/// What `llp predict --probabilities` writes is taken as it is: columns `p_CLASS` among others; a row without a bag keeps
/// its probabilities.
#[test]
fn predictions_are_taken() {
    let predicted = "instance,bag,label,probability,p_cat,p_dog\na,x,cat,0.9,0.9,0.1\nb,y,cat,0.5,0.5,0.5\n\
                     c,x,cat,0.75,0.75,0.25\nd,y,dog,1,0,1\ne,y,dog,0.875,0.125,0.875\nf,,cat,0.75,0.75,0.25\n";
    let folder = tables(predicted, COUNTS);
    let read =
        || BaggedPredictions::read(&folder.path().join("p.csv"), &folder.path().join("z.csv")).unwrap();
    let solved = read().disaggregate(0.0, 1.0).unwrap();
    assert_eq!((solved.labels[5], &solved.posterior[10..]), (1, &[0.25, 0.75][..]));
    fs_err::write(folder.path().join("p.csv"), PROBABILITIES).unwrap();
    let plain = read().disaggregate(0.0, 1.0).unwrap();
    assert_eq!((&solved.labels[..5], &solved.posterior[..10]), (&plain.labels[..], &plain.posterior[..]));
    fs_err::write(folder.path().join("p.csv"), predicted).unwrap();
    let end = llp(folder.path(), &[]);
    assert_eq!(text(&end.stderr), "warning: 1 instances have no bag: they keep their probabilities\n");
}

/// Unknown shares and bounds are read as in training; the best guess is used, and that is said.
#[test]
fn imprecise_proportions_are_taken() {
    for proportions in [
        "bag,dog,cat\ny,0.667,\nx,0.5,0.5\n",
        "bag,dog,dog_low,dog_high,cat\ny,,0.6,0.7,0.35\nx,0.5,0.5,0.5,0.5\n",
    ] {
        let folder = tables(PROBABILITIES, proportions);
        let end = llp(folder.path(), &["--alpha=0"]);
        assert_eq!(end.status.code(), Some(0), "{}", text(&end.stderr));
        let said = "not exact: the best guess within what is known is used";
        assert_eq!(text(&end.stderr).contains(said), proportions.contains("low"), "{proportions}");
        let out = fs_err::read_to_string(folder.path().join("out.csv")).unwrap();
        assert_eq!(
            out.lines().filter(|line| line.contains(",y,") && line.contains(",dog,")).count(),
            2,
            "{out}"
        );
    }
}

/// A damaged file on which the Parquet reader panics is an error like any other: the panic is not visible.
#[test]
fn guarded_panics_are_not_heard() {
    let folder = tables(PROBABILITIES, COUNTS);
    let path = folder.path().join("p.parquet");
    let ids = Cells::Text("abcde".chars().map(String::from).collect());
    let bags = Cells::Text("xyxyy".chars().map(String::from).collect());
    let halves = || Cells::Numbers(vec![0.5; 5]);
    let columns = [("instance", ids), ("bag", bags), ("cat", halves()), ("dog", halves())];
    let columns = columns.map(|(name, cells)| (name.to_owned(), cells));
    let whole = encode(&path, &columns).unwrap();
    let panics = |place: &usize| {
        let mut bytes = whole.clone();
        bytes[*place] = bytes[*place].wrapping_add(2);
        fs_err::write(&path, bytes).unwrap();
        let error = Table::read(&path, &["instance", "bag"]).err();
        error.is_some_and(|error| error.to_string().contains("its pages contradict its metadata"))
    };
    (0..whole.len()).find(panics).unwrap();
    let end = Command::new(env!("CARGO_BIN_EXE_llp"))
        .current_dir(folder.path())
        .args(["disaggregate", "p.parquet", "--proportions=z.csv", "--out=out.csv"])
        .output()
        .unwrap();
    let message = "error: p.parquet: not a Parquet file, or damaged: Parquet error: its pages contradict its metadata\n";
    assert_eq!((end.status.code(), text(&end.stderr)), (Some(2), message.to_owned()));
}

/// Every mistake ends with exit code 2, a message that says where and what, and no file; the messages are those of
/// `tests/messages/disaggregate.json`.
#[test]
fn mistakes_are_named() {
    let mut messages = Messages::new(
        env!("CARGO_MANIFEST_DIR"),
        "disaggregate",
        "Tables of probabilities (`p.csv`) and proportions (`z.csv`)",
    );
    let mut refuse = |input: &str, probabilities: &str, proportions: &str, more: &[&str]| {
        let folder = tables(probabilities, proportions);
        let end = llp(folder.path(), more);
        assert_eq!(end.status.code(), Some(2), "{input}");
        assert!(!folder.path().join("out.csv").exists(), "{input}");
        messages.ended(input, &end);
    };
    let change = |from: &str, to: &str| PROBABILITIES.replacen(from, to, 1);
    for (input, probabilities) in [
        ("probabilities that do not add up to 1", change("c,x,0.75,0.25", "c,x,0.75,0.2")),
        ("a negative probability", change("c,x,0.75,0.25", "c,x,1.25,-0.25")),
        ("a probability that is text", change("c,x,0.75", "c,x,much")),
        ("a probability that is not finite", change("c,x,0.75", "c,x,NaN")),
        ("no probability", change("c,x,0.75", "c,x,")),
        ("too few cells", change("c,x,0.75,0.25", "c,x,0.75")),
        ("an unknown bag", change("c,x", "c,w")),
        ("an instance twice", change("c,x", "a,x")),
        ("a class without proportions", change("cat", "owl")),
        ("no column of bags", change("bag", "sack")),
        ("a column twice", change("dog", "cat")),
        ("no rows", "instance,bag,cat,dog\n".to_owned()),
    ] {
        refuse(input, &probabilities, SHARES, &[]);
    }
    for (input, proportions) in [
        ("a class without probabilities", SHARES.replace("dog", "owl")),
        ("a bag twice", format!("{SHARES}x,1,0\n")),
        ("a bag without instances", format!("{SHARES}w,1,0\n")),
        ("shares that do not add up to 1", SHARES.replace("0.5,0.5", "0.5,0.4")),
        ("a negative share", SHARES.replace("0.5,0.5", "1.5,-0.5")),
        ("counts of another number of instances", COUNTS.replace("1,1", "1,2")),
        ("a count that is no whole number", COUNTS.replace("1,1", "1.5,1.5")),
    ] {
        refuse(input, PROBABILITIES, &proportions, &[]);
    }
    refuse(
        "a class with the name of an output",
        &change("dog", "label"),
        &SHARES.replace("dog", "label"),
        &[],
    );
    refuse("an output in a folder that is not there", PROBABILITIES, COUNTS, &["--bags-out=none/bags.csv"]);
    refuse("one file for two tables", PROBABILITIES, COUNTS, &["--bags-out=./p.csv"]);
    refuse("an alpha above 1", PROBABILITIES, COUNTS, &["--alpha=2"]);
    refuse("an epsilon of 0", PROBABILITIES, COUNTS, &["--epsilon=0"]);
    refuse("an output of no known format", PROBABILITIES, COUNTS, &["--bags-out=bags.txt"]);
    messages.compare();
}
