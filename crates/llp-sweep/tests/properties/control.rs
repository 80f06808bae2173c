//! Choosing cells, cancelling and retrying them, looking how far they are, and freeing those of dead hosts.

use std::time::Duration;

use llp_sweep::claim::Owner;
use llp_sweep::control::{Retry, cancel, free_from_dead_hosts, retry};
use llp_sweep::executor::Silent;
use llp_sweep::executor::local::Options;
use llp_sweep::filter::Filter;
use llp_sweep::record::{Activity, Outcome, Status};
use llp_sweep::run_dir::RunState;
use llp_sweep::status::{self, cross, keys, remaining, survey};
use llp_sweep::sweep_dir::{Cell, SweepDir};
use proptest::prelude::*;

use crate::executor::{Diary, Environment, NO_SIGNALS, leak};
use crate::fake::{BEAT, claim_file, host, options, owner, record, result, run_all, sweep};

fn filter(text: &str) -> Filter {
    Filter::parse("--filter", text).unwrap()
}

fn state(sweep: &SweepDir, cell: &Cell) -> RunState {
    sweep.run_dir(cell).state(&host("0")).unwrap()
}

fn all(sweep: &SweepDir) -> Vec<&Cell> {
    sweep.matching(&Filter::default())
}

proptest! {
    /// A filter takes exactly the cells that have one of its values in each of its keys, in the order of the plan.
    #[test]
    fn a_filter_is_a_conjunction(size in prop::sample::subsequence(vec![1_usize, 16], 1..=2), seed in 0_u64..3, short: bool) {
        let folder = tempfile::tempdir().unwrap();
        let sweep = sweep(folder.path(), 3, 2);
        let sizes = size.iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
        let key = if short { "bag_size" } else { "bags.size" };
        let taken = sweep.matching(&filter(&format!("{key}={sizes},seed={seed}")));
        let expected: Vec<_> = sweep.cells().iter()
            .filter(|cell| size.contains(&cell.config.bags.size) && cell.config.seed == seed)
            .collect();
        prop_assert_eq!(taken, expected);
    }
}

/// A key that a run does not have matches nothing; numbers match however they are written.
#[test]
fn filters_compare_values() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 1, 2);
    assert_eq!(sweep.matching(&filter("alpha=0.5")), Vec::<&Cell>::new());
    assert_eq!(sweep.matching(&filter("lr=1e-1, loss=kl")).len(), 2);
    assert_eq!(sweep.matching(&filter("optim.lr=9.0")).len(), 2);
}

/// Cancelled cells are skipped, and are eligible again after a retry; what has a result is left alone.
#[test]
fn cancelled_cells_wait_for_a_retry() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 2, 2);
    let first = filter("seed=0");
    assert_eq!(cancel(&sweep, &sweep.matching(&first), &owner("0")).unwrap(), sweep.matching(&first));
    let environment = leak(Environment::calm(&sweep));
    let totals = run_all(&sweep, "0", &environment, &options(2), NO_SIGNALS, &mut Silent).unwrap();
    assert_eq!((totals.cancelled, totals.ended()), (4, 4));
    assert_eq!(cancel(&sweep, &all(&sweep), &owner("0")).unwrap(), Vec::<&Cell>::new());
    assert!(sweep.matching(&first).iter().all(|cell| state(&sweep, cell) == RunState::Cancelled));
    let again = retry(&sweep, &all(&sweep), Retry::default(), &owner("0")).unwrap();
    assert_eq!(again, sweep.matching(&first));
    let totals = run_all(&sweep, "0", &environment, &options(2), NO_SIGNALS, &mut Silent).unwrap();
    assert_eq!((totals.cancelled, totals.ended()), (0, 8));
}

/// A retry opens failed and parked cells with all attempts and keeps their checkpoints unless asked otherwise; diverged
/// ones only if asked to.
#[test]
fn a_retry_starts_the_count_anew() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 1, 2);
    let environment = leak(Environment::calm(&sweep));
    run_all(&sweep, "0", &environment, &options(2), NO_SIGNALS, &mut Silent).unwrap();
    assert_eq!(retry(&sweep, &all(&sweep), Retry::default(), &owner("0")).unwrap().len(), 0);
    let diverged = retry(&sweep, &all(&sweep), Retry { diverged: true, ..Retry::default() }, &owner("0"));
    assert_eq!(diverged.unwrap(), sweep.matching(&filter("lr=9")));

    for (cell, activity) in
        sweep.matching(&filter("lr=9")).into_iter().zip([Activity::Failed, Activity::Parked])
    {
        let run = sweep.run_dir(cell);
        let status = Status {
            state: activity,
            epoch: 1,
            epochs: 2,
            attempt: 3,
            deaths: 3,
            reason: None,
            fails_again: true,
        };
        run.write_status(&status).unwrap();
        assert!(matches!(state(&sweep, cell), RunState::Failed | RunState::Parked));
        retry(&sweep, &[cell], Retry::default(), &owner("0")).unwrap();
        let status = run.status().unwrap().unwrap();
        assert_eq!((status.attempt, status.deaths, status.fails_again), (1, 0, false));
        assert!(run.checkpoints_dir().join("epoch").exists());
        run.cancel().unwrap();
        retry(&sweep, &[cell], Retry { from_scratch: true, ..Retry::default() }, &owner("0")).unwrap();
        assert!(!run.checkpoints_dir().exists() && run.read_metrics().unwrap().is_empty());
        assert_eq!(state(&sweep, cell), RunState::Pending);
    }
}

/// A cell whose holder, on another host, has no heartbeat is freed and finished, and its log says so; one whose
/// holder lives is waited for until the pool has idled for too long.
#[test]
fn cells_of_dead_hosts_are_freed() {
    let stranger = Owner { host: llp_sweep::claim::Host { name: "there".to_owned(), ..host("0") }, pid: 7 };
    for is_dead in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let sweep = sweep(folder.path(), 1, 2);
        let cell = &sweep.cells()[2];
        let run =
            llp_sweep::run_dir::RunDir::open_or_create(sweep.run_dir(cell).path(), &cell.config).unwrap();
        let claim = run.claim(&stranger, BEAT).unwrap();
        let bytes = fs_err::read(claim_file(&run)).unwrap();
        let claim = if is_dead {
            drop(claim);
            fs_err::write(run.path().join("claim-1.json"), bytes).unwrap();
            None
        } else {
            Some(claim)
        };
        let idle = Options { idle_exit: Some(20 * BEAT), poll: Duration::from_millis(1), ..options(2) };
        let environment = leak(Environment::calm(&sweep));
        let mut diary = Diary::default();
        let totals = run_all(&sweep, "0", &environment, &idle, NO_SIGNALS, &mut diary).unwrap();
        let freed = diary.lines.contains(&"2 freed from process 7 on there".to_owned());
        assert_eq!(
            (totals.ended(), totals.elsewhere, freed),
            if is_dead { (4, 0, true) } else { (3, 1, false) }
        );
        let log = fs_err::read_to_string(run.log_path()).unwrap_or_default();
        assert_eq!(log.contains("taken over from process 7 on there"), is_dead);
        drop(claim);
    }
}

/// Before cells are handed to others, those of dead hosts are distinguished from those of living ones.
#[test]
fn only_dead_hosts_lose_their_cells() {
    let stranger = Owner { host: llp_sweep::claim::Host { name: "there".to_owned(), ..host("0") }, pid: 7 };
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 1, 2);
    let claim = |index: usize| {
        let cell = &sweep.cells()[index];
        let run = llp_sweep::run_dir::RunDir::open_or_create(sweep.run_dir(cell).path(), &cell.config);
        (run.as_ref().unwrap().claim(&stranger, BEAT).unwrap(), claim_file(&run.unwrap()))
    };
    let (_alive, (dead, file)) = (claim(1), claim(2));
    let bytes = fs_err::read(&file).unwrap();
    drop(dead);
    fs_err::write(file, bytes).unwrap();
    // A beat of the watcher is longer than one of the holders, so that a living one has shown itself.
    let freed = free_from_dead_hosts(&sweep, &all(&sweep), &owner("0"), 10 * BEAT).unwrap();
    assert_eq!(freed, [(&sweep.cells()[2], stranger)]);
    assert_eq!(
        [1, 2].map(|index| state(&sweep, &sweep.cells()[index])),
        [RunState::Running, RunState::Pending]
    );
}

/// The counts of a cross table add up to those of the whole, and the time left is that of the epochs not yet done.
#[test]
fn a_survey_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 3, 10);
    assert_eq!(remaining(&survey(&sweep, &all(&sweep), &host("0"))), None);
    // One second an epoch for bags of 1 instance, two for 16.
    for cell in &sweep.matching(&filter("seed=0,lr=0.1")) {
        let run =
            llp_sweep::run_dir::RunDir::open_or_create(sweep.run_dir(cell).path(), &cell.config).unwrap();
        let mut result = result(&cell.config, Some(record(&cell.config, 10)), Outcome::Complete);
        result.train_s = if cell.config.bags.size == 1 { 10.0 } else { 20.0 };
        run.finish(&result).unwrap();
    }
    let begun = sweep.matching(&filter("seed=1,lr=0.1,bag_size=16"))[0];
    let run = llp_sweep::run_dir::RunDir::open_or_create(sweep.run_dir(begun).path(), &begun.config).unwrap();
    run.write_status(&Status {
        state: Activity::Running,
        epoch: 4,
        epochs: 10,
        attempt: 1,
        deaths: 0,
        reason: None,
        fails_again: false,
    })
    .unwrap();
    let standings = survey(&sweep, &all(&sweep), &host("0"));
    let left = remaining(&standings).unwrap();
    // Of 6 cells of each size, one is done; one of size 16 lacks 6 epochs.
    assert!((left.seconds - (5.0 * 10.0 + 4.0 * 20.0 + 12.0)).abs() < 1e-9, "{left:?}");
    assert_eq!(left.n_finished, 2);
    let rows = cross(&standings, &keys("--by", "bag_size,seed").unwrap());
    assert_eq!(rows.len(), 6);
    for (place, (_, n)) in status::count(&standings).iter().enumerate() {
        assert_eq!(rows.iter().map(|row| row.counts[place].1).sum::<usize>(), *n);
    }
    let unknown = keys("--by", "bagsize").unwrap_err().to_string();
    assert!(unknown.contains("did you mean `bag_size`?"), "{unknown}");
}
