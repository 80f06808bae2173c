//! Minimum-cost flow from instances to classes by successive shortest paths.
//!
//! Instances enter one after the other. Each takes the cheapest chain "go to class a, whose instance t moves
//! on to class b, whose ... , and class z grows by one"; the assignment of the instances so far is optimal
//! after each chain, because the residual graph never has a negative cycle. Chains live on the `K` classes:
//! the edge `a -> b` costs as much as the cheapest instance of `a` to move, kept in one heap per pair, so
//! that an instance takes `O(K^2)` time, plus `O(K log n)` for each move. Potentials keep the reduced costs
//! nonnegative, so that Dijkstra's algorithm applies.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Labels that minimize `sum_j cost[label_j, j] + sum_i phi_i(count_i)` over all of `[class]^n`.
///
/// `marginal(class, count)` is `phi_i(count + 1) - phi_i(count)`, nondecreasing in `count`, infinity where
/// the class is full; some class must have room for each instance. `cost` is `[class, instance]`, finite.
pub(crate) fn min_cost_labels(
    cost: &[f64],
    n_classes: usize,
    marginal: impl Fn(usize, usize) -> f64,
) -> Vec<usize> {
    let n_instances = cost.len() / n_classes;
    let mut flow = Flow {
        cost,
        n_instances,
        n_classes,
        labels: vec![NO_CLASS; n_instances],
        counts: vec![0; n_classes],
        moves: (0..n_classes * n_classes).map(|_| BinaryHeap::new()).collect(),
        potentials: vec![0.0; n_classes],
        sink_potential: (0..n_classes).map(|class| marginal(class, 0)).fold(f64::INFINITY, f64::min),
    };
    let mut search = Search::default();
    for instance in 0..n_instances {
        flow.insert(instance, &marginal, &mut search);
    }
    flow.labels
}

const NO_CLASS: usize = usize::MAX;

struct Flow<'a> {
    cost: &'a [f64],
    n_instances: usize,
    n_classes: usize,
    labels: Vec<usize>,
    counts: Vec<usize>,
    /// The instances that can move from one class to another, cheapest first, `[from, to]`. Entries of
    /// instances that have left `from` are dropped when they come up.
    moves: Vec<BinaryHeap<Move>>,
    potentials: Vec<f64>,
    sink_potential: f64,
}

/// The state of one shortest-path search, `[class]`.
#[derive(Default)]
struct Search {
    distances: Vec<f64>,
    /// The class and the instance that a class is reached by.
    arrivals: Vec<(usize, usize)>,
    settled: Vec<bool>,
}

impl Flow<'_> {
    fn insert(&mut self, instance: usize, marginal: &impl Fn(usize, usize) -> f64, search: &mut Search) {
        let (mut class, length) = self.search(instance, marginal, search);
        for (potential, (&distance, &settled)) in
            self.potentials.iter_mut().zip(search.distances.iter().zip(&search.settled))
        {
            if settled {
                *potential += (distance - length).min(0.0);
            }
        }
        self.counts[class] += 1;
        loop {
            let (from, mover) = search.arrivals[class];
            self.labels[mover] = class;
            self.offer(mover);
            if from == NO_CLASS {
                return;
            }
            class = from;
        }
    }

    /// Returns the last class of the cheapest chain and its reduced length.
    fn search(
        &mut self,
        instance: usize,
        marginal: &impl Fn(usize, usize) -> f64,
        search: &mut Search,
    ) -> (usize, f64) {
        let entry = |class: usize| self.cost[class * self.n_instances + instance] - self.potentials[class];
        let nearest = (0..self.n_classes).map(entry).fold(f64::INFINITY, f64::min);
        search.distances.clear();
        search.distances.extend((0..self.n_classes).map(|class| entry(class) - nearest));
        search.arrivals.clear();
        search.arrivals.resize(self.n_classes, (NO_CLASS, instance));
        search.settled.clear();
        search.settled.resize(self.n_classes, false);
        let mut end = (NO_CLASS, f64::INFINITY);
        loop {
            let class = (0..self.n_classes)
                .filter(|&class| !search.settled[class])
                .min_by(|&a, &b| search.distances[a].total_cmp(&search.distances[b]));
            let Some(class) = class.filter(|&class| search.distances[class] < end.1) else {
                return end;
            };
            search.settled[class] = true;
            let growth = marginal(class, self.counts[class]) + self.potentials[class] - self.sink_potential;
            // Rounding may leave a reduced cost just below 0.
            let length = search.distances[class] + growth.max(0.0);
            if length < end.1 {
                end = (class, length);
            }
            self.relax(class, search);
        }
    }

    fn relax(&mut self, from: usize, search: &mut Search) {
        for to in 0..self.n_classes {
            if search.settled[to] {
                continue;
            }
            let Some(cheapest) = self.cheapest_move(from, to) else {
                return; // the class is empty
            };
            let reduced = cheapest.cost + self.potentials[from] - self.potentials[to];
            let distance = search.distances[from] + reduced.max(0.0);
            if distance < search.distances[to] {
                search.distances[to] = distance;
                search.arrivals[to] = (from, cheapest.instance);
            }
        }
    }

    fn cheapest_move(&mut self, from: usize, to: usize) -> Option<Move> {
        let heap = &mut self.moves[from * self.n_classes + to];
        while let Some(&cheapest) = heap.peek() {
            if self.labels[cheapest.instance] == from {
                return Some(cheapest);
            }
            heap.pop();
        }
        None
    }

    /// Enters all moves of an instance from its class.
    fn offer(&mut self, instance: usize) {
        let from = self.labels[instance];
        let here = self.cost[from * self.n_instances + instance];
        for to in (0..self.n_classes).filter(|&to| to != from) {
            let cost = self.cost[to * self.n_instances + instance] - here;
            self.moves[from * self.n_classes + to].push(Move { cost, instance });
        }
    }
}

/// Ordered so that the cheapest is the greatest; ties go to the smaller instance.
#[derive(Debug, Clone, Copy)]
struct Move {
    cost: f64,
    instance: usize,
}

impl Ord for Move {
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then(other.instance.cmp(&self.instance))
    }
}

impl PartialOrd for Move {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Move {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Move {}
