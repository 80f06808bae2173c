//! The local executor and what goes wrong: exit codes, retries, limits, and other processes on the same cells.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

use llp_sweep::SweepError;
use llp_sweep::executor::local::Options;
use llp_sweep::executor::{Exit, Launch, RunningCell, Silent, Totals, code};
use llp_sweep::record::{Activity, Status};
use llp_sweep::run_dir::RunDir;
use llp_sweep::sweep_dir::{Cell, SweepDir};

use crate::executor::{Diary, Environment, NO_SIGNALS, leak};
use crate::fake::{Training, options, owner, run_all, sweep};

/// Ends each cell at once with the exit that the script has for it, and counts the launches.
struct Script {
    exits: BTreeMap<usize, Exit>,
    launches: RefCell<Vec<usize>>,
}

struct Ended(Exit);

impl RunningCell for Ended {
    fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        Ok(Some(self.0))
    }
    fn interrupt(&mut self) {}
    fn kill(&mut self) {}
}

impl Launch for Script {
    fn launch(&self, cell: &Cell) -> io::Result<Box<dyn RunningCell>> {
        self.launches.borrow_mut().push(cell.index);
        let exit = self.exits.get(&cell.index).copied();
        exit.map_or(Err(io::ErrorKind::NotFound.into()), |exit| Ok(Box::new(Ended(exit))))
    }
}

fn scripted(
    sweep: &SweepDir,
    exits: &[(usize, Exit)],
    options: &Options,
) -> (Result<Totals, SweepError>, Diary, Vec<usize>) {
    let script = Script { exits: exits.iter().copied().collect(), launches: RefCell::default() };
    let mut diary = Diary::default();
    let totals = run_all(sweep, "0", &script, options, NO_SIGNALS, &mut diary);
    (totals, diary, script.launches.into_inner())
}

/// Failures are tried three times in all, bad configurations once, a process that died three times is parked, and a later command tries neither again until
/// the failures are forgotten.
#[test]
fn failures_are_retried_by_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 1, 2);
    let exits = [(0, Exit::Code(1)), (1, Exit::Code(2)), (2, Exit::Code(0)), (3, Exit::Killed)];
    let (totals, diary, launches) = scripted(&sweep, &exits, &options(1));
    assert_eq!(launches, [0, 1, 2, 3, 0, 2, 3, 0, 2, 3]);
    assert_eq!(totals.unwrap(), Totals { failed: 3, parked: 1, ..Totals::default() });
    assert!(diary.lines.contains(&"0 failed, attempt 2, retried: true: exit code 1".to_owned()));
    assert!(diary.lines.contains(&"1 failed, attempt 1, retried: false: exit code 2".to_owned()));
    assert!(diary.lines.contains(&"2 failed, attempt 3, retried: false: ended without a result".to_owned()));
    assert!(diary.lines.contains(&"3 died, 3 so far, retried: false".to_owned()));

    let (totals, _, launches) = scripted(&sweep, &exits, &options(1));
    let totals = totals.unwrap();
    assert_eq!((totals.failed, totals.parked, launches), (3, 1, vec![]));
    sweep.run_dir(&sweep.cells()[1]).forget_failures().unwrap();
    assert_eq!(scripted(&sweep, &exits, &options(1)).2, [1]);
    sweep.run_dir(&sweep.cells()[3]).forget_failures().unwrap();
    assert_eq!(scripted(&sweep, &exits, &options(1)).2, [3, 3, 3]);
}

/// A cell that runs out of memory.
struct Small<'a>(&'a SweepDir, RefCell<usize>);

impl Launch for Small<'_> {
    fn launch(&self, cell: &Cell) -> io::Result<Box<dyn RunningCell>> {
        *self.1.borrow_mut() += 1;
        let reason = Some("out of memory".to_owned());
        let status = Status {
            state: Activity::Failed,
            epoch: 0,
            epochs: 2,
            attempt: 1,
            deaths: 0,
            reason,
            fails_again: true,
        };
        let run = RunDir::open_or_create(self.0.run_dir(cell).path(), &cell.config)
            .and_then(|run| run.write_status(&status));
        run.map_err(io::Error::other)?;
        Ok(Box::new(Ended(Exit::Code(1))))
    }
}

/// A cell that says of itself that another attempt would fail as well is not tried again, whatever its exit code; once its
/// failure is forgotten it is.
#[test]
fn what_fails_again_is_not_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 1, 1);
    let n_cells = sweep.cells().len();
    let launcher = Small(&sweep, RefCell::new(0));
    let mut diary = Diary::default();
    let totals = run_all(&sweep, "0", &launcher, &options(1), NO_SIGNALS, &mut diary).unwrap();
    assert_eq!((totals.failed, *launcher.1.borrow()), (n_cells, n_cells));
    assert!(diary.lines.contains(&"0 failed, attempt 1, retried: false: out of memory".to_owned()));
    run_all(&sweep, "0", &launcher, &options(1), NO_SIGNALS, &mut Silent).unwrap();
    assert_eq!(*launcher.1.borrow(), n_cells);
    sweep.run_dir(&sweep.cells()[0]).forget_failures().unwrap();
    run_all(&sweep, "0", &launcher, &options(1), NO_SIGNALS, &mut Silent).unwrap();
    assert_eq!(*launcher.1.borrow(), n_cells + 1);
}

/// `fail_fast` ends at the first cell that failed permanently, `max_failures` launches no more after this many.
#[test]
fn limits_on_failures() {
    let exits = [0, 1, 2, 3].map(|index| (index, Exit::Code(code::PERMANENT)));
    let folder = tempfile::tempdir().unwrap();
    let (totals, _, launches) =
        scripted(&sweep(folder.path(), 1, 2), &exits, &Options { fail_fast: true, ..options(1) });
    assert_eq!((launches, totals.unwrap()), (vec![0], Totals { failed: 1, waiting: 3, ..Totals::default() }));
    let folder = tempfile::tempdir().unwrap();
    let (totals, _, launches) =
        scripted(&sweep(folder.path(), 1, 2), &exits, &Options { max_failures: Some(2), ..options(1) });
    assert_eq!(
        (launches, totals.unwrap()),
        (vec![0, 1], Totals { failed: 2, waiting: 2, ..Totals::default() })
    );
}

/// A cell that cannot be launched ends the sweep with that error, after one attempt.
#[test]
fn a_launch_error_ends_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let (totals, _, launches) = scripted(&sweep(folder.path(), 1, 2), &[], &options(2));
    assert!(matches!(totals, Err(SweepError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
    assert_eq!(launches, [0]);
}

/// A cell that another process ended or claimed while it was queued is not launched.
#[test]
fn queued_cells_are_looked_at_again() {
    /// Ends cell 1 and claims cell 2 for a while when cell 0 is launched.
    struct Meddler {
        sweep: SweepDir,
        launches: RefCell<Vec<usize>>,
        claim: RefCell<Option<Training>>,
    }
    impl Launch for Meddler {
        fn launch(&self, cell: &Cell) -> io::Result<Box<dyn RunningCell>> {
            self.launches.borrow_mut().push(cell.index);
            let begin = |index: usize| {
                let cell = &self.sweep.cells()[index];
                Training::begin(&self.sweep.run_dir(cell), &cell.config, &owner("0")).unwrap()
            };
            let end = |mut training: Training| {
                while !training.step().unwrap() {
                    training.save().unwrap();
                }
            };
            match cell.index {
                0 => {
                    end(begin(1));
                    *self.claim.borrow_mut() = Some(begin(2));
                }
                _ => self.claim.borrow_mut().take().into_iter().for_each(end),
            }
            end(begin(cell.index));
            Ok(Box::new(Ended(Exit::Code(code::DONE))))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 1, 2);
    let meddler = Meddler { sweep: sweep.clone(), launches: RefCell::default(), claim: RefCell::default() };
    let totals = run_all(&sweep, "0", &meddler, &options(1), NO_SIGNALS, &mut Silent).unwrap();
    assert_eq!(meddler.launches.into_inner(), [0, 3]);
    assert_eq!((totals.ended(), totals.failed), (4, 0));
}

/// A run directory that cannot be read is a failed cell, and does not keep the others from running.
#[test]
fn an_unreadable_run_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 1, 2);
    let environment = leak(Environment::calm(&sweep));
    let broken = sweep.run_dir(&sweep.cells()[1]);
    fs_err::create_dir_all(broken.path()).unwrap();
    fs_err::write(broken.path().join("result.json"), "{\"schema\": 9}").unwrap();
    let mut diary = Diary::default();
    let totals = run_all(&sweep, "0", &environment, &options(2), NO_SIGNALS, &mut diary).unwrap();
    assert_eq!((totals.failed, totals.ended()), (1, 3));
    assert!(
        diary.lines[0].ends_with("result.json:1: schema 9 is not supported, this program reads schema 1")
    );
}
