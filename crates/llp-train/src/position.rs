//! Where a training stands.

/// The position of a training. With the seeds, this is all the state beside weights and the optimizer's.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Epochs done.
    pub epoch: usize,
    /// Steps done in the epoch that follows.
    pub step: usize,
    /// Sum of the losses of the bags of those steps.
    pub loss_sum: f64,
    /// Steps done in all.
    pub total_steps: u64,
    /// Seconds of training so far, over all attempts.
    pub elapsed_s: f64,
}
