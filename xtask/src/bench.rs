//! `cargo xtask bench`: speed, beside others in the same minute.

#![expect(clippy::print_stdout, reason = "tables are its output")]

mod rot;
mod server;
mod train;

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
    /// A training step of ResNet-18 on the CPU: llp, candle alone, PyTorch
    Train {
        /// A Python with torch and torchvision
        #[arg(long, value_name = "PYTHON")]
        peers: Option<PathBuf>,
    },
}

pub(crate) fn run(what: &What) -> Result<()> {
    match what {
        What::Rot { peers } => rot::run(peers.as_deref()),
        What::Train { peers } => train::run(peers.as_deref()),
    }
}

/// The middle value; of an even number the upper one of the two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
