//! What a run records about itself: one line per epoch, its status, and its result.
//!
//! These are the formats of `metrics.jsonl`, `status.json` and `result.json`. Numbers that JSON cannot hold are
//! refused when writing; a quantity that does not exist (no labels, no held-out bag) is absent.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Origin, SweepError};

/// The version of `result.json` that this program reads and writes.
pub const RESULT_SCHEMA: u32 = 1;

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch that ended, from 1.
    pub epoch: usize,
    /// The learning rate of its last step.
    pub lr: f64,
    /// Mean of the training loss over its steps, in the units of the run's own loss.
    pub train_loss: f64,
    /// Mean of the run's own loss over the held-out bags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_loss: Option<f64>,
    /// Mean bag-level KL loss over the held-out bags, in nats: the same measure for every loss, which chooses
    /// hyper-parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_kl: Option<f64>,
    /// Mean L1 distance of predicted and true proportions over the held-out bags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_l1: Option<f64>,
    /// L1 distance of the counts of predicted classes and the true counts of the held-out bags, for each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_count_l1: Option<f64>,
    /// Mean negative log-likelihood of the counts of the held-out bags, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_count_nll: Option<f64>,
    /// Fraction of the test instances that are classified correctly, in `[0, 1]`, where there are labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
    /// Training images per second.
    pub images_per_s: f64,
    /// Training time of the run up to here, over all its attempts, in seconds.
    pub elapsed_s: f64,
}

/// How a run that came to an end did so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All epochs are done.
    Complete,
    /// The loss became infinite or not a number: a result, not a failure to repeat.
    Diverged,
}

/// Where a run diverged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverged {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The first step that may have been it, from 0 within the run.
    pub first_step: u64,
    /// The last step that may have been it.
    pub last_step: u64,
}

/// How often each class of the test instances was taken for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Numbers of instances, `[class, predicted class]`.
    pub counts: Vec<Vec<u32>>,
}

impl Confusion {
    /// From counts in row-major order, `[class, predicted class]`, of which there is one for each pair of classes.
    pub fn from_rows(classes: Vec<String>, counts: &[u32]) -> Self {
        let counts = counts.chunks(classes.len().max(1)).map(<[u32]>::to_vec).collect();
        Self { classes, counts }
    }

    /// The fraction of each class that is classified correctly, `[class]`; `None` for a class without instances.
    pub fn class_accuracy(&self) -> Vec<Option<f64>> {
        let accuracy = |(class, counts): (usize, &Vec<u32>)| {
            let n = counts.iter().map(|n| f64::from(*n)).sum::<f64>();
            counts.get(class).filter(|_| n > 0.0).map(|correct| f64::from(*correct) / n)
        };
        self.counts.iter().enumerate().map(accuracy).collect()
    }

    /// The sum over several networks. Returns `None` if there are none or their classes differ.
    pub fn sum<'a>(mut parts: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let mut sum = parts.next()?.clone();
        for part in parts {
            if part.classes != sum.classes {
                return None;
            }
            for (total, counts) in sum.counts.iter_mut().zip(&part.counts) {
                total.iter_mut().zip(counts).for_each(|(total, n)| *total += n);
            }
        }
        Some(sum)
    }
}

/// `result.json`, whose presence means that the run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// [`RESULT_SCHEMA`].
    pub schema: u32,
    /// The run's name.
    pub run: String,
    /// The hash of its configuration, [`hash8`](crate::config::RunConfig::hash8).
    pub config_hash: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it diverged, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged_at: Option<Diverged>,
    /// Epochs that were done.
    pub epochs: usize,
    /// Whether the training loss was still falling at the end ([`is_still_falling`]); absent where that cannot be said and
    /// in results of versions that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_falling: Option<bool>,
    /// The last epoch's record; absent if no epoch ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<EpochRecord>,
    /// The record of the epoch that `checkpoint.chosen_by` prefers on held-out bags; absent without these, after a
    /// divergence and in results of versions that chose none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<EpochRecord>,
    /// How the test instances were classified after the last epoch; absent without labels, after a divergence and in
    /// results of versions that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_confusion: Option<Confusion>,
    /// How a classical method solved its problem; absent where a network was trained by steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<Solution>,
    /// Number of classes; one over it is the chance level.
    pub n_classes: usize,
    /// Number of training bags.
    pub n_bags: usize,
    /// Instances per bag; of the largest where bags differ.
    pub bag_size: usize,
    /// Instances of the smallest bag; absent in results of versions that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_bag: Option<usize>,
    /// Training instances that filled no bag and were left out.
    pub remainder: usize,
    /// Training instances in bags.
    pub n_train: usize,
    /// Instances set aside for held-out bags.
    pub n_held_out: usize,
    /// Number of held-out bags.
    pub n_held_out_bags: usize,
    /// Training time over all attempts, in seconds.
    pub train_s: f64,
    /// Version of the program.
    pub version: String,
}

/// How a classical method solved its problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Solution {
    /// The penalty; absent for a method without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l2: Option<f64>,
    /// The folds of training bags that chose the penalty; absent where it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// The value of the method's objective.
    pub objective: f64,
    /// The largest entry of the gradient, or violation of an optimality condition.
    pub gradient_norm: f64,
    /// Passes over the data, steps of a solver, or machines.
    pub n_evaluations: usize,
    /// Whether the solver came to rest.
    pub converged: bool,
    /// The standard error of the worst combination of class means, where 1 is that from labels; absent where the bags
    /// cannot tell some classes apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amplification: Option<f64>,
}

/// Epochs of the last part of a training that are compared with those before them, at least.
const MIN_COMPARED: usize = 3;
/// A loss that has fallen by less than this part of what it fell in all has come to rest.
const REST: f64 = 0.02;

/// Whether the training loss was still falling when a training ended: the mean loss of the last tenth of its epochs is
/// below that of the tenth before by more than 2 % of all that the loss has fallen since the first epoch. At least three
/// epochs make up a tenth. Returns `None` with fewer than nine epochs.
pub fn is_still_falling(metrics: &[EpochRecord]) -> Option<bool> {
    let n = (metrics.len() / 10).max(MIN_COMPARED);
    let before = metrics.len().checked_sub(2 * n).filter(|before| *before >= MIN_COMPARED)?;
    let mean = |records: &[EpochRecord]| {
        records.iter().map(|record| record.train_loss).sum::<f64>() / records.len() as f64
    };
    let (earlier, later) = (mean(&metrics[before..before + n]), mean(&metrics[before + n..]));
    Some(earlier - later > REST * (metrics[0].train_loss - later).max(0.0))
}

/// What a run that has not ended is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// It trains, or its process was killed.
    Running,
    /// It saved a checkpoint and stopped on request.
    Interrupted,
    /// It gave up.
    Failed,
    /// It is held back at a rung, with a checkpoint.
    Paused,
    /// Its process was ended by force too often, so it is set aside.
    Parked,
}

/// `status.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What it is doing.
    pub state: Activity,
    /// Epochs done.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Number of the attempt, from 1. Failures count, interruptions do not.
    pub attempt: u32,
    /// How often its process was killed: for lack of memory, or by a fault.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deaths: u32,
    /// Why it is in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether another attempt would fail as well: bad configuration or data, or too little memory. The file keeps its
    /// older name.
    #[serde(default, rename = "hopeless", skip_serializing_if = "std::ops::Not::not")]
    pub fails_again: bool,
}

impl Status {
    /// The number of the attempt that follows: one more after a failure, else the same.
    pub fn next_attempt(&self) -> u32 {
        if self.state == Activity::Failed { self.attempt + 1 } else { self.attempt }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// One line of JSON, refusing numbers that are not finite.
pub(crate) fn to_json<T: Serialize>(record: &T) -> Result<String, SweepError> {
    let Ok(tree) = serde_json::to_value(record) else {
        unreachable!("records of numbers and strings always serialize")
    };
    // Absent options are skipped, so a null is a number that JSON cannot hold.
    if let Some(field) = first_null("", &tree) {
        let problem = "is not a finite number and cannot be recorded";
        return Err(SweepError::Invalid(format!("`{field}` {problem}")));
    }
    let Ok(line) = serde_json::to_string(record) else { unreachable!("it just did") };
    Ok(line)
}

/// Reads a JSON file. Returns `None` if it does not exist.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, SweepError> {
    let text = match fs_err::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    serde_json::from_str(&text).map(Some).map_err(|error| SweepError::json(path, error.line(), &error))
}

/// Reads `result.json`. Returns `None` if it does not exist. Another schema is refused.
pub(crate) fn read_result(path: &Path) -> Result<Option<RunResult>, SweepError> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    match read_json::<Version>(path)? {
        None => Ok(None),
        Some(Version { schema: RESULT_SCHEMA }) => read_json(path),
        Some(Version { schema }) => Err(Origin::of_file(path).other_schema(schema, RESULT_SCHEMA)),
    }
}

fn first_null(name: &str, tree: &serde_json::Value) -> Option<String> {
    match tree {
        serde_json::Value::Null => Some(name.to_owned()),
        serde_json::Value::Object(fields) => fields.iter().find_map(|(field, value)| {
            let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
            first_null(&name, value)
        }),
        _ => None,
    }
}
