//! One pass over all rows: the value of a loss of the scores, and the sums of its derivatives times the rows.
//!
//! Rows are worked off in units of whole bags, or of parts of large bags, that stay in the cache between
//! scores and gradient; units are shared among a fixed number of groups whose sums are added in order. So
//! memory is that of the groups, and the bits depend on shapes alone.

use std::ops::Range;

use llp_ot::Real;

use crate::Bags;
use crate::kernels::{BLOCK, Lanes, add_gradient, add_scaled, add_scores, divide};
use crate::parallel::{cut, map};
use crate::softmax::softmax;

/// Most rows of a unit.
const UNIT_ROWS: usize = 1024;
/// Groups, and with them sums that are held at a time.
const GROUPS: usize = 64;
/// Smallest mean probability that a logarithm is taken of.
const FLOOR: f64 = 1e-300;

/// A loss of scores.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Loss<'a> {
    /// Sum over instances of `log sum exp` of the scores.
    LogSumExp,
    /// Sum over instances of the cross-entropy to targets `[position in order, class]`.
    Targets(&'a [f64]),
    /// Sum over bags of a weight `[bag]` times `KL(proportions | mean probabilities)`.
    BagKl(&'a [f64]),
    /// Sum over instances of the scores times coefficients `[bag, class]`.
    Linear(&'a [f64]),
}

/// Value and derivatives of a loss.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    pub(crate) value: f64,
    /// By the weights, `[class, column]`.
    pub(crate) weights: Vec<f64>,
    /// By the bias, `[class]`.
    pub(crate) bias: Vec<f64>,
}

/// Whole bags, or a part of one.
#[derive(Debug, Clone)]
struct Unit {
    /// Positions in the order of the bags.
    rows: Range<usize>,
    bags: Range<usize>,
    is_part: bool,
}

/// The units of some bags.
pub(crate) struct Pass<'a, T> {
    bags: &'a Bags<'a, T>,
    units: Vec<Unit>,
}

/// Scores of the rows, plus what is needed to compute them.
struct Scratch<T> {
    /// A row in the place of one that is not there, `[column]`.
    zeros: Vec<T>,
    scores: Vec<f64>,
    lanes: Lanes,
}

impl<'a, T: Real> Pass<'a, T> {
    pub(crate) fn new(bags: &'a Bags<'a, T>) -> Self {
        let starts = bags.starts();
        let mut units: Vec<Unit> = Vec::new();
        for bag in 0..bags.n_bags() {
            let rows = starts[bag]..starts[bag + 1];
            if rows.len() > UNIT_ROWS {
                let parts = cut(rows.len(), rows.len().div_ceil(UNIT_ROWS));
                units.extend(parts.into_iter().map(|part| Unit {
                    rows: rows.start + part.start..rows.start + part.end,
                    bags: bag..bag + 1,
                    is_part: true,
                }));
                continue;
            }
            match units.last_mut() {
                Some(unit) if !unit.is_part && rows.end - unit.rows.start <= UNIT_ROWS => {
                    unit.rows.end = rows.end;
                    unit.bags.end = bag + 1;
                }
                _ => units.push(Unit { rows, bags: bag..bag + 1, is_part: false }),
            }
        }
        Self { bags, units }
    }

    /// The loss of the scores `weights x + bias`, `[class, column]` and `[class]`.
    pub(crate) fn evaluate(&self, weights: &[f64], bias: &[f64], loss: &Loss<'_>) -> Sums {
        let means = match loss {
            Loss::BagKl(_) => self.means_of_large_bags(weights, bias),
            _ => Vec::new(),
        };
        let groups = cut(self.units.len(), GROUPS);
        let sums = map(groups.len(), |group| {
            let mut sums = Sums::zero(weights.len(), bias.len());
            let mut scratch = self.scratch();
            for index in groups[group].clone() {
                let mean = means.get(index).and_then(Option::as_deref);
                self.add_unit(&self.units[index], (weights, bias), loss, mean, &mut scratch, &mut sums);
            }
            sums
        });
        sums.into_iter().fold(Sums::zero(weights.len(), bias.len()), |total, sums| total.and(&sums))
    }

    /// Calls `work(position, row)` on ranges of positions and adds up what it collects in `len` numbers.
    pub(crate) fn fold(&self, len: usize, work: impl Fn(usize, &[T], &mut [f64]) + Sync + Send) -> Vec<f64> {
        let groups = cut(self.bags.n_instances(), GROUPS);
        let order = self.bags.order();
        let sums = map(groups.len(), |group| {
            let mut sums = vec![0.0; len];
            for position in groups[group].clone() {
                work(position, self.bags.row(order[position]), &mut sums);
            }
            sums
        });
        sums.into_iter().fold(vec![0.0; len], |mut total, sums| {
            add_scaled(&mut total, 1.0, &sums);
            total
        })
    }

    /// For each unit that is a part: the mean probabilities of its whole bag.
    fn means_of_large_bags(&self, weights: &[f64], bias: &[f64]) -> Vec<Option<Vec<f64>>> {
        let k = bias.len();
        let sums = map(self.units.len(), |index| {
            let unit = &self.units[index];
            unit.is_part.then(|| {
                let mut scratch = self.scratch();
                self.add_scores_of(unit, (weights, bias), &mut scratch);
                let mut sum = vec![0.0; k];
                for row in scratch.scores[..unit.rows.len() * k].chunks_exact_mut(k) {
                    softmax(row);
                    add_scaled(&mut sum, 1.0, row);
                }
                sum
            })
        });
        let mut totals = std::collections::BTreeMap::<usize, Vec<f64>>::new();
        for (unit, sum) in self.units.iter().zip(&sums) {
            if let Some(sum) = sum {
                let total = totals.entry(unit.bags.start).or_insert_with(|| vec![0.0; k]);
                add_scaled(total, 1.0 / self.bags.instances(unit.bags.start).len() as f64, sum);
            }
        }
        self.units.iter().map(|unit| totals.get(&unit.bags.start).filter(|_| unit.is_part).cloned()).collect()
    }

    fn scratch(&self) -> Scratch<T> {
        let zeros = vec![T::ZERO; self.bags.n_columns()];
        let scores = vec![0.0; (UNIT_ROWS + BLOCK) * self.bags.n_classes()];
        Scratch { zeros, scores, lanes: Vec::new() }
    }

    /// The rows of a block from a position on; those beyond the unit are 0.
    fn block<'b>(&'b self, unit: &Unit, first: usize, zeros: &'b [T]) -> [&'b [T]; BLOCK] {
        let order = self.bags.order();
        std::array::from_fn(|offset| {
            if first + offset < unit.rows.end { self.bags.row(order[first + offset]) } else { zeros }
        })
    }

    fn add_scores_of(&self, unit: &Unit, (weights, bias): (&[f64], &[f64]), scratch: &mut Scratch<T>) {
        let blocks = scratch.scores.chunks_exact_mut(BLOCK * bias.len());
        for (first, scores) in unit.rows.clone().step_by(BLOCK).zip(blocks) {
            scores.chunks_exact_mut(bias.len()).for_each(|row| row.copy_from_slice(bias));
            let rows = self.block(unit, first, &scratch.zeros);
            add_scores(&rows, weights, &mut scratch.lanes, scores);
        }
    }

    fn add_unit(
        &self,
        unit: &Unit,
        model: (&[f64], &[f64]),
        loss: &Loss<'_>,
        mean: Option<&[f64]>,
        scratch: &mut Scratch<T>,
        sums: &mut Sums,
    ) {
        let k = model.1.len();
        if !matches!(loss, Loss::Linear(_)) {
            self.add_scores_of(unit, model, scratch);
        }
        for bag in unit.bags.clone() {
            let rows = if unit.is_part {
                unit.rows.clone()
            } else {
                self.bags.starts()[bag]..self.bags.starts()[bag + 1]
            };
            let at = (rows.start - unit.rows.start) * k..(rows.end - unit.rows.start) * k;
            sums.value += self.derive(bag, rows, loss, mean, &mut scratch.scores[at]);
        }
        let used = unit.rows.len() * k;
        scratch.scores[used..used.next_multiple_of(BLOCK * k)].fill(0.0);
        let blocks = scratch.scores.chunks_exact(BLOCK * k);
        for (first, coefficients) in unit.rows.clone().step_by(BLOCK).zip(blocks) {
            add_gradient(&self.block(unit, first, &scratch.zeros), coefficients, &mut sums.weights);
            coefficients.chunks_exact(k).for_each(|row| add_scaled(&mut sums.bias, 1.0, row));
        }
    }

    /// Replaces scores of rows of a bag by the derivatives of the loss; returns what they add to the value.
    fn derive(
        &self,
        bag: usize,
        rows: Range<usize>,
        loss: &Loss<'_>,
        mean: Option<&[f64]>,
        scores: &mut [f64],
    ) -> f64 {
        let k = self.bags.n_classes();
        match loss {
            Loss::LogSumExp => scores.chunks_exact_mut(k).map(softmax).sum(),
            Loss::Targets(targets) => {
                let targets = targets[rows.start * k..rows.end * k].chunks_exact(k);
                scores.chunks_exact_mut(k).zip(targets).map(|(row, q)| cross_entropy(row, q)).sum()
            }
            Loss::Linear(coefficients) => {
                let row = &coefficients[bag * k..(bag + 1) * k];
                scores.chunks_exact_mut(k).for_each(|scores| scores.copy_from_slice(row));
                0.0
            }
            Loss::BagKl(weights) => {
                scores.chunks_exact_mut(k).for_each(|row| {
                    softmax(row);
                });
                let n = self.bags.instances(bag).len() as f64;
                let own = mean.is_none().then(|| mean_of(scores, k));
                let mean = mean.or(own.as_deref()).unwrap_or_default();
                let z = self.bags.proportions(bag);
                derive_kl(z, mean, weights[bag] / n, scores);
                // Each part brings its share of the value.
                weights[bag] * kl(z, mean) * rows.len() as f64 / n
            }
        }
    }
}

impl Sums {
    fn zero(n_weights: usize, n_classes: usize) -> Self {
        Self { value: 0.0, weights: vec![0.0; n_weights], bias: vec![0.0; n_classes] }
    }

    fn and(mut self, other: &Self) -> Self {
        self.value += other.value;
        add_scaled(&mut self.weights, 1.0, &other.weights);
        add_scaled(&mut self.bias, 1.0, &other.bias);
        self
    }
}

fn mean_of(probabilities: &[f64], k: usize) -> Vec<f64> {
    let mut mean = vec![0.0; k];
    for row in probabilities.chunks_exact(k) {
        add_scaled(&mut mean, 1.0, row);
    }
    let n = (probabilities.len() / k) as f64;
    divide(&mut mean, n);
    mean
}

/// `KL(z | mean)`; classes of no share add nothing.
pub(crate) fn kl(z: &[f64], mean: &[f64]) -> f64 {
    let terms = z.iter().zip(mean).filter(|(z, _)| **z > 0.0);
    terms.map(|(&z, &mean)| z * (z.ln() - mean.max(FLOOR).ln())).sum()
}

/// Replaces probabilities by the derivatives of `weight n KL(z | mean)` with respect to their scores.
fn derive_kl(z: &[f64], mean: &[f64], weight: f64, probabilities: &mut [f64]) {
    let by_probability: Vec<f64> =
        z.iter().zip(mean).map(|(z, mean)| -weight * z / mean.max(FLOOR)).collect();
    for row in probabilities.chunks_exact_mut(z.len()) {
        let average: f64 = row.iter().zip(&by_probability).map(|(p, g)| p * g).sum();
        for (p, g) in row.iter_mut().zip(&by_probability) {
            *p *= g - average;
        }
    }
}

/// Replaces scores by the derivatives of the cross-entropy to `q`; returns it.
fn cross_entropy(scores: &mut [f64], q: &[f64]) -> f64 {
    let linear: f64 = scores.iter().zip(q).map(|(score, q)| score * q).sum();
    let mass: f64 = q.iter().sum();
    let value = mass * softmax(scores) - linear;
    for (p, q) in scores.iter_mut().zip(q) {
        *p = mass * *p - q;
    }
    value
}
