//! How long runs take, judged by runs that are like them.

use std::collections::HashMap;

use crate::config::{RunConfig, Values, value_text};

/// What the duration of an epoch depends on, as text: equal for runs that cost the same.
pub fn cost_key(config: &RunConfig) -> String {
    let values = Values::of(config);
    let telling = values.iter().filter(|(key, _)| key.hashed && key.costs_time);
    telling.map(|(key, value)| [key.name, "=", &value_text(value), "\n"].concat()).collect()
}

/// Mean seconds per epoch by [`cost_key`], from runs that have ended.
#[derive(Debug, Clone, Default)]
pub struct EpochCosts {
    by_key: HashMap<String, Sum>,
    all: Sum,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    seconds: f64,
    epochs: usize,
}

impl Sum {
    fn add(&mut self, seconds: f64, epochs: usize) {
        self.seconds += seconds;
        self.epochs += epochs;
    }

    fn mean(self) -> Option<f64> {
        (self.epochs > 0).then(|| self.seconds / self.epochs as f64)
    }
}

impl EpochCosts {
    /// Adds a run that took `seconds` for `epochs` epochs.
    pub fn add(&mut self, config: &RunConfig, seconds: f64, epochs: usize) {
        self.by_key.entry(cost_key(config)).or_default().add(seconds, epochs);
        self.all.add(seconds, epochs);
    }

    /// Seconds per epoch of such a run: the mean of those like it, or of all if there is none. Returns `None` without
    /// any.
    pub fn of(&self, config: &RunConfig) -> Option<f64> {
        self.by_key.get(&cost_key(config)).and_then(|sum| sum.mean()).or_else(|| self.all.mean())
    }
}
