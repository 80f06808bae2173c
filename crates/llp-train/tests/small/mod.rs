//! A training of seconds: the embedded digits, few of them, and a very narrow network.

use std::cell::{Cell, RefCell};
use std::path::Path;

use candle_core::Device;
use llp_sweep::claim::{Host, Owner};
use llp_sweep::config::{Layers, RunConfig};
use llp_train::{
    Hooks, RunContext, RunEnd, TrainError, Trainer, TrainerOutcome, TrainingData, build_loss, run,
};
use tempfile::{TempDir, tempdir};

/// A small run; `settings` are `key=value`, over the small run's own.
pub(crate) fn config(settings: &[&str]) -> RunConfig {
    let mut layers = Layers::new();
    let small = [
        "network.width=2",
        "data.train_limit=240",
        "bags.size=8",
        "optim.epochs=3",
        "checkpoint.every_epochs=1",
    ];
    for setting in small.iter().chain(settings) {
        layers.assignment("--set", setting).unwrap();
    }
    layers.resolve("digits").unwrap()
}

/// What a run reported, beside its end.
pub(crate) struct RunReport {
    pub(crate) end: Result<RunEnd, TrainError>,
    #[allow(dead_code, reason = "each test uses what it needs")]
    pub(crate) epochs: usize,
    #[allow(dead_code, reason = "each test uses what it needs")]
    pub(crate) warnings: Vec<String>,
}

/// Runs in `dir`, stopping before the step after `max_steps`.
pub(crate) fn run_in(dir: &Path, config: &RunConfig, max_steps: Option<usize>) -> RunReport {
    run_beside(dir, config, max_steps, &mut |_| ())
}

/// As [`run_in`], while something else happens after each epoch.
pub(crate) fn run_beside(
    dir: &Path,
    config: &RunConfig,
    max_steps: Option<usize>,
    after_epoch: &mut dyn FnMut(usize),
) -> RunReport {
    let owner = Owner { host: Host { name: "here".into(), boot_id: "1".into() }, pid: std::process::id() };
    let (asked, epochs, warnings) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
    let seconds = Cell::new(0.0);
    let mut context = RunContext {
        trains_anyway: true,
        owner: &owner,
        locate: &|_| Ok(None),
        device: &Device::Cpu,
        version: "test",
        seconds: &|| {
            seconds.set(seconds.get() + 0.25);
            seconds.get()
        },
        should_stop: &|| {
            asked.set(asked.get() + 1);
            max_steps.is_some_and(|max| asked.get() > max)
        },
        may_go_on: &|_| true,
        begun: &mut |_, _| (),
        step_ended: &mut |_| (),
        epoch_ended: &mut |_, record| {
            epochs.set(epochs.get() + 1);
            after_epoch(record.epoch);
        },
        warn: &mut |message| warnings.borrow_mut().push(message.to_owned()),
    };
    let end = run(dir, config, &mut context);
    RunReport { end, epochs: epochs.get(), warnings: warnings.into_inner() }
}

/// Trains to the end without any directory and returns the bits of the weights.
#[allow(dead_code, reason = "each test uses what it needs")]
pub(crate) fn train(data: &TrainingData, settings: &[&str]) -> Vec<u32> {
    struct ToTheEnd;
    impl Hooks for ToTheEnd {
        fn should_stop(&self) -> bool {
            false
        }
        fn seconds(&self) -> f64 {
            0.0
        }
        fn epoch_ended(
            &mut self,
            _: &Trainer<'_>,
            _: &llp_sweep::record::EpochRecord,
        ) -> Result<(), TrainError> {
            Ok(())
        }
    }
    let config = config(settings);
    let mut trainer = Trainer::new(&config, data, build_loss(&config), &Device::Cpu).unwrap();
    assert_eq!(trainer.train(&mut ToTheEnd).unwrap(), TrainerOutcome::Complete);
    let state = trainer.network().state_dict();
    let values = |entry: &llp_nn::Entry| entry.var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    state.entries().iter().flat_map(values).map(f32::to_bits).collect()
}

/// Runs `config` in a folder to its end, and again in another with a stop before the step after each of `stops`.
#[allow(dead_code, reason = "each test uses what it needs")]
pub(crate) fn whole_and_stopped(config: &RunConfig, stops: &[usize]) -> (TempDir, TempDir) {
    let (whole, stopped) = (tempdir().unwrap(), tempdir().unwrap());
    assert!(matches!(run_in(whole.path(), config, None).end, Ok(RunEnd::Ended(_))));
    for stop in stops {
        let end = run_in(stopped.path(), config, Some(*stop)).end.unwrap();
        assert!(matches!(end, RunEnd::Stopped(_) | RunEnd::Ended(_) | RunEnd::AlreadyEnded(_)));
    }
    run_in(stopped.path(), config, None).end.unwrap();
    (whole, stopped)
}
