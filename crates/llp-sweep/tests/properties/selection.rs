//! Criteria, folds and regrets.

use llp_sweep::collect::Row;
use llp_sweep::criterion::Criterion;
use llp_sweep::grid::Sweep;
use llp_sweep::record::{EpochRecord, Outcome};
use llp_sweep::report::{self, ReportData, regret, table};
use llp_sweep::run_dir::{RunDir, RunState};
use llp_sweep::select::{Edge, rule, select};
use llp_sweep::sweep_dir::{SweepDir, plan};
use proptest::prelude::*;

use crate::fake::{config, host, record, result};

/// KL at two bag sizes and three learning rates, two seeds, perhaps in three folds.
fn grid(folds: bool, select: &str) -> Sweep {
    let folds = if folds { ("data.folds = 3", "data.fold = [0, 1, 2]") } else { ("", "") };
    let text = format!(
        "schema = 1\nname = \"x\"\n[base]\npreset = \"digits\"\noptim.epochs = 2\n{}\n[grid]\nseed = [0, 1]\n{}\n\
         bags.size = [4, 16]\nloss.name = [\"kl\"]\noptim.lr = [0.01, 0.1, 1]\n{select}",
        folds.0, folds.1
    );
    Sweep::parse("x.toml", &text).unwrap()
}

/// The complete rows of a grid, with criteria and accuracies from a list of numbers, taken in turn.
fn rows(sweep: &Sweep, numbers: &[[f64; 4]]) -> Vec<Row> {
    let row = |(cell, [kl, l1, nll, accuracy]): (_, &[f64; 4])| {
        let cell: llp_sweep::sweep_dir::Cell = cell;
        let last = EpochRecord {
            held_out_kl: Some(*kl),
            held_out_count_l1: Some(*l1),
            held_out_count_nll: Some(*nll),
            test_accuracy: Some(*accuracy),
            ..record(&cell.config, 2)
        };
        let result = Some(result(&cell.config, Some(last), Outcome::Complete));
        Row { cell, state: RunState::Complete, result, reason: None }
    };
    plan(sweep).unwrap().into_iter().zip(numbers.iter().cycle()).map(row).collect()
}

fn numbers() -> impl Strategy<Value = Vec<[f64; 4]>> {
    prop::collection::vec(prop::array::uniform4(0.0..1.0_f64), 36)
}

proptest! {
    /// Whatever the criterion, the choice is the candidate with its smallest mean over seeds and folds, and test
    /// accuracies cannot change it; they measure a regret that is never negative.
    #[test]
    fn every_criterion_chooses_its_smallest_mean(numbers in numbers(), folds: bool) {
        let sweep = grid(folds, "");
        let rows = rows(&sweep, &numbers);
        let blind: Vec<[f64; 4]> = numbers.iter().map(|[kl, l1, nll, _]| [*kl, *l1, *nll, 0.5]).collect();
        for criterion in Criterion::ALL {
            for group in select(&rows, criterion) {
                let chosen = group.chosen.as_ref().unwrap();
                let value = |row: &Row| criterion.of(row.last_epoch().unwrap()).unwrap();
                for lr in [0.01, 0.1, 1.0] {
                    let of = |row: &&Row| row.cell.config.optim.lr == lr && row.cell.config.bags.size == group.bag_size;
                    let values: Vec<f64> = rows.iter().filter(of).map(value).collect();
                    prop_assert_eq!(values.len(), if folds { 6 } else { 2 });
                    prop_assert!(chosen.criterion.unwrap().mean <= values.iter().sum::<f64>() / values.len() as f64 + 1e-12);
                }
                prop_assert_eq!((chosen.n_seeds(), chosen.n_folds), (2, if folds { 3 } else { 1 }));
                prop_assert!(group.regret().unwrap() >= 0.0);
                let (rate, edge) = (chosen.config.optim.lr, group.edge);
                let expected = if rate == 0.1 { None } else if rate == 1.0 { Some(Edge::Largest) } else { Some(Edge::Smallest) };
                prop_assert_eq!(edge, expected);
                let says = |words: &str| table::markdown(std::slice::from_ref(&group)).contains(words);
                prop_assert_eq!(says("is the largest that was tried; larger ones may be better: digits, KL, bags of"), edge == Some(Edge::Largest));
                prop_assert_eq!(says("is the smallest that was tried"), edge == Some(Edge::Smallest));
            }
            let choices = |numbers: &[[f64; 4]]| -> Vec<_> {
                let groups = select(&self::rows(&sweep, numbers), criterion);
                groups.into_iter().map(|group| group.chosen.unwrap().rows).collect()
            };
            prop_assert_eq!(choices(&numbers), choices(&blind));
        }
    }

    /// A criterion that orders candidates as their accuracies do has no regret; no criterion has less than none or more
    /// than the range of accuracies.
    #[test]
    fn a_perfect_criterion_has_no_regret(mut numbers in numbers()) {
        for numbers in &mut numbers {
            numbers[1] = -numbers[3];
        }
        let rows = rows(&grid(false, ""), &numbers);
        let regrets = regret::regrets(&regret::choices(&rows), 0);
        prop_assert_eq!(regrets.len(), Criterion::ALL.len());
        for regret in regrets {
            prop_assert_eq!(regret.n_groups, 2);
            prop_assert!(0.0 <= regret.mean && regret.mean <= regret.worst && regret.worst <= 1.0);
            if regret.criterion == Criterion::CountL1 {
                prop_assert!(regret.worst < 1e-15);
            }
        }
    }

    /// The best epoch has the smallest value, and of equal ones it is the last.
    #[test]
    fn the_best_epoch_is_the_last_of_the_best(values in prop::collection::vec(0_u8..4, 1..20)) {
        let epoch = |(index, value): (usize, &u8)| EpochRecord {
            held_out_kl: Some(f64::from(*value)),
            ..record(&config(), index + 1)
        };
        let epochs: Vec<_> = values.iter().enumerate().map(epoch).collect();
        let best = Criterion::Kl.best_epoch(&epochs).unwrap();
        let smallest = values.iter().min().unwrap();
        prop_assert_eq!(best.epoch, 1 + values.iter().rposition(|value| value == smallest).unwrap());
    }
}

/// Groups whose choice rests on fewer held-out bags than asked for have no part in a regret; folds are counted together.
#[test]
fn regrets_of_groups_with_enough_bags() {
    for (folds, n_bags) in [(false, [75, 18]), (true, [225, 54])] {
        let rows = rows(&grid(folds, ""), &[[1.0, 2.0, 3.0, 0.5]]);
        let choices = regret::choices(&rows);
        let counts: Vec<_> =
            choices[0].iter().map(|group| group.chosen.as_ref().unwrap().n_held_out_bags).collect();
        assert_eq!(counts, n_bags);
        let n_groups = |min| regret::regrets(&choices, min).first().map(|regret| regret.n_groups);
        assert_eq!(
            (n_groups(n_bags[1]), n_groups(n_bags[1] + 1), n_groups(n_bags[0] + 1)),
            (Some(2), Some(1), None)
        );
    }
}

/// What was chosen of keys that no table has a place for is in every table; where nothing else was tried, nothing is said.
#[test]
fn other_keys_are_shown() {
    let groups = select(&rows(&grid(false, ""), &[[1.0, 2.0, 3.0, 0.5]]), Criterion::Kl);
    assert!(groups.iter().all(|group| group.other_keys.is_empty()));
    assert!(table::markdown(&groups).contains("| 4 | 50.0 ± 0.0 (0.01) |"));
    let text = "schema = 1\nname = \"x\"\n[base]\npreset = \"digits\"\n[grid]\nbags.size = [4]\nseed = [0, 1]\n\
                optim.images_per_step = [64, 1024]\noptim.name = [\"sgd\", \"adamw\"]";
    let sweep = Sweep::parse("x.toml", text).unwrap();
    // Cells of 64 and 1,024 images, each by either optimizer: the last is the best.
    let mut rows = rows(&sweep, &[[1.0, 2.0, 3.0, 0.5]]);
    for row in &mut rows {
        let optim = &row.cell.config.optim;
        let is_best = (optim.images_per_step, optim.name.is_some()) == (1024, true);
        row.result.as_mut().unwrap().last.as_mut().unwrap().held_out_kl =
            Some(if is_best { 0.5 } else { 1.0 });
    }
    let groups = select(&rows, Criterion::Kl);
    assert_eq!(groups[0].other_keys, ["optim.name", "optim.images_per_step"]);
    assert!(table::markdown(&groups).contains("(0.03, name adamw, images_per_step 1024)"));
    assert!(table::csv(&groups).unwrap().contains(",optim.name=adamw optim.images_per_step=1024,"));
    assert!(regret::csv(&[groups]).unwrap().contains(",optim.name=adamw optim.images_per_step=1024,"));
}

/// Where no run had held-out bags, several candidates leave no choice by any criterion, and there is no regret.
#[test]
fn without_held_out_bags_there_is_no_choice() {
    let mut rows = rows(&grid(false, ""), &[[1.0, 2.0, 3.0, 0.5]]);
    for last in rows.iter_mut().filter_map(|row| row.result.as_mut()?.last.as_mut()) {
        (last.held_out_kl, last.held_out_count_l1, last.held_out_count_nll) = (None, None, None);
        assert!(Criterion::Kl.best_epoch([&*last]).is_none());
    }
    let choices = regret::choices(&rows);
    assert!(choices.iter().flatten().all(|group| group.chosen.is_none()));
    assert_eq!(regret::regrets(&choices, 0), []);
}

/// The criterion of a sweep file is in its directory, in the rule, and in what the report chooses; it changes no run.
#[test]
fn a_sweep_says_what_it_chooses_by() {
    let folder = tempfile::tempdir().unwrap();
    let grid = grid(false, "[select]\ncriterion = \"count-likelihood\"\n");
    let sweep = SweepDir::open_or_create(folder.path(), &grid).unwrap();
    assert_eq!(plan(&grid).unwrap(), plan(&self::grid(false, "")).unwrap());
    assert_eq!(SweepDir::open(folder.path()).unwrap().criterion(), Criterion::CountLikelihood);
    for cell in sweep.cells() {
        let run = RunDir::open_or_create(sweep.run_dir(cell).path(), &cell.config).unwrap();
        run.append_metrics(&record(&cell.config, 2)).unwrap();
        run.finish(&result(&cell.config, Some(record(&cell.config, 2)), Outcome::Complete)).unwrap();
    }
    let report_data = ReportData::of_sweep(&sweep, &host("0")).unwrap();
    assert!(report_data.groups.iter().all(|group| group.criterion == Criterion::CountLikelihood));
    report::write(&sweep, &report_data).unwrap();
    let read = |file: &str| fs_err::read_to_string(folder.path().join(file)).unwrap();
    assert!(read("results.md").contains(&rule(Criterion::CountLikelihood)));
    // A heading, and a row for each of two bag sizes and three criteria.
    assert_eq!(read("selection.csv").lines().count(), 7);
    assert!(read("report/index.html").contains("What choosing without labels costs"));
}
