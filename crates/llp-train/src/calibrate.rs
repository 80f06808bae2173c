//! A temperature from the counts of bags: calibration where no instance has a label.
//!
//! A network can be too sure of itself, or not sure enough. Dividing its logits by a temperature changes no prediction
//! and can fix that \[guo:17\]; the temperature is usually fitted to labels. Bags say enough: if the probabilities of
//! their instances are right, then the number of instances of a class is a sum of independent coin tosses with these
//! probabilities, and a count that is far from its mean compared with the spread of that sum speaks against them.

mod minimize;

use llp_bags::BagSet;
use rayon::prelude::*;
use serde::Serialize;

use minimize::{golden_section, grid_minimum};

use crate::poisson_binomial::log_probability;

/// Temperatures are looked for between 1/16 and 16.
const LOG_TEMPERATURE_MAX: f64 = 4.0 * std::f64::consts::LN_2;

/// Values of the logarithm that are tried before the best of them is refined: half an octave apart.
const N_GRID: usize = 17;

/// The refined logarithm is within this of a minimum: a tenth of a percent of the temperature.
const TOLERANCE: f64 = 1e-3;

/// A temperature, and what it does to the likelihood of the counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Temperature {
    /// What logits are divided by: above 1 where the network is too sure.
    pub temperature: f64,
    /// [`count_loss`] at temperature 1.
    pub loss_before: f64,
    /// [`count_loss`] at this temperature.
    pub loss: f64,
    /// Whether it is at the end of the range that was searched, so that the counts do not determine it.
    pub is_at_edge: bool,
}

/// What is known of a bag: its instances follow one another.
#[derive(Clone, Debug, PartialEq)]
pub struct BagCounts {
    /// The number of instances of each class, `[class]`; their sum is the size of the bag.
    counts: Vec<u32>,
}

impl BagCounts {
    /// A bag with this many instances of each class.
    pub fn new(counts: Vec<u32>) -> Self {
        Self { counts }
    }

    /// Of every bag of a set; proportions that are no counts are rounded to them by largest remainders.
    pub fn of(bags: &BagSet) -> Vec<Self> {
        let counts = |bag| bags.proportions(bag).largest_remainder_counts(bags.instances(bag).len() as u32);
        (0..bags.len()).map(|bag| Self::new(counts(bag))).collect()
    }

    fn n_instances(&self) -> usize {
        self.counts.iter().map(|count| *count as usize).sum()
    }
}

/// The temperature that makes the counts of the bags most likely, by [`count_loss`].
///
/// The loss at 17 temperatures from 1/16 to 16 leads to the neighborhood of the minimum, golden-section search on
/// `log T` into it. `logits` are `[instance, class]`, those of the bags one after the other.
///
/// # Panics
/// If there are not as many logits as the bags say.
pub fn fit_temperature(logits: &[f64], bags: &[BagCounts]) -> Temperature {
    let loss = |log_temperature: f64| count_loss(logits, bags, log_temperature.exp());
    let grid = grid_minimum(loss, -LOG_TEMPERATURE_MAX, LOG_TEMPERATURE_MAX, N_GRID);
    let best = golden_section(loss, grid.below, grid.above, TOLERANCE);
    Temperature {
        temperature: best.x.exp(),
        loss_before: loss(0.0),
        loss: best.value,
        is_at_edge: best.x.abs() > LOG_TEMPERATURE_MAX - 2.0 * TOLERANCE,
    }
}

/// The negative log-likelihood of the counts of the bags at a temperature, in nats for each instance:
///
/// ```text
/// -1/n  sum over bags b, classes k   log P( sum_{j in b} B_jk = count_bk ),   B_jk ~ Bernoulli(softmax(logits_j / T)_k)
/// ```
///
/// Counts of different classes are treated as if they were independent (a composite likelihood), which keeps the
/// expected minimum at the true probabilities and the cost at `O(bag size^2)` for a bag.
///
/// # Panics
/// If there are not as many logits as the bags say.
pub fn count_loss(logits: &[f64], bags: &[BagCounts], temperature: f64) -> f64 {
    let mut starts = vec![0];
    for bag in bags {
        starts.push(starts[starts.len() - 1] + bag.n_instances());
    }
    let n_instances = starts[bags.len()];
    let losses: Vec<f64> = bags
        .par_iter()
        .zip(&starts)
        .map(|(bag, start)| {
            let n_classes = bag.counts.len();
            let logits = &logits[start * n_classes..][..bag.n_instances() * n_classes];
            bag_loss(logits, bag, temperature)
        })
        .collect();
    losses.iter().sum::<f64>() / n_instances as f64
}

fn bag_loss(logits: &[f64], bag: &BagCounts, temperature: f64) -> f64 {
    let n_classes = bag.counts.len();
    let log_odds: Vec<f64> =
        logits.chunks_exact(n_classes).flat_map(|row| log_odds(row, temperature)).collect();
    let of_class = |(class, count): (usize, &u32)| {
        let log_odds: Vec<f64> = log_odds.iter().skip(class).step_by(n_classes).copied().collect();
        -log_probability(&log_odds, *count as usize)
    };
    bag.counts.iter().enumerate().map(of_class).sum()
}

/// `log(p / (1 - p))` of each class of the softmax of `logits / temperature`, exact also where `p` rounds to 1.
fn log_odds(logits: &[f64], temperature: f64) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|logit| ((logit - top) / temperature).exp()).collect();
    let best = logits.iter().position(|logit| *logit >= top).unwrap_or(0);
    let others = |class: usize| -> f64 {
        weights.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, weight)| weight).sum()
    };
    let sum: f64 = weights.iter().sum();
    let of_class = |class: usize| {
        // Only the largest weight can make the difference of sum and weight inexact.
        let rest = if class == best { others(class) } else { sum - weights[class] };
        // Certainty beyond what numbers can express stays finite.
        (logits[class] - top) / temperature - rest.max(f64::MIN_POSITIVE).ln()
    };
    (0..logits.len()).map(of_class).collect()
}

#[cfg(test)]
mod tests;
