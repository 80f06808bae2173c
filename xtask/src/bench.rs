//! `cargo xtask bench`: speed, beside others in the same minute.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tables are its output, and progress is reported"
)]

mod losses;
mod plan;
mod progress;
mod rot;
mod rows;
mod server;
pub(crate) mod status;
mod train;
mod train_cuda;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum What {
    /// The ROT loss with its gradient: llp-ot, PyTorch, OTT-JAX, POT
    Rot {
        /// A Python with numpy, torch, jax, ott-jax and POT
        #[arg(long, value_name = "PYTHON")]
        peers: Option<PathBuf>,
    },
    /// Every loss with its gradient, on the shapes of `rot`
    Losses {
        /// A Python with torch, for the moments of order 8 beside PyTorch's
        #[arg(long, value_name = "PYTHON")]
        peers: Option<PathBuf>,
    },
    /// A training step of ResNet-18 and, on the CPU, of airbench: llp, candle alone, PyTorch in each of its modes
    Train {
        /// A Python with torch and torchvision
        #[arg(long, value_name = "PYTHON")]
        peers: Option<PathBuf>,
        /// A program `train_step` of an earlier build, to take its turn as well (cpu only)
        #[arg(long, value_name = "FILE")]
        earlier: Option<PathBuf>,
        /// Where to train: `cpu` in single precision, `cuda` in bfloat16
        #[arg(long, value_name = "DEVICE", default_value = "cpu", value_parser = ["cpu", "cuda"])]
        device: String,
        /// A program `train_step` that was built before, for a machine without cargo's crates (cuda only)
        #[arg(long, value_name = "FILE", requires = "device")]
        program: Option<PathBuf>,
        /// How often each takes its turn; the medians count (cuda only)
        #[arg(long, value_name = "N", default_value_t = 3)]
        turns: usize,
    },
    /// How well `llp sweep plan` predicts the time of a sweep, which is then run
    Plan {
        /// Presets or sweep files
        #[arg(value_name = "PRESET|FILE", required = true)]
        sweeps: Vec<PathBuf>,
        /// The data of the sweeps, where they name none
        #[arg(long, value_name = "PATH")]
        data: Option<PathBuf>,
        /// How often each is predicted and run
        #[arg(long, value_name = "N", default_value_t = 3)]
        repeats: usize,
    },
    /// A training on a generated table of features in bags of mixed sizes: rows per second, peak memory
    Rows {
        /// Rows of the table
        #[arg(long, value_name = "N", default_value_t = 1_000_000)]
        rows: usize,
    },
    /// The share of a training's processor time that its progress takes, on a terminal; needs perf
    Progress {
        /// A program `llp` that was built before
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// How long `llp sweep status` and `llp report` take over a thousand finished runs
    Status,
}

pub(crate) fn run(what: &What) -> Result<()> {
    match what {
        What::Rot { peers } => rot::run(peers.as_deref()),
        What::Losses { peers } => losses::run(peers.as_deref()),
        What::Plan { sweeps, data, repeats } => plan::run(sweeps, data.as_deref(), *repeats),
        What::Rows { rows } => rows::run(*rows),
        What::Status => status::run(),
        What::Progress { program } => progress::run(program.clone()),
        What::Train { peers, device, program, turns, .. } if device == "cuda" => {
            train_cuda::run(peers.as_deref(), program.as_deref(), *turns)
        }
        What::Train { peers, earlier, .. } => {
            train::run(train::Beside { python: peers.as_deref(), earlier: earlier.as_deref() })
        }
    }
}

/// The middle value; of an even number the upper one of the two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
