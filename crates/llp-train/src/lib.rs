//! Trains classifiers from label proportions.
//!
//! This crate joins the others: bags from `llp-bags`, a network of `llp-nn`, a loss of `llp-loss`, a run
//! directory of `llp-sweep`. The program `llp` is a command line around it.
//!
//! ```text
//! RunConfig -> TrainingData (bags, held-out bags, test instances)
//!           -> Trainer: epoch by epoch, step by step
//!           -> Checkpoint: weights, optimizer, position; a stopped run goes on bit for bit
//!           -> run(): all of it inside a run directory; fit(): all of it in memory
//! ```
//!
//! **Reproducibility.** Every random draw comes from a seed, a purpose and an index: the initial weights, the
//! order of the bags in epoch `e`, the augmentation of instance `i` in epoch `e`. The position of a training is
//! therefore two numbers, epoch and step, and a run that was stopped and resumed ends with the same bits as one
//! that was not. On one machine that holds for every number of threads.
//!
//! **No instance label reaches training.** The trainer sees a [`llp_bags::BagSet`]; labels live in a
//! [`llp_bags::LabelOracle`] that only [`evaluate`] asks, for the accuracy on test instances.

mod batch;
pub mod calibrate;
mod checkpoint;
mod chosen;
pub mod criteria;
mod data;
pub mod disaggregate;
pub mod ecological;
mod ensemble;
mod error;
pub mod evaluate;
pub mod export;
mod fault;
mod fit;
mod inputs;
mod insight;
mod lookahead;
mod loss;
mod method;
mod network;
mod optimizer;
mod own;
mod pending_losses;
pub mod poisson_binomial;
mod position;
pub mod predict;
mod predictor;
mod pretrained;
pub mod privacy;
mod probe;
mod run;
mod schedule;
pub mod scores;
mod step;
mod trainer;
pub mod verdict;
mod views;
mod weights;

pub use checkpoint::{Checkpoint, CheckpointState};
pub use chosen::ChosenEpoch;
pub use data::{Locate, TrainingData, load_dataset, unknown_name};
pub use ensemble::{Ensemble, Opinion};
pub use error::TrainError;
pub use fault::check_precision;
pub use fit::{FitHooks, Fitted, ModelFiles, fit};
pub use insight::insight;
pub use loss::{build_loss, named_loss};
pub use network::build_network;
pub use own::{OwnNames, imputation, read_own};
pub use position::Position;
pub use predictor::Predictor;
pub use pretrained::Pretrained;
pub use probe::{ProbeContext, probe};
pub use run::{RunContext, RunEnd, run};
pub use schedule::Schedule;
pub use trainer::{Hooks, Trainer, TrainerOutcome, TrainingPlan};
