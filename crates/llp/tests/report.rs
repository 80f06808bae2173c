//! `llp report` of one run: bags and instances as the network sees them, without a label.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::{TempDir, tempdir};

const CLASSES: [&str; 3] = ["low", "<b>middle</b>", "high"];
const N_BAGS: usize = 30;

fn llp_in(folder: &Path, command: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_llp")).args(command).current_dir(folder).output().unwrap()
}

/// Runs in `folder`, to success; returns what it said on standard error.
fn llp(folder: &Path, command: &[&str]) -> String {
    let end = llp_in(folder, command);
    let said = String::from_utf8(end.stderr).unwrap();
    assert!(end.status.success(), "{command:?}: {said}");
    said
}

/// Bags of 6 to 10 rows, whose class is that of their number `x`; the odd bag claims to have other counts.
fn counts(bag: usize) -> [usize; 3] {
    let mut counts = true_counts(bag);
    if bag == odd_bag() {
        counts.reverse();
    }
    counts
}

fn true_counts(bag: usize) -> [usize; 3] {
    let mut counts = [0; 3];
    for row in 0..6 + bag % 5 {
        counts[x(bag, row) * 3 / 100] += 1;
    }
    counts
}

/// The bag that the order of its counts matters most for.
fn odd_bag() -> usize {
    let difference = |bag: &usize| true_counts(*bag)[0].abs_diff(true_counts(*bag)[2]);
    (0..N_BAGS).max_by_key(difference).unwrap()
}

fn x(bag: usize, row: usize) -> usize {
    (bag * 37 + row * (7 + bag % 11)) % 100
}

/// A run of one epoch or more on these bags.
fn trained(epochs: &str) -> TempDir {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    fs_err::create_dir(&data).unwrap();
    let mut instances = "bag,x\n".to_owned();
    let mut proportions = format!("bag,{}\n", CLASSES.join(","));
    for bag in 0..N_BAGS {
        for row in 0..6 + bag % 5 {
            let _ = writeln!(instances, "b{bag},{}", x(bag, row));
        }
        let [low, middle, high] = counts(bag);
        let _ = writeln!(proportions, "b{bag},{low},{middle},{high}");
    }
    fs_err::write(data.join("instances.csv"), instances).unwrap();
    fs_err::write(data.join("proportions.csv"), proportions).unwrap();
    let train = ["train", "--data", "data", "--epochs", epochs, "--set", "data.held_out=0.2", "--out", "run"];
    llp(folder.path(), &train);
    folder
}

/// The mean of the probabilities of each bag of a part, from what `llp predict` writes.
fn predicted(folder: &Path, part: &str) -> BTreeMap<String, (usize, [f64; 3])> {
    let out = format!("{part}.csv");
    llp(folder, &["predict", "run", "--split", part, "--probabilities", "--out", &out]);
    let mut sums = BTreeMap::new();
    for line in fs_err::read_to_string(folder.join(out)).unwrap().lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (n, sum) = sums.entry(cells[1].to_owned()).or_insert((0, [0.0; 3]));
        *n += 1;
        for (class, cell) in cells[cells.len() - 3..].iter().enumerate() {
            sum[class] += cell.parse::<f64>().unwrap();
        }
    }
    sums
}

/// Every row of the table of bags has the numbers that follow from the predictions of `llp predict` and the table of
/// proportions, and the rows are ordered by the divergence.
#[test]
fn bags_are_those_of_predict() {
    let folder = trained("40");
    let folder = folder.path();
    assert!(!llp(folder, &["report", "run"]).contains("warning"));
    let page = fs_err::read_to_string(folder.join("run/report/index.html")).unwrap();
    let table = page.split_once("Bags that fit worst</caption>").unwrap().1.split_once("</table>").unwrap().0;
    let parts = [("held-out", predicted(folder, "held-out")), ("training", predicted(folder, "train"))];
    let (mut last, mut n_rows) = (f64::INFINITY, 0);
    for row in table.split("<tr>").skip(2) {
        let texts: Vec<&str> = row
            .split(['<', '>'])
            .skip(2)
            .step_by(2)
            .filter(|text| !text.is_empty() && !text.contains("</"))
            .collect();
        let (bag, part) = (texts[0], texts[1]);
        let (n, sum) = parts.iter().find(|(name, _)| *name == part).unwrap().1[bag];
        let known = counts(bag[1..].parse().unwrap()).map(|count| count as f64 / n as f64);
        let shares = sum.map(|sum| sum / n as f64);
        let pairs = || known.into_iter().zip(shares);
        let divergence: f64 =
            pairs().filter(|pair| pair.0 > 0.0).map(|(known, share)| known * (known / share).ln()).sum();
        let distance: f64 = pairs().map(|(known, share)| (known - share).abs()).sum();
        let numbers: Vec<f64> = texts[2..5].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(numbers[0] as usize, n, "{row}");
        // The page has four decimals; the probabilities in the table are as precise as they are written.
        assert!((numbers[1] - divergence).abs() < 1e-4 && (numbers[2] - distance).abs() < 1e-4, "{row}");
        assert!(numbers[1] <= last);
        (last, n_rows) = (numbers[1], n_rows + 1);
    }
    assert_eq!(n_rows, 12);
    let worst = table.split("<code>").nth(1).unwrap();
    assert!(worst.starts_with(&format!("b{}<", odd_bag())), "the bag with the counts of another: {worst}");
    assert!(page.contains("&lt;b&gt;middle&lt;/b&gt;") && !page.contains("<b>"));
    assert!(page.contains("6 held-out bags: ") && page.contains("24 training bags: "));
}

/// A run of one epoch without held-out bags has a page like any other.
#[test]
fn one_epoch_is_enough() {
    let folder = trained("1");
    llp(folder.path(), &["report", "run", "--out", "page.html"]);
    let page = fs_err::read_to_string(folder.path().join("page.html")).unwrap();
    for part in ["id=\"learning\"", "id=\"bags\"", "id=\"instances\"", "id=\"calibration\""] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("NaN"));
}

/// Where the data has moved, the report says so, has everything else, and `--data` brings bags and instances back.
#[test]
fn moved_data_is_named() {
    let folder = trained("1");
    let folder = folder.path();
    fs_err::rename(folder.join("data"), folder.join("elsewhere")).unwrap();
    let said = llp(folder, &["report", "run"]);
    assert!(
        said.contains("warning: the page does not show bags and instances: ") && said.contains("--data"),
        "{said}"
    );
    let page = || fs_err::read_to_string(folder.join("run/report/index.html")).unwrap();
    assert!(!page().contains("id=\"bags\"") && page().contains("Bags and instances are not shown: "));
    assert!(!llp(folder, &["report", "run", "--data", "elsewhere"]).contains("warning"));
    assert!(page().contains("id=\"bags\""));
}
