//! Lookahead [zhang:19]: weights that are set back, every few steps, to a moving average of themselves.

use std::collections::HashMap;

use candle_core::{Device, Result as CandleResult, Tensor};
use llp_nn::{Entry, Network, NnError, Role};

use crate::optimizer::find;

/// Steps between two averages.
const EVERY: u64 = 5;
/// How much of the average a step leaves at the end of the training; less before.
const DECAY_OF_A_STEP: f64 = 0.95;
/// What the name of an average ends in.
const AVERAGE: &str = ".average";

/// The averages of all trained weights and running statistics.
///
/// After every fifth step, `average <- d average + (1 - d) weight` and then `weight <- average`, with
/// `d = 0.95^5 (t / T)^3` in step `t` of `T`: early steps are hardly held back, late ones are averaged over some hundred.
/// After the last step the average is what remains. Source: [jordan:24].
#[derive(Debug)]
pub(crate) struct Lookahead {
    entries: Vec<Entry>,
    averages: Vec<Tensor>,
}

impl Lookahead {
    /// Averages that begin at the present weights.
    pub(crate) fn new(network: &Network) -> CandleResult<Self> {
        let is_moving = |entry: &&Entry| entry.role != Role::Frozen;
        let entries: Vec<Entry> = network.state_dict().entries().iter().filter(is_moving).cloned().collect();
        let averages = entries.iter().map(|entry| entry.var.copy()).collect::<CandleResult<_>>()?;
        Ok(Self { entries, averages })
    }

    /// After `n_steps` steps of `n_all`, the last one included.
    pub(crate) fn after_step(&mut self, n_steps: u64, n_all: u64) -> CandleResult<()> {
        if !n_steps.is_multiple_of(EVERY) && n_steps < n_all {
            return Ok(());
        }
        let done = n_steps as f64 / n_all.max(1) as f64;
        let decay = DECAY_OF_A_STEP.powi(EVERY as i32) * done.min(1.0).powi(3);
        for (entry, average) in self.entries.iter().zip(&mut self.averages) {
            *average = ((&*average * decay)? + (entry.var.as_tensor() * (1.0 - decay))?)?;
            entry.var.set(average)?;
        }
        Ok(())
    }

    /// The averages by name: with the weights, the whole state.
    pub(crate) fn state(&self) -> impl Iterator<Item = (String, Tensor)> {
        self.entries.iter().zip(&self.averages).map(|(entry, average)| (name(entry), average.clone()))
    }

    /// The averages of a checkpoint.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape; nothing is changed then.
    pub(crate) fn restore(
        &mut self,
        state: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<(), NnError> {
        let pairs = self.entries.iter().zip(&self.averages);
        self.averages =
            pairs.map(|(entry, like)| find(state, name(entry), like, device)).collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn name(entry: &Entry) -> String {
    [&entry.name, AVERAGE].concat()
}
