//! Run directories, claims and sweep directories.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fake::{BEAT, claim_file, config, host, owner, record, result, sweep};
use llp_sweep::SweepError;
use llp_sweep::claim::Owner;
use llp_sweep::record::{Activity, Confusion, Outcome, RunResult, Status};
use llp_sweep::run_dir::{RunDir, RunState};
use proptest::prelude::*;

fn new_run() -> (tempfile::TempDir, RunDir) {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::open_or_create(folder.path().join("run"), &config()).unwrap();
    (folder, run)
}

/// However many threads want a claim, and however often, at most one holds it at a time.
#[test]
fn a_claim_has_one_holder() {
    let (_folder, run) = new_run();
    let (holders, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    match run.claim(&owner("a"), BEAT) {
                        Ok(claim) => {
                            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                            taken.fetch_add(1, Ordering::SeqCst);
                            holders.fetch_sub(1, Ordering::SeqCst);
                            drop(claim);
                        }
                        Err(SweepError::Claimed { holder, .. }) => assert_eq!(holder, owner("a").to_string()),
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    assert!(taken.into_inner() > 0);
    assert_eq!(run.state(&host("a")).unwrap(), RunState::Pending);
}

/// Of many threads that find a dead process's claim, exactly one takes it over, and learns from which process.
#[test]
fn a_dead_claim_is_taken_over_once() {
    for round in 0..20 {
        let (_folder, run) = new_run();
        let mut process = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let dead = Owner { host: host("a"), pid: process.id() };
        std::mem::forget(run.claim(&dead, BEAT).unwrap());
        assert_eq!(run.state(&host("a")).unwrap(), RunState::Running, "round {round}");
        assert!(
            matches!(run.claim(&owner("a"), BEAT), Err(SweepError::Claimed { holder, .. }) if holder == dead.to_string())
        );
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(run.state(&host("a")).unwrap(), RunState::Interrupted, "round {round}");

        let claims: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| run.claim(&owner("a"), BEAT).ok())).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(claims.len(), 1, "round {round}");
        assert_eq!(claims[0].taken_over(), Some(&dead));
    }
}

/// A claim from before this host's last start is dead.
#[test]
fn other_starts() {
    let (_folder, run) = new_run();
    std::mem::forget(run.claim(&owner("a"), BEAT).unwrap());
    let claim = run.claim(&owner("b"), BEAT).unwrap();
    assert_eq!(claim.taken_over(), Some(&owner("a")));
}

/// A process of another host.
fn stranger() -> Owner {
    let mut stranger = owner("b");
    "there".clone_into(&mut stranger.host.name);
    stranger
}

/// Another host's claim is valid while its counter moves, however long; when the counter does not move for three beats
/// it is taken over, by one only.
#[test]
fn a_silent_claim_is_taken_over_once() {
    let (_folder, run) = new_run();
    let claim = run.claim(&stranger(), BEAT).unwrap();
    for _ in 0..3 {
        assert!(
            matches!(run.claim(&owner("a"), BEAT), Err(SweepError::Claimed { holder, .. }) if holder == stranger().to_string())
        );
    }
    let (file, bytes) = (claim_file(&run), fs_err::read(claim_file(&run)).unwrap());
    drop(claim);
    fs_err::write(file, bytes).unwrap();
    let started = std::time::Instant::now();
    let claims: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| run.claim(&owner("a"), BEAT).ok())).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(started.elapsed() >= 3 * BEAT);
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].taken_over(), Some(&stranger()));
}

/// A holder that was frozen, and taken for dead, finds out before it writes; what it then does leaves the new holder's
/// claim alone, also when that was released and made again meanwhile.
#[test]
fn a_frozen_holder_notices() {
    let (_folder, run) = new_run();
    // It never beats: a day is longer than the test.
    let frozen = run.claim(&stranger(), std::time::Duration::from_hours(24)).unwrap();
    let text = fs_err::read_to_string(claim_file(&run)).unwrap();
    fs_err::write(claim_file(&run), text.replace("86400000", "5")).unwrap();
    let new = run.claim(&owner("a"), BEAT).unwrap();
    assert!(matches!(frozen.check(), Err(SweepError::ClaimLost(_))));
    new.check().unwrap();
    drop(new);
    assert!(matches!(frozen.check(), Err(SweepError::ClaimLost(_))));
    let third = run.claim(&owner("a"), BEAT).unwrap();
    assert!(matches!(frozen.check(), Err(SweepError::ClaimLost(_))));
    drop(frozen);
    third.check().unwrap();
}

/// Of several claims the one with the highest number counts, and a holder of a lower one does not touch it.
#[test]
fn the_highest_number_counts() {
    let (_folder, run) = new_run();
    let claim = run.claim(&owner("a"), BEAT).unwrap();
    fs_err::rename(claim_file(&run), run.path().join("claim-7.json")).unwrap();
    assert!(matches!(run.claim(&owner("a"), BEAT), Err(SweepError::Claimed { .. })));
    drop(claim);
    assert_eq!(run.state(&host("a")).unwrap(), RunState::Running);
}

/// A claim that is damaged is no obstacle.
#[test]
fn a_damaged_claim_is_replaced() {
    let (_folder, run) = new_run();
    fs_err::write(run.path().join("claim-1.json"), "{\"claimant\":").unwrap();
    let claim = run.claim(&owner("a"), BEAT).unwrap();
    assert_eq!(run.state(&host("a")).unwrap(), RunState::Running);
    drop(claim);
    assert_eq!(run.state(&host("a")).unwrap(), RunState::Pending);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Wherever a crash cuts `metrics.jsonl`, and whatever it leaves there, the whole lines before are read, and the
    /// next epoch follows them.
    #[test]
    fn torn_metrics_keep_their_whole_lines(epochs in 1_usize..5, cut: prop::sample::Index, debris in "[ -~]{0,600}") {
        let (_folder, run) = new_run();
        let config = config();
        let records: Vec<_> = (1..=epochs).map(|epoch| record(&config, epoch)).collect();
        for record in &records {
            run.append_metrics(record).unwrap();
        }
        prop_assert_eq!(&run.read_metrics().unwrap(), &records);

        let path = run.path().join("metrics.jsonl");
        let text = fs_err::read_to_string(&path).unwrap();
        let cut = &text[..cut.index(text.len())];
        fs_err::write(&path, [cut, &debris].concat()).unwrap();
        let whole = cut.matches('\n').count();
        prop_assert_eq!(&run.read_metrics().unwrap()[..], &records[..whole]);

        run.append_metrics(&records[whole]).unwrap();
        prop_assert_eq!(&run.read_metrics().unwrap()[..], &records[..=whole]);
        prop_assert!(fs_err::read_to_string(&path).unwrap().ends_with('\n'));
    }

    /// Cutting metrics back to an epoch keeps exactly the epochs up to it, bit for bit.
    #[test]
    fn truncation_keeps_a_prefix(epochs in 0_usize..6, kept in 0_usize..8) {
        let (_folder, run) = new_run();
        let config = config();
        let records: Vec<_> = (1..=epochs).map(|epoch| record(&config, epoch)).collect();
        for record in &records {
            run.append_metrics(record).unwrap();
        }
        run.truncate_metrics(kept).unwrap();
        prop_assert_eq!(&run.read_metrics().unwrap()[..], &records[..kept.min(epochs)]);
    }

    /// Any learning rate survives being written to a configuration and read, bit for bit.
    #[test]
    fn numbers_survive_configuration_files(lr in 1e-300..1e300_f64, seed in 0..=i64::MAX as u64) {
        let mut config = config();
        config.optim.lr = lr;
        config.seed = seed;
        let text = config.to_toml();
        prop_assert_eq!(llp_sweep::config::RunConfig::from_toml("config.toml", &text).unwrap(), config);
    }
}

/// A line that is damaged in the middle of the file is an error that names it, not a missing epoch.
#[test]
fn damaged_metrics_are_reported() {
    let (_folder, run) = new_run();
    let config = config();
    run.append_metrics(&record(&config, 1)).unwrap();
    let path = run.path().join("metrics.jsonl");
    let text = fs_err::read_to_string(&path).unwrap();
    fs_err::write(&path, format!("{text}{{oops\n{text}")).unwrap();
    assert!(run.read_metrics().unwrap_err().to_string().contains("metrics.jsonl:2: "));
}

/// The state follows the files: pending, running, interrupted, failed, and the result over everything.
#[test]
fn state_follows_files() {
    let (_folder, run) = new_run();
    let config = config();
    let state = || run.state(&host("a")).unwrap();
    let status = |state, attempt| Status {
        state,
        epoch: 1,
        epochs: 3,
        attempt,
        deaths: 0,
        reason: None,
        fails_again: false,
    };
    assert_eq!((state(), run.next_attempt().unwrap()), (RunState::Pending, 1));

    let claim = run.claim(&owner("a"), BEAT).unwrap();
    run.write_status(&status(Activity::Running, 1)).unwrap();
    assert_eq!(state(), RunState::Running);
    drop(claim);
    assert_eq!((state(), run.next_attempt().unwrap()), (RunState::Interrupted, 1));

    run.write_status(&status(Activity::Failed, 1)).unwrap();
    assert_eq!((state(), run.next_attempt().unwrap()), (RunState::Failed, 2));
    run.forget_failures().unwrap();
    assert_eq!((state(), run.next_attempt().unwrap()), (RunState::Interrupted, 1));

    run.finish(&result(&config, None, Outcome::Diverged)).unwrap();
    assert_eq!(state(), RunState::Diverged);
    run.finish(&result(&config, Some(record(&config, 3)), Outcome::Complete)).unwrap();
    assert_eq!(state(), RunState::Complete);
    assert_eq!(RunDir::at(run.path().join("nowhere")).state(&host("a")).unwrap(), RunState::Pending);
}

/// A number that JSON cannot hold is refused by name, and leaves the files as they were.
#[test]
fn only_finite_numbers_are_recorded() {
    let (_folder, run) = new_run();
    let config = config();
    let mut bad = record(&config, 1);
    bad.held_out_kl = Some(f64::INFINITY);
    assert!(run.append_metrics(&bad).unwrap_err().to_string().starts_with("`held_out_kl` is not a finite"));
    assert_eq!(run.read_metrics().unwrap(), []);
    let bad = RunResult { chosen: None, ..result(&config, Some(bad), Outcome::Complete) };
    assert!(run.finish(&bad).unwrap_err().to_string().starts_with("`last.held_out_kl` is not a finite"));
    assert_eq!(run.result().unwrap(), None);
}

/// A directory of another run is refused with the keys that differ; keys outside the identity are taken over.
#[test]
fn a_run_directory_keeps_its_configuration() {
    let (_folder, run) = new_run();
    let mut config = config();
    config.checkpoint.every_epochs = 77;
    RunDir::open_or_create(run.path(), &config).unwrap();
    assert_eq!(RunDir::open(run.path()).unwrap().1, config);
    config.optim.lr = 0.625;
    config.data.train_limit = Some(9);
    let message = RunDir::open_or_create(run.path(), &config).unwrap_err().to_string();
    assert_eq!(
        message,
        format!(
            "{} holds a run with another configuration:\n  data.train_limit: unset there, 9 asked for\n  optim.lr: 0.1 \
             there, 0.625 asked for\nchoose another folder, or repeat the run's own settings",
            run.path().display()
        )
    );
}

/// A sweep directory keeps its grid, and says which cells another grid adds and removes.
#[test]
fn a_sweep_directory_keeps_its_grid() {
    let folder = tempfile::tempdir().unwrap();
    let first = sweep(folder.path(), 1, 2);
    assert_eq!(llp_sweep::sweep_dir::SweepDir::open(folder.path()).unwrap().cells(), first.cells());
    sweep(folder.path(), 1, 2);
    let text = fs_err::read_to_string(folder.path().join("sweep.toml")).unwrap();
    let wider = text
        .replace("seed = [0]", "seed = [1, 2]")
        .replace("\"optim.lr\" = [0.1, 9.0]", "\"optim.lr\" = [0.1]");
    let wider = llp_sweep::grid::Sweep::parse("wider.toml", &wider).unwrap();
    let refused =
        llp_sweep::sweep_dir::SweepDir::open_or_create(folder.path(), &wider).unwrap_err().to_string();
    let (n_added, n_removed) = (wider.expand().unwrap().len(), first.cells().len());
    assert!(refused.contains(&format!("{n_added} more cells asked for (")), "{refused}");
    assert!(refused.contains(&format!(", {n_removed} no longer asked for (")), "{refused}");
    assert!(first.cells().iter().take(3).all(|cell| refused.contains(&cell.run)), "{refused}");
}

/// A result of a version that recorded no confusion can be read; one that has it comes back as it was.
#[test]
fn confusion_is_optional_in_results() {
    let (_folder, run) = new_run();
    let complete = result(&config(), Some(record(&config(), 3)), Outcome::Complete);
    run.finish(&complete).unwrap();
    assert_eq!(run.result().unwrap(), Some(complete.clone()));
    let mut old: serde_json::Value = serde_json::to_value(&complete).unwrap();
    assert!(old.as_object_mut().unwrap().remove("test_confusion").is_some());
    fs_err::write(run.path().join("result.json"), old.to_string()).unwrap();
    assert_eq!(run.result().unwrap().unwrap().test_confusion, None);
}

/// Accuracies of classes are the diagonal over the sum of the row; sums add counts and refuse other classes.
#[test]
fn confusion_counts_classes() {
    let names = |names: [&str; 3]| names.map(str::to_owned).to_vec();
    let one = Confusion::from_rows(names(["a", "b", "c"]), &[3, 1, 0, 0, 0, 0, 2, 0, 2]);
    assert_eq!(one.class_accuracy(), [Some(0.75), None, Some(0.5)]);
    let sum = Confusion::sum([&one, &one].into_iter()).unwrap();
    assert_eq!(sum.counts, [[6, 2, 0], [0, 0, 0], [4, 0, 4]]);
    let other = Confusion { classes: names(["a", "b", "d"]), ..one.clone() };
    assert_eq!(Confusion::sum([&one, &other].into_iter()), None);
    assert_eq!(Confusion::sum(std::iter::empty()), None);
}
