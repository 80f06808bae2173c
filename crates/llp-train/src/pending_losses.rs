//! Losses of steps that have not been read yet.

use candle_core::Tensor;

use crate::TrainError;

/// Steps between two reads of the losses on a GPU: reading waits until all its queued work is done.
const STEPS_ON_GPU: usize = 16;

/// The losses of the last steps, each `[bag]`. On the CPU they are read after every step.
#[derive(Debug)]
pub(crate) struct PendingLosses {
    losses: Vec<Tensor>,
    limit: usize,
}

impl PendingLosses {
    pub(crate) fn new(is_on_gpu: bool) -> Self {
        Self { losses: Vec::new(), limit: if is_on_gpu { STEPS_ON_GPU } else { 1 } }
    }

    pub(crate) fn push(&mut self, losses: Tensor) {
        self.losses.push(losses);
    }

    /// How many steps were not read.
    pub(crate) fn len(&self) -> usize {
        self.losses.len()
    }

    /// Whether it is time to read them.
    pub(crate) fn is_full(&self) -> bool {
        self.losses.len() >= self.limit
    }

    /// The sum of all losses that were not read. Returns `None` if it is not finite.
    pub(crate) fn read(&mut self) -> Result<Option<f64>, TrainError> {
        let losses: Vec<Tensor> = self.losses.drain(..).collect();
        // One copy from a GPU, not one for each step.
        let losses = match &losses[..] {
            [] => return Ok(Some(0.0)),
            [losses] => losses.to_vec1::<f32>()?,
            losses => Tensor::cat(losses, 0)?.to_vec1()?,
        };
        let sum: f64 = losses.into_iter().map(f64::from).sum();
        Ok(sum.is_finite().then_some(sum))
    }
}
