//! Markov chains over the tables of all bags, and what their samples say.

use super::information::Information;
use super::sampler::{draw, first_table, moves};
use super::tables::GroupTables;
use super::weights::Weights;
use crate::kernels::add_scaled;
use crate::parallel::{cut, map};
use crate::random::Random;

/// Shape and rate of the gamma prior of a parameter, those of `eiPack`'s `ei.MD.bayes`.
pub(super) const PRIOR: (f64, f64) = (4.0, 2.0);

/// Parts into which bags are cut; each has a random stream of its own.
const PARTS: usize = 64;

/// What sampled tables of one bag say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BagMoments {
    /// Mean counts, `[group, class]`.
    pub(super) counts: Vec<f64>,
    /// Mean score, `[group, class]`.
    pub(super) score: Vec<f64>,
}

/// Sums over bags of moments of the sampled tables.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moments {
    pub(super) bags: Vec<BagMoments>,
    /// Variances of counts given the parameters, summed over bags, `[cell]`.
    pub(super) count_variance: Vec<f64>,
    /// Covariances of counts with scores given the parameters, summed over bags, `[cell, cell]`.
    pub(super) score_covariance: Vec<f64>,
    /// The observed information of the bags, `[cell, cell]`: that of complete tables less the covariance of their scores
    /// (Louis 1982).
    pub(super) information: Vec<f64>,
}

/// The Markov chains of all bags.
pub(super) struct Chains<'a> {
    tables: &'a GroupTables,
    moves: Vec<Vec<[usize; 4]>>,
    state: Vec<Vec<u32>>,
    largest: u32,
    seed: u64,
    calls: u64,
}

impl<'a> Chains<'a> {
    pub(super) fn new(tables: &'a GroupTables, seed: u64) -> Self {
        let bags = 0..tables.n_bags();
        let state = bags.clone().map(|bag| first_table(tables.groups(bag), tables.classes(bag))).collect();
        let largest = bags.clone().flat_map(|bag| tables.groups(bag)).copied().max().unwrap_or(0);
        Self { tables, moves: bags.map(|bag| moves(tables, bag)).collect(), state, largest, seed, calls: 0 }
    }

    /// Moves every chain `sweeps` times on and returns moments over them.
    pub(super) fn sample(&mut self, theta: &[f64], sweeps: usize) -> Moments {
        let weights = Weights::new(theta, self.tables.n_classes(), self.largest);
        let cells = theta.len();
        let (seed, call) = (self.seed, self.calls);
        self.calls += 1;
        let parts = cut(self.state.len(), PARTS);
        let results = map(parts.len(), |part| {
            let mut random = Random::new(seed ^ call.wrapping_mul(0xD134_2543_DE82_EF95), part as u64);
            let mut sums = Sums::new(cells);
            let sampled: Vec<_> = parts[part]
                .clone()
                .map(|bag| {
                    let mut table = self.state[bag].clone();
                    let moments = sums.of_bag(&mut table, &self.moves[bag], &weights, sweeps, &mut random);
                    (table, moments)
                })
                .collect();
            (sampled, sums)
        });
        let mut moments = Moments {
            bags: Vec::with_capacity(self.state.len()),
            count_variance: vec![0.0; cells],
            score_covariance: vec![0.0; cells * cells],
            information: vec![0.0; cells * cells],
        };
        self.state.clear();
        for (sampled, sums) in results {
            for (table, bag) in sampled {
                self.state.push(table);
                moments.bags.push(bag);
            }
            add_scaled(&mut moments.count_variance, 1.0, &sums.count_variance);
            add_scaled(&mut moments.score_covariance, 1.0, &sums.score_covariance);
            add_scaled(&mut moments.information, 1.0, &sums.information);
        }
        moments
    }
}

/// Covariances of a part of the bags.
struct Sums {
    cells: usize,
    count_variance: Vec<f64>,
    score_covariance: Vec<f64>,
    information: Vec<f64>,
}

impl Sums {
    fn new(cells: usize) -> Self {
        Self {
            cells,
            count_variance: vec![0.0; cells],
            score_covariance: vec![0.0; cells * cells],
            information: vec![0.0; cells * cells],
        }
    }

    /// Samples one bag. Covariances are taken about the first table, whose counts are near the mean.
    fn of_bag(
        &mut self,
        table: &mut [u32],
        moves: &[[usize; 4]],
        weights: &Weights,
        sweeps: usize,
        random: &mut Random,
    ) -> BagMoments {
        let cells = self.cells;
        let (origin, mut first_score) = (table.to_vec(), vec![0.0; cells]);
        weights.add_score(table, &mut first_score);
        let (mut count_sum, mut score_sum) = (vec![0.0; cells], vec![0.0; cells]);
        let (mut counts, mut score) = (vec![0.0; cells], vec![0.0; cells]);
        let scale = 1.0 / sweeps as f64;
        for _ in 0..sweeps {
            for &four in moves {
                draw(table, four, weights, random);
            }
            score.fill(0.0);
            weights.add_score(table, &mut score);
            weights.add_information(table, &score, scale, &mut self.information);
            for cell in 0..cells {
                counts[cell] = f64::from(table[cell]) - f64::from(origin[cell]);
                self.count_variance[cell] += scale * counts[cell] * counts[cell];
                score[cell] -= first_score[cell];
            }
            add_scaled(&mut count_sum, 1.0, &counts);
            add_scaled(&mut score_sum, 1.0, &score);
            add_products(&mut self.score_covariance, &counts, &score, scale);
            add_products(&mut self.information, &score, &score, -scale);
        }
        for sum in count_sum.iter_mut().chain(&mut score_sum) {
            *sum *= scale;
        }
        self.count_variance.iter_mut().zip(&count_sum).for_each(|(variance, mean)| *variance -= mean * mean);
        add_products(&mut self.score_covariance, &count_sum, &score_sum, -1.0);
        add_products(&mut self.information, &score_sum, &score_sum, 1.0);
        for cell in 0..cells {
            count_sum[cell] += f64::from(origin[cell]);
            score_sum[cell] += first_score[cell];
        }
        BagMoments { counts: count_sum, score: score_sum }
    }
}

/// Adds the outer product of two vectors to a matrix, if there is one.
fn add_products(matrix: &mut [f64], rows: &[f64], columns: &[f64], scale: f64) {
    for (line, row) in matrix.chunks_exact_mut(columns.len()).zip(rows) {
        add_scaled(line, scale * row, columns);
    }
}

impl Moments {
    /// Sums of nothing.
    pub(super) fn empty(n_bags: usize, cells: usize) -> Self {
        let bag = BagMoments { counts: vec![0.0; cells], score: vec![0.0; cells] };
        Self {
            bags: vec![bag; n_bags],
            count_variance: vec![0.0; cells],
            score_covariance: vec![0.0; cells * cells],
            information: vec![0.0; cells * cells],
        }
    }

    /// Adds other moments of the same bags.
    pub(super) fn add(&mut self, other: &Self, scale: f64) {
        for (bag, other) in self.bags.iter_mut().zip(&other.bags) {
            add_scaled(&mut bag.counts, scale, &other.counts);
            add_scaled(&mut bag.score, scale, &other.score);
        }
        add_scaled(&mut self.count_variance, scale, &other.count_variance);
        add_scaled(&mut self.score_covariance, scale, &other.score_covariance);
        add_scaled(&mut self.information, scale, &other.information);
    }

    /// Mean counts over all bags, `[group, class]`.
    pub(super) fn totals(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.bags[0].counts.len()];
        self.bags.iter().for_each(|bag| add_scaled(&mut totals, 1.0, &bag.counts));
        totals
    }

    /// The gradient of the log-posterior by `theta`.
    pub(super) fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        let (shape, rate) = PRIOR;
        let mut gradient: Vec<f64> = theta.iter().map(|theta| shape - rate * theta.exp()).collect();
        self.bags.iter().for_each(|bag| add_scaled(&mut gradient, 1.0, &bag.score));
        gradient
    }

    /// The information of the log-posterior by `theta`.
    pub(super) fn information_of(&self, theta: &[f64]) -> Information {
        let prior: Vec<f64> = theta.iter().map(|theta| PRIOR.1 * theta.exp()).collect();
        Information::new(&prior, &self.information)
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::Weights;
    use super::*;

    /// The tables of a bag with two groups, as counts of the first.
    fn first_rows(tables: &GroupTables) -> Vec<[u32; 3]> {
        let (groups, classes) = (tables.groups(0), tables.classes(0));
        let all = (0..=classes[0]).flat_map(|a| (0..=classes[1]).map(move |b| (a, b)));
        all.filter(|(a, b)| a + b <= groups[0] && groups[0] - a - b <= classes[2])
            .map(|(a, b)| [a, b, groups[0] - a - b])
            .collect()
    }

    /// The log-probability of a bag's margins up to a constant, and the mean of the first group's counts, by summing over
    /// all tables. The weights lack the factors of the parameters alone, which are added.
    fn enumerated(tables: &GroupTables, theta: &[f64]) -> (f64, [f64; 3]) {
        let weights = Weights::new(theta, 3, 1000);
        let members = tables.groups(0);
        // One class of all parameters together: the normalizer.
        let whole = |group: usize| {
            let sum: f64 = theta[group * 3..group * 3 + 3].iter().map(|theta| theta.exp()).sum();
            Weights::new(&[sum.ln()], 1, 1000).log(0, members[group])
        };
        let logs: Vec<(f64, [f64; 3])> = first_rows(tables)
            .into_iter()
            .map(|row| {
                let cells = (0..3)
                    .map(|c| weights.log(c, row[c]) + weights.log(3 + c, tables.classes(0)[c] - row[c]));
                (cells.sum::<f64>() - whole(0) - whole(1), row.map(f64::from))
            })
            .collect();
        let total: f64 = logs.iter().map(|(log, _)| log.exp()).sum();
        let mean = |class: usize| logs.iter().map(|(log, row)| log.exp() / total * row[class]).sum();
        (total.ln(), [mean(0), mean(1), mean(2)])
    }

    /// Theorem: the mean counts of the samples are those of all tables with the margins, and the mean score is the derivative
    /// of the logarithm of their total probability; the information is its second derivative, with the sign changed.
    #[test]
    fn samples_are_those_of_the_distribution_of_tables() {
        let tables = GroupTables::new(vec![9, 12], 2, vec![6, 4, 11], 3).expect("margins");
        let theta = [0.3, -0.8, 1.1, -0.2, 0.6, -1.5];
        let mut chains = Chains::new(&tables, 3);
        let moments = chains.sample(&theta, 200_000);
        let (_, mean) = enumerated(&tables, &theta);
        for (class, mean) in mean.into_iter().enumerate() {
            assert!((moments.bags[0].counts[class] - mean).abs() < 0.03, "{mean}");
        }
        let moved = |moves: &[(usize, f64)]| {
            let mut theta = theta;
            for &(at, by) in moves {
                theta[at] += by;
            }
            enumerated(&tables, &theta).0
        };
        for at in 0..6 {
            let slope = (moved(&[(at, 1e-4)]) - moved(&[(at, -1e-4)])) / 2e-4;
            assert!(
                (moments.bags[0].score[at] - slope).abs() < 0.01,
                "{slope} {}",
                moments.bags[0].score[at]
            );
            for other in 0..6 {
                let corner = |a: f64, b: f64| moved(&[(at, a), (other, b)]);
                let h = 1e-3;
                let second = (corner(h, h) - corner(h, -h) - corner(-h, h) + corner(-h, -h)) / (4.0 * h * h);
                let information = moments.information[at * 6 + other];
                assert!((information + second).abs() < 0.02, "{at} {other}: {second} {information}");
            }
        }
    }
}
