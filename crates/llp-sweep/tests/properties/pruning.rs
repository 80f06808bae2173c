//! Successive halving with several pools at once.

use std::collections::BTreeMap;

use llp_sweep::executor::Silent;
use llp_sweep::filter::Filter;
use llp_sweep::grid::Sweep;
use llp_sweep::run_dir::RunState;
use llp_sweep::status::{count, epochs_saved, survey};
use llp_sweep::sweep_dir::{Cell, SweepDir};
use proptest::prelude::*;

use crate::executor::{Environment, NO_SIGNALS, leak};
use crate::fake::{host, options, record, run_all};

const EPOCHS: usize = 5;

/// Two bag sizes, two seeds, six learning rates; pruned after epochs 1 and 3, unless `eta` is nothing.
fn sweep(folder: &std::path::Path, eta: Option<usize>) -> SweepDir {
    let prune = eta.map_or_else(String::new, |eta| format!("[prune]\nrungs = [1, 3]\neta = {eta}\n"));
    let text = format!(
        "schema = 1\nname = \"test\"\n[base]\npreset = \"digits\"\noptim.epochs = {EPOCHS}\n[grid]\nseed = [0, 1]\n\
         bags.size = [1, 16]\noptim.lr = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]\nloss.name = [\"kl\"]\n{prune}"
    );
    SweepDir::open_or_create(folder, &Sweep::parse("test.toml", &text).unwrap()).unwrap()
}

fn epochs(sweep: &SweepDir, cell: &Cell) -> usize {
    sweep.run_dir(cell).read_metrics().unwrap().len()
}

/// Learning rates of a bag size, by the mean criterion over seeds after an epoch, the best first.
fn ranking(sweep: &SweepDir, size: usize, epoch: usize, among: &dyn Fn(&Cell) -> bool) -> Vec<u64> {
    let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
    for cell in sweep.cells().iter().filter(|cell| cell.config.bags.size == size && among(cell)) {
        let kl = record(&cell.config, epoch).held_out_kl.unwrap();
        *sums.entry(cell.config.optim.lr.to_bits()).or_default() += kl;
    }
    let mut order: Vec<_> = sums.into_iter().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    order.into_iter().map(|(lr, _)| lr).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// However many pools work, in each bag size the best candidates of each rung reach the next, with all their seeds; the
    /// best there is complete; a run ends complete or at a rung; and what was pruned keeps its checkpoint.
    #[test]
    fn the_best_go_on(pools in 1_usize..4, jobs in 1_usize..4, eta in 2_usize..5) {
        let folder = tempfile::tempdir().unwrap();
        let sweep = sweep(folder.path(), Some(eta));
        let environment = leak(Environment::calm(&sweep));
        std::thread::scope(|scope| {
            for _ in 0..pools {
                scope.spawn(|| loop {
                    let totals = run_all(&sweep, "0", &environment, &options(jobs), NO_SIGNALS, &mut Silent).unwrap();
                    // One that lost the race for a claim to a run that then ended is counted as interrupted.
                    if totals.interrupted == 0 {
                        break;
                    }
                });
            }
        });
        for size in [1, 16] {
            let cells: Vec<_> = sweep.cells().iter().filter(|cell| cell.config.bags.size == size).collect();
            let reached = |lr: u64| {
                let seeds = cells.iter().filter(|cell| cell.config.optim.lr.to_bits() == lr);
                seeds.map(|cell| epochs(&sweep, cell)).min().unwrap()
            };
            let first = ranking(&sweep, size, 1, &|_| true);
            for lr in &first[..(6 / eta).max(1)] {
                prop_assert!(reached(*lr) >= 3, "{} of {:?}", lr, first);
            }
            let second = ranking(&sweep, size, 3, &|cell| reached(cell.config.optim.lr.to_bits()) >= 3);
            prop_assert_eq!(reached(second[0]), EPOCHS);
            for cell in cells {
                let state = sweep.run_dir(cell).state(&host("0")).unwrap();
                let done = epochs(&sweep, cell);
                prop_assert!(matches!((state, done), (RunState::Complete, EPOCHS) | (RunState::Pruned, 1 | 3)));
                let checkpoint = fs_err::read_to_string(sweep.run_dir(cell).checkpoints_dir().join("epoch"));
                prop_assert_eq!(checkpoint.unwrap(), done.to_string());
            }
        }
        let saved = epochs_saved(&survey(&sweep, &sweep.matching(&Filter::default()), &host("0")));
        let trained: usize = sweep.cells().iter().map(|cell| epochs(&sweep, cell)).sum();
        prop_assert!(saved > 0);
        prop_assert_eq!(saved + trained, EPOCHS * sweep.cells().len());
    }
}

/// Without the table nothing is pruned.
#[test]
fn pruning_is_off_by_default() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), None);
    run_all(&sweep, "0", &leak(Environment::calm(&sweep)), &options(3), NO_SIGNALS, &mut Silent).unwrap();
    let counts = count(&survey(&sweep, &sweep.matching(&Filter::default()), &host("0")));
    assert!(counts.contains(&(RunState::Complete, 24)));
}
