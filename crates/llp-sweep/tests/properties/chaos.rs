//! Several worker processes on one directory, killed at random, on a disk that fails at random, while another process
//! reads. The test program is its own worker and its own trainer.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use llp_sweep::claim::{Host, Owner};
use llp_sweep::collect::{self, collect};
use llp_sweep::config::RunConfig;
use llp_sweep::executor::local::{Environment, Options, run};
use llp_sweep::executor::process::Processes;
use llp_sweep::executor::{Silent, code};
use llp_sweep::filter::Filter;
use llp_sweep::run_dir::RunState;
use llp_sweep::status::{count, survey};
use llp_sweep::sweep_dir::{Cell, SweepDir};

use crate::executor::{Chance, Environment as Calm, NO_SIGNALS, leak};
use crate::fake::{Training, options, run_all, sweep};

const SWEEP: &str = "CHAOS_SWEEP";
const HOST: &str = "CHAOS_HOST";
const INDEX: &str = "CHAOS_INDEX";
const SEED: &str = "CHAOS_SEED";

/// Long against any delay of a busy machine, short against the test.
const LIFE_SIGN: Duration = Duration::from_secs(1);

/// Trainers wait after their first epoch until this many of them were killed, however fast the machine is.
const KILLS: usize = 12;

/// The file in the sweep's folder that ends the wait.
const ENOUGH_KILLED: &str = "enough-killed";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn me(host: &str) -> Owner {
    Owner { host: Host { name: host.to_owned(), boot_id: "0".to_owned() }, pid: std::process::id() }
}

/// The trainer: one cell in a process of its own. Each completed training is a line of `ended.log`.
#[test]
fn trainer() {
    let (Some(path), Some(index), Some(host)) = (variable(SWEEP), variable(INDEX), variable(HOST)) else {
        return;
    };
    let chance = Chance(Mutex::new(variable(SEED).unwrap().parse().unwrap()));
    let sweep = SweepDir::open(&path).unwrap();
    let cell = &sweep.cells()[index.parse::<usize>().unwrap()];
    let begun = Training::begin_with(&sweep.run_dir(cell), &cell.config, &me(&host), LIFE_SIGN);
    let mut training = match begun {
        Ok(training) => training,
        Err(llp_sweep::SweepError::Claimed { .. }) => std::process::exit(code::STOPPED),
        Err(_) => std::process::exit(1),
    };
    if training.run.result().unwrap().is_some() {
        std::process::exit(code::DONE);
    }
    loop {
        if training.epoch() == 1 && !Path::new(&path).join(ENOUGH_KILLED).exists() {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        if chance.one_in(40) {
            // As from a disk that was mounted read-only: the trainer gives up between two writes.
            std::process::exit(1);
        }
        match training
            .step()
            .and_then(|is_done| if is_done { Ok(true) } else { training.save().map(|()| false) })
        {
            Ok(true) => break,
            Ok(false) => std::thread::sleep(Duration::from_millis(10)),
            Err(llp_sweep::SweepError::ClaimLost(_)) => std::process::exit(code::STOPPED),
            Err(_) => std::process::exit(1),
        }
    }
    let log = Path::new(&path).join("ended.log");
    let mut log = fs_err::OpenOptions::new().create(true).append(true).open(log).unwrap();
    log.write_all(format!("{}\n", cell.run).as_bytes()).unwrap();
    drop(training);
    std::process::exit(code::DONE)
}

/// A command that runs one test of this program.
fn this_program(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]);
    command
}

/// The trainer of a cell; one in six cannot write files of more than a block, and fails in the middle of a write.
fn launch(sweep: &SweepDir, host: &str, cell: &Cell, chance: &Chance) -> Command {
    let trainer = this_program("chaos::trainer");
    let mut command = if chance.one_in(6) {
        let mut limited = Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]);
        limited.arg(trainer.get_program()).args(trainer.get_args());
        limited
    } else {
        trainer
    };
    command.env(SWEEP, sweep.path()).env(HOST, host).env(INDEX, cell.index.to_string());
    command.env(SEED, chance.number().to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A worker: a pool in a process of its own, on a host of its own.
#[test]
fn worker() {
    let (Some(path), Some(host), None) = (variable(SWEEP), variable(HOST), variable(INDEX)) else { return };
    let chance = Chance(Mutex::new(variable(SEED).unwrap().parse().unwrap()));
    let sweep = SweepDir::open(path).unwrap();
    let launcher = Processes::new(1, |cell, _| launch(&sweep, &host, cell, &chance));
    let options = Options {
        max_attempts: u32::MAX,
        max_deaths: u32::MAX,
        poll: Duration::from_millis(5),
        look_elsewhere: Duration::from_millis(200),
        ..options(3)
    };
    let (start, me) = (Instant::now(), me(&host));
    let seconds = || start.elapsed().as_secs_f64();
    let environment = Environment { owner: &me, seconds: &seconds, signals: NO_SIGNALS };
    let cells = sweep.matching(&Filter::default());
    let totals = run(&sweep, &cells, &launcher, &options, environment, &mut Silent).unwrap();
    std::process::exit(i32::from(totals.ended() < sweep.cells().len()))
}

fn start_worker(sweep: &SweepDir, place: usize, chance: &Chance) -> Child {
    let mut command = this_program("chaos::worker");
    command.env(SWEEP, sweep.path()).env(HOST, format!("node-{place}"));
    command.env(SEED, chance.number().to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Kills some trainer without a warning, if one is found.
fn kill_a_trainer(sweep: &SweepDir, chance: &Chance) -> bool {
    let hosts = ["node-0", "node-1", "node-2"].map(|name| me(name).host);
    let holder = |cell: &Cell| sweep.run_dir(cell).holder(&hosts[0]).ok().flatten();
    let holders: Vec<_> = sweep.cells().iter().filter_map(holder).collect();
    let Some(victim) = holders.get(chance.number() as usize % holders.len().max(1)) else { return false };
    Command::new("kill")
        .args(["-9", &victim.pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// Reads all files of a sweep again and again. What is there is whole.
fn read_all(sweep: &SweepDir, is_over: &AtomicBool) -> usize {
    let mut n_reads = 0;
    while !is_over.load(Ordering::Relaxed) {
        for cell in sweep.cells() {
            let run = sweep.run_dir(cell);
            run.state(&me("reader").host).unwrap();
            run.status().unwrap();
            run.result().unwrap();
            let metrics = run.read_metrics().unwrap();
            assert!(metrics.iter().map(|record| record.epoch).eq(1..=metrics.len()));
            let config = run.path().join("config.toml");
            if config.exists() {
                assert_eq!(RunConfig::read(&config).unwrap(), cell.config);
            }
            n_reads += 1;
        }
        SweepDir::open(sweep.path()).unwrap();
    }
    n_reads
}

/// Every cell ends exactly once, whichever process is killed and whatever cannot be written; a reader never sees half
/// of a file, and the table of results is that of an undisturbed sweep.
#[test]
fn chaos_changes_nothing() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [calm, sweep] = [&folders[0], &folders[1]].map(|folder| sweep(folder.path(), 60, 4));
    let chance = Chance(Mutex::new(7));
    let is_over = AtomicBool::new(false);
    let (n_kills, n_reads) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_all(&sweep, &is_over));
        let kills = disturb(&sweep, &chance);
        is_over.store(true, Ordering::Relaxed);
        (kills, reader.join().unwrap())
    });
    assert!(n_kills >= KILLS && n_reads > 1000, "{n_kills} kills, {n_reads} reads");

    let mut ended = BTreeMap::new();
    for run in fs_err::read_to_string(sweep.path().join("ended.log")).unwrap().lines() {
        *ended.entry(run.to_owned()).or_insert(0) += 1;
    }
    assert!(ended.values().all(|n| *n == 1), "{ended:?}");
    // A trainer that is killed between its result and its line of the log has ended all the same.
    assert!(ended.len() + n_kills >= sweep.cells().len());

    let environment = leak(Calm::calm(&calm));
    run_all(&calm, "0", &environment, &options(1), NO_SIGNALS, &mut Silent).unwrap();
    let table = |sweep: &SweepDir| {
        collect::write(sweep, &collect(sweep, &me("reader").host)).unwrap();
        fs_err::read_to_string(sweep.path().join("results.csv")).unwrap()
    };
    assert_eq!(table(&sweep), table(&calm));
}

/// Lets three workers work, kills them and their trainers, and starts them again, until all cells have a result. Returns
/// the number of trainers that were killed.
fn disturb(sweep: &SweepDir, chance: &Chance) -> usize {
    let start = Instant::now();
    let mut workers: Vec<Child> = (0..3).map(|place| start_worker(sweep, place, chance)).collect();
    let mut n_kills = 0;
    loop {
        assert!(start.elapsed() < Duration::from_mins(5), "no end in sight");
        std::thread::sleep(Duration::from_millis(20 + chance.number() % 60));
        let counts = count(&survey(sweep, &sweep.matching(&Filter::default()), &me("reader").host));
        let n_ended: usize =
            counts.iter().filter(|(state, _)| RunState::is_ended(*state)).map(|(_, n)| n).sum();
        if n_ended == sweep.cells().len() {
            break;
        }
        n_kills += usize::from(kill_a_trainer(sweep, chance));
        if n_kills == KILLS {
            fs_err::write(sweep.path().join(ENOUGH_KILLED), "").unwrap();
        }
        let place = chance.number() as usize % workers.len();
        if chance.one_in(8) {
            workers[place].kill().unwrap();
        }
        if workers[place].try_wait().unwrap().is_some() {
            workers[place] = start_worker(sweep, place, chance);
        }
    }
    for mut worker in workers {
        let _ = worker.kill();
        worker.wait().unwrap();
    }
    n_kills
}
