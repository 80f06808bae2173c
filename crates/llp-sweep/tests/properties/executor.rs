//! The local executor, with cells that are small state machines instead of processes.

use std::collections::BTreeMap;
use std::io;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use llp_sweep::SweepError;
use llp_sweep::claim::Owner;
use llp_sweep::executor::local::Signals;
use llp_sweep::executor::{CellEnd, Exit, Launch, Progress, RunningCell, Silent, Totals, code};
use llp_sweep::prune::may_go_on;
use llp_sweep::record::{Activity, EpochRecord};
use llp_sweep::run_dir::RunState;
use llp_sweep::sweep_dir::{Cell, SweepDir};
use proptest::prelude::*;

use crate::fake::{Training, claim_file, host, options, owner, run_all, sweep};

static NEVER: AtomicBool = AtomicBool::new(false);
pub(crate) const NO_SIGNALS: Signals<'static> = Signals { stop: &NEVER, kill: &NEVER };

/// Events of the fake environment, reproducible from a seed (the generator is `SplitMix64` of Steele, Lea and Flood).
#[derive(Debug)]
pub(crate) struct Chance(pub(crate) Mutex<u64>);

impl Chance {
    pub(crate) fn one_in(&self, n: u64) -> bool {
        n > 0 && self.number().is_multiple_of(n)
    }

    pub(crate) fn number(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// Launches trainings that die, fail and take the machine down with them, each once in this many steps (0: never).
pub(crate) struct Environment {
    sweep: SweepDir,
    boot: String,
    chance: Chance,
    death: u64,
    power_cut: u64,
    /// How often each run wrote its result.
    results: Mutex<BTreeMap<String, usize>>,
}

impl Environment {
    pub(crate) fn calm(sweep: &SweepDir) -> Self {
        Self::new(sweep, 0, 0, 0)
    }

    fn new(sweep: &SweepDir, seed: u64, death: u64, power_cut: u64) -> Self {
        let (chance, results) = (Chance(Mutex::new(seed)), Mutex::default());
        Self { sweep: sweep.clone(), boot: "0".to_owned(), chance, death, power_cut, results }
    }

    fn may_go_on(&self, run: &str, epochs: usize) -> bool {
        let cell = self.sweep.cells().iter().find(|cell| cell.run == run).unwrap();
        may_go_on(&self.sweep, cell, epochs, &host(&self.boot)).unwrap()
    }

    fn results(&self) -> BTreeMap<String, usize> {
        self.results.lock().unwrap().clone()
    }
}

impl Launch for &'static Environment {
    fn launch(&self, cell: &Cell) -> io::Result<Box<dyn RunningCell>> {
        let run = self.sweep.run_dir(cell);
        let training = match Training::begin(&run, &cell.config, &owner(&self.boot)) {
            Ok(training) => Some(ManuallyDrop::new(training)),
            Err(SweepError::Claimed { .. }) => None,
            Err(error) => panic!("{error}"),
        };
        Ok(Box::new(Actor { environment: self, run: cell.run.clone(), training, is_interrupted: false }))
    }
}

/// One training. Dropping it is dying: the claim stays behind.
struct Actor {
    environment: &'static Environment,
    run: String,
    training: Option<ManuallyDrop<Training>>,
    is_interrupted: bool,
}

impl Actor {
    fn leave(&mut self, code: i32) -> Exit {
        drop(self.training.take().map(ManuallyDrop::into_inner));
        Exit::Code(code)
    }

    /// Dies in the middle of writing a line, leaving a claim whose process does not exist.
    fn die(&mut self) {
        let Some(training) = self.training.take() else { return };
        let folder = training.run.path().to_owned();
        let torn = fs_err::read(folder.join("metrics.jsonl")).unwrap_or_default();
        fs_err::write(folder.join("metrics.jsonl"), [&torn[..], b"{\"epoch\":"].concat()).unwrap();
        let file = claim_file(&training.run);
        let claim = fs_err::read_to_string(&file).unwrap();
        let pid = format!("\"pid\":{}", std::process::id());
        fs_err::write(file, claim.replace(&pid, "\"pid\":4294967295")).unwrap();
    }
}

impl RunningCell for Actor {
    fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        assert!(!self.environment.chance.one_in(self.environment.power_cut), "power cut");
        let is_interrupted = self.is_interrupted;
        let Some(training) = &mut self.training else { return Ok(Some(Exit::Code(code::STOPPED))) };
        if is_interrupted {
            training.write_status(Activity::Interrupted).unwrap();
            return Ok(Some(self.leave(code::STOPPED)));
        }
        if training.run.result().unwrap().is_some() {
            return Ok(Some(self.leave(code::DONE)));
        }
        if training.step().unwrap() {
            *self.environment.results.lock().unwrap().entry(self.run.clone()).or_default() += 1;
            return Ok(Some(self.leave(code::DONE)));
        }
        if self.environment.chance.one_in(self.environment.death) {
            self.die();
            return Ok(Some(Exit::Killed));
        }
        training.save().unwrap();
        if !self.environment.may_go_on(&self.run, training.epoch()) {
            training.write_status(Activity::Paused).unwrap();
            return Ok(Some(self.leave(code::DONE)));
        }
        Ok(None)
    }

    fn interrupt(&mut self) {
        self.is_interrupted = true;
    }

    fn kill(&mut self) {
        self.die();
    }
}

/// Everything that a finished sweep leaves in its run directories and that must not depend on its history.
fn outcome(sweep: &SweepDir) -> Vec<(String, String, String)> {
    let read = |cell: &Cell, file: &str| {
        fs_err::read_to_string(sweep.run_dir(cell).path().join(file)).unwrap_or_default()
    };
    sweep
        .cells()
        .iter()
        .map(|cell| (cell.run.clone(), read(cell, "result.json"), read(cell, "metrics.jsonl")))
        .collect()
}

pub(crate) fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// The outcome of the same sweep run one cell after the other without any incident.
fn serial_outcome(n_seeds: usize, epochs: usize) -> Vec<(String, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), n_seeds, epochs);
    run_all(&sweep, "0", &leak(Environment::calm(&sweep)), &options(1), NO_SIGNALS, &mut Silent).unwrap();
    outcome(&sweep)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Trainings that die at random and an executor that does too, restarted until nothing is left to do: every cell
    /// ends exactly once, and all files equal those of a serial, undisturbed sweep, byte for byte.
    #[test]
    fn a_disturbed_sweep_equals_a_serial_one(seed: u64, jobs in 1_usize..6, death in 3_u64..30, power_cut in 20_u64..90) {
        let (n_seeds, epochs) = (4, 3);
        let folder = tempfile::tempdir().unwrap();
        let sweep = sweep(folder.path(), n_seeds, epochs);
        let mut results = BTreeMap::new();
        for start in 0.. {
            prop_assert!(start < 1000, "no progress");
            let mut environment = Environment::new(&sweep, seed.wrapping_add(start), death, power_cut);
            environment.boot = start.to_string();
            let environment = leak(environment);
            let totals = catch_unwind(AssertUnwindSafe(|| {
                run_all(&sweep, &environment.boot, &environment, &options(jobs), NO_SIGNALS, &mut Silent).unwrap()
            }));
            for (run, n) in environment.results() {
                *results.entry(run).or_insert(0) += n;
            }
            if let Ok(totals) = totals {
                // Killed three times, a cell is parked, which is no result either.
                let unfinished = totals.failed + totals.parked;
                prop_assert_eq!(totals.ended() + unfinished, sweep.cells().len());
                if unfinished == 0 {
                    break;
                }
            }
            for cell in sweep.cells() {
                sweep.run_dir(cell).forget_failures().unwrap();
            }
        }
        prop_assert!(results.values().all(|n| *n == 1));
        prop_assert_eq!(results.len(), sweep.cells().len());
        prop_assert_eq!(outcome(&sweep), serial_outcome(n_seeds, epochs));
    }
}

/// Several executors on one directory: still every cell ends exactly once, and each executor sees all of them done.
#[test]
fn several_executors_share_a_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 10, 3);
    let environment = leak(Environment::calm(&sweep));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let totals =
                        run_all(&sweep, "0", &environment, &options(3), NO_SIGNALS, &mut Silent).unwrap();
                    assert_eq!(totals.failed, 0);
                    // A cell whose launch lost the race for the claim to a run that then ended counts as interrupted.
                    if totals.interrupted == 0 {
                        assert_eq!((totals.complete, totals.diverged), (20, 20));
                        break;
                    }
                }
            });
        }
    });
    assert!(environment.results().values().all(|n| *n == 1));
    assert_eq!(outcome(&sweep), serial_outcome(10, 3));
}

/// What was reported as progress, in words.
#[derive(Default)]
pub(crate) struct Diary {
    pub(crate) lines: Vec<String>,
    epochs: BTreeMap<usize, Vec<usize>>,
    stop_after_epochs: Option<(usize, &'static AtomicBool)>,
}

impl Progress for Diary {
    fn started(&mut self, cell: &Cell, attempt: u32) {
        self.lines.push(format!("{} starts, attempt {attempt}", cell.index));
    }

    fn epoch(&mut self, cell: &Cell, record: &EpochRecord) {
        self.epochs.entry(cell.index).or_default().push(record.epoch);
        if let Some((n, stop)) = self.stop_after_epochs {
            stop.store(self.epochs.values().map(Vec::len).sum::<usize>() >= n, Ordering::SeqCst);
        }
    }

    fn ended(&mut self, cell: &Cell, end: &CellEnd) {
        self.lines.push(match end {
            CellEnd::Complete => format!("{} complete", cell.index),
            CellEnd::Diverged => format!("{} diverged", cell.index),
            CellEnd::Interrupted => format!("{} interrupted", cell.index),
            CellEnd::Paused => format!("{} paused", cell.index),
            CellEnd::Cancelled => format!("{} cancelled", cell.index),
            CellEnd::Died { deaths, is_retried } => {
                format!("{} died, {deaths} so far, retried: {is_retried}", cell.index)
            }
            CellEnd::Failed { attempt, is_retried, reason } => {
                format!("{} failed, attempt {attempt}, retried: {is_retried}: {reason}", cell.index)
            }
        });
    }

    fn freed(&mut self, cell: &Cell, dead: &Owner) {
        self.lines.push(format!("{} freed from {dead}", cell.index));
    }

    fn totals(&mut self, totals: &Totals) {
        assert_eq!(totals.cells(), 4);
    }
}

/// A stop interrupts what runs, launches nothing more, and loses no epoch; the same command then goes on.
#[test]
fn a_stopped_sweep_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 1, 6);
    let environment = leak(Environment::calm(&sweep));
    let stop = leak(AtomicBool::new(false));
    let mut diary = Diary { stop_after_epochs: Some((3, stop)), ..Diary::default() };
    let signals = Signals { stop, kill: &NEVER };
    let totals = run_all(&sweep, "0", &environment, &options(2), signals, &mut diary).unwrap();
    // Cell 1 diverges after an epoch, then cell 2 starts.
    assert_eq!(diary.lines[..2], ["0 starts, attempt 1", "1 starts, attempt 1"]);
    assert_eq!(totals.interrupted + totals.ended() + totals.waiting, 4);
    assert!(totals.interrupted > 0 && totals.waiting > 0, "{totals:?}");
    assert_eq!(sweep.run_dir(&sweep.cells()[0]).state(&host("0")).unwrap(), RunState::Interrupted);

    let mut rest = Diary::default();
    let totals = run_all(&sweep, "0", &environment, &options(2), NO_SIGNALS, &mut rest).unwrap();
    assert_eq!((totals.complete, totals.diverged), (2, 2));
    let epochs: Vec<_> =
        [&diary, &rest].iter().flat_map(|diary| diary.epochs.get(&0).cloned().unwrap_or_default()).collect();
    assert_eq!(epochs, [1, 2, 3, 4, 5, 6]);
    assert_eq!(outcome(&sweep), serial_outcome(1, 6));

    let again = run_all(&sweep, "0", &environment, &options(2), NO_SIGNALS, &mut Silent).unwrap();
    assert_eq!((again.skipped, again.ended()), (4, 4));
    assert!(environment.results().values().all(|n| *n == 1));
}

/// At most `jobs` cells run at once, and that many do while enough are left.
#[test]
fn jobs_limits_what_runs_at_once() {
    struct Crowd<'a>(&'a AtomicUsize, usize);
    impl Progress for Crowd<'_> {
        fn started(&mut self, _: &Cell, _: u32) {
            self.1 = self.1.max(1 + self.0.fetch_add(1, Ordering::SeqCst));
        }
        fn epoch(&mut self, _: &Cell, _: &EpochRecord) {}
        fn ended(&mut self, _: &Cell, _: &CellEnd) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
        fn freed(&mut self, _: &Cell, _: &Owner) {}
        fn totals(&mut self, _: &Totals) {}
    }
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 3, 2);
    let environment = leak(Environment::calm(&sweep));
    let running = AtomicUsize::new(0);
    let mut crowd = Crowd(&running, 0);
    run_all(&sweep, "0", &environment, &options(5), NO_SIGNALS, &mut crowd).unwrap();
    assert_eq!(crowd.1, 5);
}
