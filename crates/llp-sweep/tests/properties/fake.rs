//! A fake trainer: it writes the files of a real one, and its numbers depend on configuration and epoch alone.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use llp_sweep::SweepError;
use llp_sweep::claim::{Claim, Host, Owner};
use llp_sweep::config::{Layers, RunConfig};
use llp_sweep::executor::local::{Environment, Options, Signals, run};
use llp_sweep::executor::{Launch, Progress, Totals};
use llp_sweep::filter::Filter;
use llp_sweep::grid::Sweep;
use llp_sweep::record::{
    Activity, Confusion, Diverged, EpochRecord, Outcome, RESULT_SCHEMA, RunResult, Status,
};
use llp_sweep::run_dir::RunDir;
use llp_sweep::sweep_dir::SweepDir;

/// A configuration of this preset's form, with values that tests may name.
pub(crate) fn config() -> RunConfig {
    Layers::new().assignment("--set", "optim.lr=0.1").unwrap().resolve("digits").unwrap()
}

pub(crate) fn host(boot: &str) -> Host {
    Host { name: "here".to_owned(), boot_id: boot.to_owned() }
}

/// This process, on a host since its start `boot`. Claims made before another start are dead.
pub(crate) fn owner(boot: &str) -> Owner {
    Owner { host: host(boot), pid: std::process::id() }
}

pub(crate) fn options(jobs: usize) -> Options {
    Options {
        jobs,
        max_attempts: 3,
        max_deaths: 3,
        fail_fast: false,
        max_failures: None,
        idle_exit: None,
        poll: Duration::ZERO,
        look_elsewhere: Duration::ZERO,
    }
}

/// How often fake trainers show that they live. A machine with much else to do must not miss three.
pub(crate) const BEAT: Duration = Duration::from_millis(250);

/// Runs all cells of a sweep on a host that was started for the `boot`-th time.
pub(crate) fn run_all(
    sweep: &SweepDir,
    boot: &str,
    launcher: &dyn Launch,
    options: &Options,
    signals: Signals<'_>,
    progress: &mut dyn Progress,
) -> Result<Totals, SweepError> {
    let start = Instant::now();
    let seconds = || start.elapsed().as_secs_f64();
    let environment = Environment { owner: &owner(boot), seconds: &seconds, signals };
    run(sweep, &sweep.matching(&Filter::default()), launcher, options, environment, progress)
}

/// The file of the claim on a run that counts.
pub(crate) fn claim_file(run: &RunDir) -> PathBuf {
    let newest = (1..100).map(|n| run.path().join(format!("claim-{n}.json"))).rfind(|path| path.exists());
    newest.unwrap()
}

/// A sweep of `n_seeds` x 2 bag sizes x (KL at 2 learning rates, one of which diverges) runs of `epochs` epochs.
pub(crate) fn sweep(folder: &std::path::Path, n_seeds: usize, epochs: usize) -> SweepDir {
    let seeds: Vec<_> = (0..n_seeds).collect();
    let text = format!(
        "schema = 1\nname = \"test\"\n[base]\npreset = \"digits\"\noptim.epochs = {epochs}\n[grid]\nseed = {seeds:?}\n\
         bags.size = [1, 16]\noptim.lr = [0.1, 9]\nloss.name = [\"kl\"]\n"
    );
    SweepDir::open_or_create(folder, &Sweep::parse("test.toml", &text).unwrap()).unwrap()
}

/// A number in [0, 1) that depends on the run and the epoch.
fn number(config: &RunConfig, epoch: usize) -> f64 {
    let hash = u32::from_str_radix(&config.hash8(), 16).unwrap();
    f64::from(hash.wrapping_mul(2 * epoch as u32 + 1)) / f64::from(u32::MAX)
}

pub(crate) fn record(config: &RunConfig, epoch: usize) -> EpochRecord {
    let x = number(config, epoch);
    EpochRecord {
        epoch,
        lr: config.optim.lr,
        train_loss: 2.0 * x,
        held_out_loss: Some(x),
        held_out_kl: Some(x + 1.0),
        held_out_l1: Some(x / 3.0),
        held_out_count_l1: Some(x / 2.0),
        held_out_count_nll: Some(10.0 * x),
        test_accuracy: Some(1.0 - x),
        images_per_s: 1000.0,
        elapsed_s: epoch as f64,
    }
}

/// Ten classes of 100 instances each, as many of which are on the diagonal as the accuracy says; the others are taken
/// for the next class.
fn confusion(record: &EpochRecord) -> Option<Confusion> {
    let correct = (100.0 * record.test_accuracy?).round() as u32;
    let count = |class: usize, predicted: usize| match (predicted + 10 - class) % 10 {
        0 => correct,
        1 => 100 - correct,
        _ => 0,
    };
    let counts: Vec<u32> = (0..100).map(|place| count(place / 10, place % 10)).collect();
    Some(Confusion::from_rows((0..10).map(|class| format!("class {class}")).collect(), &counts))
}

pub(crate) fn result(config: &RunConfig, last: Option<EpochRecord>, outcome: Outcome) -> RunResult {
    let epochs = last.as_ref().map_or(0, |record| record.epoch);
    let diverged = outcome == Outcome::Diverged;
    RunResult {
        solution: None,
        still_falling: None,
        schema: RESULT_SCHEMA,
        run: config.run_name(),
        config_hash: config.hash8(),
        outcome,
        diverged_at: diverged.then(|| Diverged { epoch: epochs + 1, first_step: 3, last_step: 5 }),
        epochs,
        test_confusion: last.as_ref().and_then(confusion).filter(|_| !diverged),
        chosen: last.clone().filter(|_| !diverged),
        last,
        n_classes: 10,
        n_bags: 100,
        bag_size: config.bags.size,
        smallest_bag: Some(config.bags.size),
        remainder: 2,
        n_train: 100 * config.bags.size,
        n_held_out: 300,
        n_held_out_bags: 300 / config.bags.size,
        train_s: epochs as f64,
        version: "0.0.0".to_owned(),
    }
}

/// A training that goes on by one epoch a step. Every epoch is a checkpoint, kept in the file `checkpoints/epoch`.
pub(crate) struct Training {
    pub(crate) run: RunDir,
    claim: Claim,
    config: RunConfig,
    epoch: usize,
    attempt: u32,
    deaths: u32,
}

impl Training {
    /// Starts or resumes a run, as `llp train --resume auto` does.
    pub(crate) fn begin(run: &RunDir, config: &RunConfig, owner: &Owner) -> Result<Self, SweepError> {
        Self::begin_with(run, config, owner, BEAT)
    }

    /// As [`begin`](Self::begin), showing so often that it lives.
    pub(crate) fn begin_with(
        run: &RunDir,
        config: &RunConfig,
        owner: &Owner,
        beat: Duration,
    ) -> Result<Self, SweepError> {
        let run = RunDir::open_or_create(run.path(), config)?;
        let claim = run.claim(owner, beat)?;
        let checkpoint = fs_err::read_to_string(run.checkpoints_dir().join("epoch"));
        let epoch = checkpoint.map_or(0, |text| text.parse().unwrap());
        run.truncate_metrics(epoch)?;
        let attempt = run.next_attempt()?;
        let deaths = run.status()?.map_or(0, |status| status.deaths);
        let training = Self { run, claim, config: config.clone(), epoch, attempt, deaths };
        training.write_status(Activity::Running)?;
        Ok(training)
    }

    /// Trains an epoch, or ends the run if there is none left; whether it has ended.
    pub(crate) fn step(&mut self) -> Result<bool, SweepError> {
        let last = (self.epoch > 0).then(|| record(&self.config, self.epoch));
        let diverges = self.config.optim.lr > 1.0 && self.epoch == 1;
        self.claim.check()?;
        // Another process may have ended the run between the look at its state and the claim.
        if self.run.result()?.is_some() {
            return Ok(true);
        }
        if diverges || self.epoch == self.config.optim.epochs {
            let outcome = if diverges { Outcome::Diverged } else { Outcome::Complete };
            self.run.finish(&result(&self.config, last, outcome))?;
            return Ok(true);
        }
        self.run.append_metrics(&record(&self.config, self.epoch + 1))?;
        Ok(false)
    }

    /// Saves the epoch that the last step trained.
    pub(crate) fn save(&mut self) -> Result<(), SweepError> {
        self.claim.check()?;
        self.epoch += 1;
        llp_sweep::write_atomically(
            &self.run.checkpoints_dir().join("epoch"),
            self.epoch.to_string().as_bytes(),
        )?;
        Ok(())
    }

    /// Epochs that are done.
    pub(crate) fn epoch(&self) -> usize {
        self.epoch
    }

    pub(crate) fn write_status(&self, state: Activity) -> Result<(), SweepError> {
        self.run.write_status(&Status {
            state,
            epoch: self.epoch,
            epochs: self.config.optim.epochs,
            attempt: self.attempt,
            deaths: self.deaths,
            reason: None,
            fails_again: false,
        })
    }
}
