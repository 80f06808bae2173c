//! The epoch that held-out bags prefer, with its weights.

use llp_sweep::criterion::Criterion;
use llp_sweep::record::EpochRecord;
use serde::{Deserialize, Serialize};

/// An epoch and what it was chosen for, as `state.json` has it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenEpoch {
    /// The epoch, from 1.
    pub epoch: usize,
    /// What it was chosen by.
    pub criterion: Criterion,
    /// The criterion after the epoch.
    pub value: f64,
}

/// The best epoch so far.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) epoch: ChosenEpoch,
    /// The weights after it, as a file.
    pub(crate) model: Vec<u8>,
}

impl Chosen {
    /// Takes the epoch of `record` if it is the best so far; of equally good ones the last, as
    /// [`Criterion::best_epoch`]. Without held-out bags none is. `model` writes the present weights.
    pub(crate) fn consider<E>(
        best: &mut Option<Self>,
        criterion: Criterion,
        record: &EpochRecord,
        model: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<(), E> {
        let Some(value) = criterion.of(record) else { return Ok(()) };
        if best.as_ref().is_none_or(|best| value.total_cmp(&best.epoch.value).is_le()) {
            let epoch = ChosenEpoch { epoch: record.epoch, criterion, value };
            *best = Some(Self { epoch, model: model()? });
        }
        Ok(())
    }
}
