//! What a training step asks of a GPU: launches, copies and waits, as a stand-in for a GPU counts them
//! (`xtask/cuda/counting`). `docs/cuda.md` has these numbers.
#![cfg(feature = "cuda")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "says why the test did nothing")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use llp_kernels::DeviceName;
use llp_sweep::config::Layers;
use llp_sweep::record::EpochRecord;
use llp_train::{Hooks, TrainError, Trainer, TrainingData, build_loss, load_dataset};

/// In the order of `Counts` of `counting.c`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counts {
    launches: u64,
    convolutions: u64,
    products: u64,
    to_device: u64,
    to_host: u64,
    on_device: u64,
    fills: u64,
    allocations: u64,
    waits: u64,
}

impl Counts {
    fn read(path: &Path) -> [u64; 9] {
        let bytes = fs_err::read(path).unwrap();
        let mut counts = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap()));
        std::array::from_fn(|_| counts.next().unwrap())
    }

    fn between(before: [u64; 9], after: [u64; 9]) -> Self {
        let [launches, convolutions, products, to_device, to_host, on_device, fills, allocations, waits] =
            std::array::from_fn(|index| after[index] - before[index]);
        Self { launches, convolutions, products, to_device, to_host, on_device, fills, allocations, waits }
    }
}

/// The counts before each step.
struct EachStep<'a> {
    path: &'a Path,
    counts: RefCell<Vec<[u64; 9]>>,
}

impl Hooks for EachStep<'_> {
    fn should_stop(&self) -> bool {
        self.counts.borrow_mut().push(Counts::read(self.path));
        self.counts.borrow().len() > N_STEPS
    }

    fn seconds(&self) -> f64 {
        0.0
    }

    fn epoch_ended(&mut self, _: &Trainer<'_>, _: &EpochRecord) -> Result<(), TrainError> {
        Ok(())
    }
}

/// The losses are read once in 16 steps: with this many, an ordinary step and one that reads them are among them.
const N_STEPS: usize = 20;
/// What the first steps ask for once, such as kernels and algorithms, is over.
const ORDINARY: usize = 8;
const READS_LOSSES: usize = 15;

/// What ordinary steps ask for, and what a step does that reads losses.
fn steps(path: &Path, loss: &str) -> [Counts; 2] {
    let mut layers = Layers::new();
    for setting in ["bags.size=16", "data.train_limit=1437", "optim.precision=bfloat16", loss] {
        layers.assignment("--set", setting).unwrap();
    }
    let config = layers.resolve("digits").unwrap();
    let data = TrainingData::new(load_dataset(&config.data, &|_| Ok(None)).unwrap(), &config).unwrap();
    let device = DeviceName::Cuda(0).open().unwrap();
    let mut hooks = EachStep { path, counts: RefCell::default() };
    Trainer::new(&config, &data, build_loss(&config), &device).unwrap().train(&mut hooks).unwrap();
    let counts = hooks.counts.into_inner();
    let step = |index: usize| Counts::between(counts[index], counts[index + 1]);
    assert_eq!(step(ORDINARY), step(ORDINARY + 1), "one ordinary step is as the next");
    [step(ORDINARY), step(READS_LOSSES)]
}

/// A step of ResNet-18 asks for no more than this, whatever its width and the number of images. Fewer is better: then
/// change the numbers here and in `docs/cuda.md`.
#[test]
fn a_step_asks_for_no_more() {
    let Some(path) = std::env::var_os("LLP_CUDA_COUNTS").map(PathBuf::from) else {
        println!("skipped: LLP_CUDA_COUNTS does not name the file of a stand-in for a GPU (docs/cuda.md)");
        return;
    };
    let ordinary = Counts {
        launches: 134,
        convolutions: 59,
        products: 3,
        to_device: 3,
        to_host: 0,
        on_device: 0,
        fills: 2,
        allocations: 122,
        waits: 0,
    };
    for loss in ["loss.name=kl", "loss.name=rot"] {
        let [step, reads] = steps(&path, loss);
        assert_eq!(step, ordinary, "{loss}");
        // Those of 16 steps are joined, and copied at once.
        let expected = (ordinary.launches + 16, 1, 1);
        assert_eq!((reads.launches, reads.to_host, reads.waits), expected, "{loss}");
    }
}
