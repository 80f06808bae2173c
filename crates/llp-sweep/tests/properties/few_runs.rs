//! The page about a few single runs: their own settings and numbers, with labels and without, bags of many sizes.

use std::path::{Path, PathBuf};

use llp_sweep::config::{Layers, RunConfig};
use llp_sweep::export::card::card;
use llp_sweep::record::{EpochRecord, Outcome, RunResult};
use llp_sweep::report::{self, ReportData};
use llp_sweep::run_dir::RunDir;

use crate::fake::{host, record, result};

fn config(settings: &[&str]) -> RunConfig {
    let mut layers = Layers::new();
    for setting in ["optim.epochs=3", "bags.size=40"].iter().chain(settings) {
        layers.assignment("--set", setting).unwrap();
    }
    layers.resolve("digits").unwrap()
}

/// A run with three epochs, whose numbers do not change any more after the first. Without an accuracy there are no labels.
fn run(
    folder: &Path,
    config: &RunConfig,
    kl: f64,
    accuracy: Option<f64>,
    outcome: Option<Outcome>,
) -> PathBuf {
    let run = RunDir::open_or_create(folder, config).unwrap();
    let mut last = None;
    for epoch in 1..=3 {
        let mut of_epoch = record(config, epoch);
        (of_epoch.held_out_kl, of_epoch.test_accuracy) = (Some(kl), accuracy);
        run.append_metrics(&of_epoch).unwrap();
        last = Some(of_epoch);
    }
    if let Some(outcome) = outcome {
        let result = result(config, last, outcome);
        // Bags of 8 to 40, 22.5 on average.
        run.finish(&RunResult { smallest_bag: Some(8), n_train: 2250, train_s: 72.4, ..result }).unwrap();
    }
    folder.to_owned()
}

fn page(folder: &Path, runs: &[PathBuf]) -> (String, ReportData) {
    let report_data = ReportData::of_directories(runs, &host("0")).unwrap();
    let path = folder.join("page/index.html");
    report::write_page(&path, &report_data).unwrap();
    (fs_err::read_to_string(path).unwrap(), report_data)
}

/// Runs of one learning rate that differ in width and epochs: each has a row with its own numbers, and their mean, which
/// is that of nothing that was trained, is nowhere.
#[test]
fn settings_are_not_averaged() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, settings: &[&str], kl, accuracy| {
        run(&folder.path().join(name), &config(settings), kl, Some(accuracy), Some(Outcome::Complete))
    };
    let runs = [
        of("mine", &["network.width=4"], 0.9, 0.697),
        of("mine30", &["network.width=4", "optim.epochs=30"], 0.8, 0.785),
        of("small", &["network.width=8"], 0.95, 0.668),
    ];
    let (page, report_data) = page(folder.path(), &runs);
    for (name, settings, numbers) in [
        ("mine", "width 4", "<td>0.9000</td><td>69.7</td><td>1 min 12 s</td>"),
        ("mine30", "width 4", "<td>0.8000</td><td>78.5</td><td>1 min 12 s</td>"),
        ("small", "width 8", "<td>0.9500</td><td>66.8</td><td>1 min 12 s</td>"),
    ] {
        let row = page.split("<tr>").find(|row| row.contains(&format!("<code>{name}</code>"))).unwrap();
        assert!(row.contains(&format!(">{settings}</td>")) && row.contains(numbers), "{row}");
    }
    let mean = format!("{:.1}", (69.7 + 78.5 + 66.8) / 3.0);
    assert!(!page.contains(&format!(">{mean}")), "{mean}");
    let table = report::runs_markdown(&report_data);
    assert!(
        table.contains(
            "| mine30 | width 4 | 100 | 8 to 40 | 3 of 30 | 0.8000 | 78.5 | 1 min 12 s | complete |"
        ),
        "{table}"
    );
}

/// Seeds of the same settings are still averaged, and their runs still have rows of their own.
#[test]
fn seeds_are_averaged() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, seed: &str, accuracy| {
        let config = config(&[seed]);
        run(&folder.path().join(name), &config, 0.9, Some(accuracy), Some(Outcome::Complete))
    };
    let (page, _) = page(folder.path(), &[of("a", "seed=1", 0.6), of("b", "seed=2", 0.7)]);
    assert!(page.contains("65.0 ± 7.1") && page.contains(">60.0<") && page.contains(">70.0<"));
}

/// Without labels the held-out criterion is at the head, in the table and in the figures, and nothing is said of accuracy.
#[test]
fn without_labels_the_criterion_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, setting: &str, kl| {
        run(&folder.path().join(name), &config(&[setting]), kl, None, Some(Outcome::Complete))
    };
    let one = of("one", "optim.lr=0.01", 0.829);
    let (single, _) = page(folder.path(), std::slice::from_ref(&one));
    assert!(single.contains("<p class=\"result\">Held-out KL: 0.8290 nats</p>"));
    let (both, _) = page(folder.path(), &[one, of("two", "optim.lr=0.1", 0.9)]);
    for page in [&single, &both] {
        // The CSV that can be taken along has the same columns for all data.
        let (before, links) = page.split_once("This table as").unwrap();
        let page = [before, links.split_once("</p>").unwrap().1].concat();
        assert!(page.contains("<h2>Held-out KL</h2>") && page.contains("Held-out KL over epochs"));
        for absent in ["accuracy", "Accuracy", "no labels", "id=\"classes\"", "id=\"regret\""] {
            assert!(!page.contains(absent), "{absent}");
        }
    }
    // Two rates are a choice, and the table of all hyper-parameters has the criterion of both.
    assert!(!single.contains("id=\"grid\"") && both.contains(">0.8290<") && both.contains(">0.9000<"));
    let table = fs_err::read_to_string(folder.path().join("page/index-table.md")).unwrap();
    assert!(
        table.contains("### digits: held-out KL, nats") && table.contains("| 8 to 40 | 0.8290 (0.01) |"),
        "{table}"
    );
}

/// Runs that have ended without held-out bags leave nothing to choose by, which is said; they did not diverge.
#[test]
fn without_held_out_bags_nothing_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, setting: &str, accuracy: Option<f64>| {
        let folder = folder.path().join(name);
        let config = config(&[setting]);
        let run = RunDir::open_or_create(&folder, &config).unwrap();
        let last = EpochRecord { held_out_kl: None, test_accuracy: accuracy, ..record(&config, 3) };
        run.append_metrics(&last).unwrap();
        run.finish(&result(&config, Some(last), Outcome::Complete)).unwrap();
        folder
    };
    for accuracy in [Some(0.6), None] {
        let runs = [of("one", "optim.lr=0.01", accuracy), of("two", "optim.lr=0.1", accuracy)];
        let (page, _) = page(folder.path(), &runs);
        assert!(page.contains("<td>no held-out bags</td>") && !page.contains("<td>diverged</td>"));
        let table = fs_err::read_to_string(folder.path().join("page/index-table.md")).unwrap();
        let title = if accuracy.is_some() { "final test accuracy, %" } else { "held-out KL, nats" };
        assert!(
            table.contains(&format!("### digits: {title}")) && table.contains("| no held-out bags |"),
            "{table}"
        );
        for run in &runs {
            fs_err::remove_dir_all(run).unwrap();
        }
    }
}

/// The sizes of bags are said in full on the page, in its tables and on the card.
#[test]
fn sizes_of_bags_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&[]);
    let run = run(&folder.path().join("mine"), &config, 0.9, Some(0.7), Some(Outcome::Complete));
    let (page, report_data) = page(folder.path(), &[run]);
    assert!(page.contains("<dt>Bag sizes</dt><dd>8 to 40</dd>") && !page.contains("Bag size 40"));
    for extension in ["md", "tex"] {
        let table =
            fs_err::read_to_string(folder.path().join(format!("page/index-table.{extension}"))).unwrap();
        assert!(table.contains("8 to 40 "), "{table}");
    }
    let result = report_data.rows[0].result.clone().unwrap();
    assert!(card(&config, &result).contains("on 100 bags of 8 to 40 instances (22.5 on average) of digits"));
    let old = RunResult { smallest_bag: None, ..result.clone() };
    assert!(card(&config, &old).contains("on 100 bags of at most 40 instances (22.5 on average)"));
    // The hub knows data sets of its own only.
    let hub = self::config(&["data.name=cifar100-coarse", "network.stem=cifar"]);
    assert!(card(&hub, &result).contains("datasets:\n- uoft-cs/cifar100\n"));
    assert!(!card(&config, &result).contains("datasets:"));
}

/// A single run shows its learning curves, whether it ended or not.
#[test]
fn a_single_run_has_curves() {
    for outcome in [Some(Outcome::Complete), Some(Outcome::Diverged), None] {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder.path().join("mine"), &config(&[]), 0.9, Some(0.7), outcome);
        let (page, _) = page(folder.path(), &[run]);
        for panel in [
            "Training loss over epochs, of mine, at the end",
            "Held-out KL (nats) over epochs, of mine, at the end 0.900",
            "Held-out L1 of counts (per instance) over epochs",
            "Held-out count likelihood (nats per bag) over epochs",
            "Test accuracy (%) over epochs, of mine, at the end 70.000",
        ] {
            assert!(page.contains(panel), "{outcome:?}: {panel}");
        }
    }
}
