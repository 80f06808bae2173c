//! Counts, tables, the choice of hyper-parameters and the figures.

use llp_sweep::collect::{self, Row, collect};
use llp_sweep::config::LossName;
use llp_sweep::criterion::Criterion;
use llp_sweep::filter::Filter;
use llp_sweep::grid::Sweep;
use llp_sweep::record::{EpochRecord, Outcome};
use llp_sweep::report::{self, ReportData};
use llp_sweep::run_dir::{RunDir, RunState};
use llp_sweep::select::{Spread, select};
use llp_sweep::status::{count, survey};
use llp_sweep::sweep_dir::{Cell, SweepDir, plan};
use proptest::prelude::*;

use crate::fake::{host, record, result};

/// Three losses, bag sizes 1 to 128, two learning rates and alphas, three seeds of 12 epochs.
fn grid() -> Sweep {
    let text = "schema = 1\nname = \"x\"\n[base]\npreset = \"digits\"\noptim.epochs = 12\n[grid]\nseed = [0, 1, 2]\n\
                bags.size = [1, 4, 16, 64, 128]\nloss.name = [\"kl\", \"rot\", \"avg-kl\"]\nloss.alpha = [0.1, 0.5]\n\
                optim.lr = [0.01, 0.1]\n";
    Sweep::parse("x.toml", text).unwrap()
}

/// A plausible curve: accuracy falls with the bag size, the criterion prefers a learning rate of 0.1.
fn curve(cell: &Cell) -> Vec<EpochRecord> {
    let config = &cell.config;
    let lateness = (config.bags.size as f64).log2() / 7.0;
    let loss = match config.loss.name {
        LossName::Kl => 0.0,
        LossName::Rot => 0.03,
        _ => 0.4 * lateness,
    };
    let best = 0.98 - 0.75 * lateness * lateness - loss * lateness;
    let record = |epoch: usize| {
        let mut record = record(config, epoch);
        let noise = record.train_loss * 0.02 * (1.0 + lateness);
        let progress = 1.0 - (-(epoch as f64) / (2.0 + 4.0 * lateness)).exp();
        record.test_accuracy = Some((0.1 + (best - 0.1) * progress - noise).clamp(0.05, 1.0));
        record.held_out_kl = Some(if config.optim.lr == 0.1 { 1.0 + noise } else { 2.0 + noise });
        record
    };
    (1..=config.optim.epochs).map(record).collect()
}

fn finish(sweep: &SweepDir, cell: &Cell, outcome: Outcome) {
    let run = RunDir::open_or_create(sweep.run_dir(cell).path(), &cell.config).unwrap();
    let mut records = curve(cell);
    if outcome == Outcome::Diverged {
        records.truncate(2);
    }
    // All at once: `append_metrics` waits for the disk each time.
    let lines: Vec<_> = records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect();
    fs_err::write(run.path().join("metrics.jsonl"), lines.concat()).unwrap();
    run.finish(&result(&cell.config, records.pop(), outcome)).unwrap();
}

/// All cells complete, but: ROT of bag size 64 diverged at lr 0.1, AvgKL of bag size 128 has no result at all.
fn finished(folder: &std::path::Path) -> SweepDir {
    let sweep = SweepDir::open_or_create(folder, &grid()).unwrap();
    for cell in sweep.cells() {
        match (cell.config.loss.name, cell.config.bags.size) {
            (LossName::Rot, 64) if cell.config.optim.lr == 0.1 => finish(&sweep, cell, Outcome::Diverged),
            (LossName::AvgKl, 128) => {}
            _ => finish(&sweep, cell, Outcome::Complete),
        }
    }
    sweep
}

fn row(cell: &Cell, held_out_kl: f64, test_accuracy: f64) -> Row {
    let mut last = record(&cell.config, 12);
    (last.held_out_kl, last.test_accuracy) = (Some(held_out_kl), Some(test_accuracy));
    let result = Some(result(&cell.config, Some(last), Outcome::Complete));
    Row { cell: cell.clone(), state: RunState::Complete, result, reason: None }
}

/// Rows of KL with bag size 4: learning rates 0.01 and 0.1, three seeds each, in this order.
fn six_rows(values: [(f64, f64); 6]) -> Vec<Row> {
    let mut cells = plan(&grid()).unwrap();
    cells.retain(|cell| cell.config.loss.name == LossName::Kl && cell.config.bags.size == 4);
    cells.sort_by(|a, b| a.config.optim.lr.total_cmp(&b.config.optim.lr));
    cells.iter().zip(values).map(|(cell, (kl, accuracy))| row(cell, kl, accuracy)).collect()
}

/// The smallest mean criterion wins, whatever the test accuracies are; those only measure what that costs.
#[test]
fn the_choice_is_by_held_out_loss() {
    let rows = six_rows([(2.0, 0.9), (1.0, 0.8), (1.5, 0.85), (1.0, 0.5), (1.4, 0.6), (1.2, 0.7)]);
    let groups = select(&rows, Criterion::Kl);
    assert_eq!(groups.len(), 1);
    let chosen = groups[0].chosen.as_ref().unwrap();
    assert_eq!((chosen.config.optim.lr, chosen.rows.clone()), (0.1, vec![3, 4, 5]));
    let accuracy = chosen.test_accuracy.unwrap();
    assert!((accuracy.mean - 0.6).abs() < 1e-15 && (accuracy.sd.unwrap() - 0.1).abs() < 1e-15);
    assert_eq!(groups[0].best_by_test.as_ref().unwrap().config.optim.lr, 0.01);
    assert!((groups[0].regret().unwrap() - 0.25).abs() < 1e-15);
    assert_eq!((groups[0].n_candidates, groups[0].n_eligible, groups[0].chance), (2, 2, Some(0.1)));
}

/// Without held-out bags, hyper-parameters that have no rivals are taken as they are; of several none is.
#[test]
fn a_single_candidate_needs_no_criterion() {
    let mut rows = six_rows([(2.0, 0.9), (1.0, 0.8), (1.5, 0.85), (1.0, 0.5), (1.4, 0.6), (1.2, 0.7)]);
    for row in &mut rows {
        row.result.as_mut().unwrap().last.as_mut().unwrap().held_out_kl = None;
    }
    assert!(select(&rows, Criterion::Kl).remove(0).chosen.is_none());
    rows.truncate(3);
    let chosen = select(&rows, Criterion::Kl).remove(0).chosen.unwrap();
    assert_eq!((chosen.rows.len(), chosen.criterion), (3, None));
    assert!((chosen.test_accuracy.unwrap().mean - 0.85).abs() < 1e-15);
}

/// A candidate with one seed that diverged or is missing is out; with none left there is no choice.
#[test]
fn incomplete_candidates_are_not_eligible() {
    let mut rows = six_rows([(2.0, 0.9); 6]);
    for row in &mut rows[3..] {
        row.result.as_mut().unwrap().last.as_mut().unwrap().held_out_kl = Some(1.0);
    }
    rows[4].state = RunState::Diverged;
    let group = select(&rows, Criterion::Kl).remove(0);
    assert_eq!(group.chosen.unwrap().config.optim.lr, 0.01);
    assert_eq!((group.n_eligible, group.n_diverged, group.n_missing), (1, 1, 0));
    (rows[1].state, rows[1].result) = (RunState::Pending, None);
    let group = select(&rows, Criterion::Kl).remove(0);
    assert!(group.chosen.is_none() && group.best_by_test.is_none());
    assert_eq!((group.n_eligible, group.n_diverged, group.n_missing), (0, 1, 1));
}

/// Equally good candidates: the smaller learning rate, in whatever order the rows are.
#[test]
fn ties_go_to_the_smaller_learning_rate() {
    let mut rows = six_rows([(1.0, 0.5); 6]);
    assert_eq!(select(&rows, Criterion::Kl)[0].chosen.as_ref().unwrap().config.optim.lr, 0.01);
    rows.reverse();
    assert_eq!(select(&rows, Criterion::Kl)[0].chosen.as_ref().unwrap().config.optim.lr, 0.01);
}

proptest! {
    /// Test accuracies cannot change the choice.
    #[test]
    fn the_choice_does_not_see_labels(kl in prop::array::uniform6(0.0..3.0_f64), a in prop::array::uniform6(0.0..1.0_f64)) {
        let choose = |accuracies: [f64; 6]| {
            let values: [(f64, f64); 6] = std::array::from_fn(|index| (kl[index], accuracies[index]));
            select(&six_rows(values), Criterion::Kl).remove(0).chosen.unwrap().rows
        };
        prop_assert_eq!(choose(a), choose([0.5; 6]));
    }

    /// Mean and standard deviation follow shifts and scalings, to rounding.
    #[test]
    fn spread_is_equivariant(values in prop::collection::vec(-10.0..10.0_f64, 2..9), shift in -5.0..5.0_f64, scale in 0.1..3.0_f64) {
        let moved: Vec<f64> = values.iter().map(|value| shift + scale * value).collect();
        let (a, b) = (Spread::of(&values).unwrap(), Spread::of(&moved).unwrap());
        prop_assert!((b.mean - (shift + scale * a.mean)).abs() < 1e-12);
        prop_assert!((b.sd.unwrap() - scale * a.sd.unwrap()).abs() < 1e-12);
    }
}

/// Every cell has a row in both tables, with the same numbers, and a count in the status.
#[test]
fn every_cell_has_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = finished(folder.path());
    let rows = collect(&sweep, &host("0"));
    collect::write(&sweep, &rows).unwrap();
    let counts = count(&survey(&sweep, &sweep.matching(&Filter::default()), &host("0")));
    let of = |state| rows.iter().filter(|row| row.state == state).count();
    assert!(counts.iter().all(|(state, n)| *n == of(*state)));
    assert_eq!((rows.len(), of(RunState::Diverged), of(RunState::Pending)), (120, 6, 6));

    let mut csv = csv::Reader::from_path(folder.path().join("results.csv")).unwrap();
    let headers = csv.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let lines = fs_err::read_to_string(folder.path().join("results.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), rows.len());
    for ((row, record), line) in rows.iter().zip(csv.records()).zip(lines.lines()) {
        let (record, line): (_, serde_json::Value) = (record.unwrap(), serde_json::from_str(line).unwrap());
        assert_eq!(
            (&record[column("run")], line["run"].as_str()),
            (row.cell.run.as_str(), Some(row.cell.run.as_str()))
        );
        assert_eq!(record[column("state")], *row.state.as_str());
        assert_eq!(line["bags.size"], row.cell.config.bags.size);
        assert_eq!(line.get("loss.alpha").and_then(serde_json::Value::as_f64), row.cell.config.loss.alpha);
        let accuracy = row.result.as_ref().and_then(|result| result.last.as_ref()?.test_accuracy);
        assert_eq!(record[column("test_accuracy")].parse().ok(), accuracy);
        assert_eq!(line.get("test_accuracy").and_then(serde_json::Value::as_f64), accuracy);
    }
}

/// The report of the same runs is the same, byte for byte; it is complete, and names what is missing.
#[test]
fn the_report_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = finished(folder.path());
    let write = || {
        report::write(&sweep, &ReportData::of_sweep(&sweep, &host("0")).unwrap()).unwrap();
        [
            "figures/figure1.svg",
            "figures/figure2.svg",
            "figures/figure1.png",
            "figures/figure2.png",
            "results.md",
        ]
        .map(|file| fs_err::read(folder.path().join(file)).unwrap())
    };
    let files = write();
    fs_err::remove_dir_all(folder.path().join("figures")).unwrap();
    assert_eq!(files, write());

    let text = |index: usize| String::from_utf8_lossy(&files[index]).into_owned();
    for label in [
        "KL, digits",
        "ROT, digits",
        "AvgKL, digits",
        "Bag size",
        "128",
        "chance",
        "Epoch",
        "Test accuracy (%)",
    ] {
        assert!(text(0).contains(&format!(">{label}</text>")), "figure 1 lacks {label}");
    }
    for label in ["digits", "KL", "ROT", "AvgKL", "chance", "64", "Bag size"] {
        assert!(text(1).contains(&format!(">{label}</text>")), "figure 2 lacks {label}");
    }
    for svg in [text(0), text(1)] {
        assert!(svg.starts_with("<svg viewBox=\"0 0 ") && svg.trim_end().ends_with("</svg>"));
        // Lines of the caption are texts of their own.
        let words: String =
            svg.split(['<', '>']).skip(2).step_by(2).flat_map(|text| [text.trim(), " "]).collect();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("without instance labels"), "{words}");
        assert!(words.contains("6 diverged and 6 not finished"), "{words}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
    for png in &files[2..4] {
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 10_000);
    }
    let table = text(4);
    assert!(table.contains("| bag size | KL | ROT | AvgKL |"));
    let row =
        |size: &str| table.lines().find(|line| line.starts_with(&format!("| {size} |"))).unwrap().to_owned();
    assert!(row("1").contains("±") && row("1").contains("(0.1, 0.") && !row("1").contains('*'));
    assert!(row("64").contains("(0.01, 0.") && row("64").contains("\\*"));
    assert!(row("128").ends_with("| not finished |"), "{}", row("128"));
}

/// A sweep of which nothing is finished has a report too.
#[test]
fn an_empty_report() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = SweepDir::open_or_create(folder.path(), &grid()).unwrap();
    let report_data = ReportData::of_sweep(&sweep, &host("0")).unwrap();
    collect::write(&sweep, &report_data.rows).unwrap();
    report::write(&sweep, &report_data).unwrap();
    let table = fs_err::read_to_string(folder.path().join("results.md")).unwrap();
    assert!(table.contains("Nothing was chosen; 120 runs, 120 not finished."));
}
