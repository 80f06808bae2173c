//! The local executor with real processes that are really killed. The test program is its own trainer: it starts
//! itself with only [`child`] selected.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use llp_sweep::executor::local::{Options, Signals};
use llp_sweep::executor::process::Processes;
use llp_sweep::executor::{Exit, Launch, RunningCell, Silent};
use llp_sweep::sweep_dir::{Cell, SweepDir};

use crate::fake::{Training, options, owner, run_all, sweep};

const SWEEP: &str = "FAKE_TRAINER_SWEEP";
const INDEX: &str = "FAKE_TRAINER_INDEX";

/// The trainer: in a process of its own it trains one cell; among the other tests it does nothing.
#[test]
fn child() {
    let (Ok(path), Ok(index)) = (std::env::var(SWEEP), std::env::var(INDEX)) else { return };
    let sweep = SweepDir::open(path).unwrap();
    let cell = &sweep.cells()[index.parse::<usize>().unwrap()];
    let Ok(mut training) = Training::begin(&sweep.run_dir(cell), &cell.config, &owner("0")) else {
        std::process::exit(75)
    };
    while !training.step().unwrap() {
        std::thread::sleep(Duration::from_millis(2));
        training.save().unwrap();
    }
    drop(training);
    std::process::exit(0)
}

fn command(sweep: &SweepDir, cell: &Cell) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "processes::child"]);
    command.env(SWEEP, sweep.path()).env(INDEX, cell.index.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Kills processes with `SIGKILL` at some looks at them, and the executor itself after this many looks.
struct Killer<L> {
    launcher: L,
    looks: &'static AtomicU32,
    executor_dies_after: u32,
}

struct Victim {
    process: Box<dyn RunningCell>,
    looks: &'static AtomicU32,
    executor_dies_after: u32,
}

impl<L: Launch> Launch for Killer<L> {
    fn launch(&self, cell: &Cell) -> io::Result<Box<dyn RunningCell>> {
        let process = self.launcher.launch(cell)?;
        Ok(Box::new(Victim { process, looks: self.looks, executor_dies_after: self.executor_dies_after }))
    }
}

impl RunningCell for Victim {
    fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        assert!(look != self.executor_dies_after, "the executor dies");
        if look % 13 == 12 {
            self.process.kill();
        }
        self.process.try_wait()
    }

    fn interrupt(&mut self) {
        self.process.interrupt();
    }

    fn kill(&mut self) {
        self.process.kill();
    }
}

/// Processes killed at random moments, and executors that end without a word and leave their processes running:
/// the same command, repeated, brings every cell to its end with the epochs of an undisturbed run.
#[test]
fn killed_processes_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path(), 3, 8);
    let never = AtomicBool::new(false);
    let signals = Signals { stop: &never, kill: &never };
    let options = Options {
        max_attempts: u32::MAX,
        max_deaths: u32::MAX,
        poll: Duration::from_millis(1),
        ..options(3)
    };
    let mut n_deaths = 0;
    for executor_dies_after in [40, 90, 200, u32::MAX] {
        let looks = Box::leak(Box::new(AtomicU32::new(0)));
        let killer = Killer {
            launcher: Processes::new(1, |cell, _| command(&sweep, cell)),
            looks,
            executor_dies_after,
        };
        let totals =
            catch_unwind(AssertUnwindSafe(|| run_all(&sweep, "0", &killer, &options, signals, &mut Silent)));
        match totals {
            Ok(totals) => assert_eq!(totals.unwrap().failed, 0),
            Err(_) => n_deaths += 1,
        }
    }
    assert!(n_deaths > 0, "no executor died");
    let deaths = sweep.cells().iter().map(|cell| sweep.run_dir(cell).status().unwrap().unwrap().deaths);
    assert!(deaths.max().unwrap() > 0, "no process was killed");
    let calm = Processes::new(1, |cell, _| command(&sweep, cell));
    let totals = run_all(&sweep, "0", &calm, &options, signals, &mut Silent).unwrap();
    assert_eq!((totals.complete, totals.diverged), (6, 6));
    for cell in sweep.cells() {
        let epochs: Vec<_> =
            sweep.run_dir(cell).read_metrics().unwrap().iter().map(|record| record.epoch).collect();
        let done = if cell.config.optim.lr > 1.0 { 1 } else { 8 };
        assert_eq!(epochs, (1..=done).collect::<Vec<_>>());
    }
}

/// An interrupt reaches the process.
#[cfg(unix)]
#[test]
fn interrupt_ends_a_process() {
    let mut process: Box<dyn RunningCell> = Box::new(Command::new("sleep").arg("60").spawn().unwrap());
    assert_eq!(process.try_wait().unwrap(), None);
    process.interrupt();
    let exit = loop {
        if let Some(exit) = process.try_wait().unwrap() {
            break exit;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(exit, Exit::Killed);
}
