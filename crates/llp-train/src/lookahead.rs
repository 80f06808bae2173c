//! Lookahead \[zhang:19\]: weights that are set back, every few steps, to a moving average of themselves.

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
/// After the last step the average is what remains, without the steps since it was last taken. Source: \[jordan:24\].
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

    /// After `n_steps` steps of about `n_all`; `is_last` after the last one.
    pub(crate) fn after_step(&mut self, n_steps: u64, n_all: u64, is_last: bool) -> CandleResult<()> {
        let is_due = n_steps.is_multiple_of(EVERY);
        let done = n_steps as f64 / n_all.max(1) as f64;
        let decay = DECAY_OF_A_STEP.powi(EVERY as i32) * done.min(1.0).powi(3);
        for (entry, average) in self.entries.iter().zip(&mut self.averages) {
            if is_due {
                *average = ((&*average * decay)? + (entry.var.as_tensor() * (1.0 - decay))?)?;
            }
            if is_due || is_last {
                entry.var.set(average)?;
            }
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
            pairs.map(|(entry, like)| find(state, &name(entry), like, device)).collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn name(entry: &Entry) -> String {
    [&entry.name, AVERAGE].concat()
}

#[cfg(test)]
mod tests {
    use candle_core::safetensors;
    use llp_bags::rng::{Purpose, stream};
    use llp_nn::{Mlp, MlpConfig};

    use super::*;

    /// The twenty updates of `fixtures/lookahead`, and the average that remains in the end.
    #[test]
    fn follows_the_golden_updates() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/lookahead/steps.safetensors");
        let golden = safetensors::load(path, &Device::Cpu).unwrap();
        let start = &golden["start"];
        let n = start.elem_count();
        let config = MlpConfig { n_inputs: n, hidden: 1, depth: 0, n_classes: 1 };
        let network: Network =
            Mlp::new(config, &mut stream(0, Purpose::Init, 0), &Device::Cpu).unwrap().into();
        let weight = network.state_dict().entries()[0].var.clone();
        weight.set(&start.reshape((1, n)).unwrap()).unwrap();
        let mut lookahead = Lookahead::new(&network).unwrap();
        let (moves, after) = (&golden["moves"], &golden["after"]);
        let n_steps = moves.dim(0).unwrap();
        let row = |tensor: &Tensor, row: usize| tensor.get(row).unwrap().to_vec1::<f32>().unwrap();
        let assert_close = |expected: &[f32]| {
            for (got, expected) in weight.to_vec2::<f32>().unwrap()[0].iter().zip(expected) {
                // The golden numbers are computed in double precision and rounded once.
                assert!((got - expected).abs() < 1e-5, "{got} {expected}");
            }
        };
        for step in 1..=n_steps {
            let moved = (weight.as_tensor() + moves.get(step - 1).unwrap().reshape((1, n)).unwrap()).unwrap();
            weight.set(&moved).unwrap();
            lookahead.after_step(step as u64, n_steps as u64, step == n_steps).unwrap();
            if step % 5 == 0 {
                assert_close(&row(after, step / 5 - 1));
            }
        }
        assert_close(&golden["final"].to_vec1::<f32>().unwrap());
    }
}
