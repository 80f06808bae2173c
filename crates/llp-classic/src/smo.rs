//! Sequential minimal optimization: the dual of support vector machines, for classification and regression.
//!
//! ```text
//! min over alpha:  1/2 alpha' Q alpha + p' alpha,    y' alpha = 0,  0 <= alpha <= c,    Q_st = y_s y_t <x_s, x_t>
//! ```
//!
//! Pairs are chosen by second-order information, as in \[fan:05\]; the result is the exact minimum up to the
//! violation of the optimality conditions that is reported.

use std::rc::Rc;

use crate::kernels::{add_scaled, dot};

/// Products that are kept: 64 MiB.
const CACHED_PRODUCTS: usize = 1 << 23;
/// Curvature of a pair of equal points.
const FLAT: f64 = 1e-12;
/// Share of the upper bound below which a variable is 0.
const ROUNDING: f64 = 1e-12;

/// A variable of the dual: a point with a sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    /// Row of the points.
    pub(crate) point: usize,
    /// 1 or -1.
    pub(crate) sign: f64,
    pub(crate) linear: f64,
    pub(crate) upper: f64,
}

/// The separating function, `<weights, x> + bias`.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) weights: Vec<f64>,
    pub(crate) bias: f64,
    /// Largest violation of the optimality conditions.
    pub(crate) violation: f64,
    pub(crate) n_iterations: usize,
}

/// Points `[point, column]` and those of their products that were needed, for any number of problems.
pub(crate) struct Products<'a> {
    points: &'a [f64],
    n_columns: usize,
    kept: Vec<Option<Rc<[f64]>>>,
}

impl<'a> Products<'a> {
    pub(crate) fn new(points: &'a [f64], n_columns: usize) -> Self {
        let n_points = points.len() / n_columns;
        let n_kept = if n_points * n_points <= CACHED_PRODUCTS { n_points } else { 0 };
        Self { points, n_columns, kept: vec![None; n_kept] }
    }

    fn row(&self, point: usize) -> &[f64] {
        &self.points[point * self.n_columns..(point + 1) * self.n_columns]
    }

    /// The products of a point with all points.
    fn of(&mut self, point: usize) -> Rc<[f64]> {
        if let Some(Some(kept)) = self.kept.get(point) {
            return Rc::clone(kept);
        }
        let x = self.row(point);
        let products: Rc<[f64]> = self.points.chunks_exact(self.n_columns).map(|y| dot(x, y)).collect();
        if let Some(slot) = self.kept.get_mut(point) {
            *slot = Some(Rc::clone(&products));
        }
        products
    }
}

/// The state of the iteration.
struct State<'a> {
    variables: &'a [Variable],
    alpha: Vec<f64>,
    gradient: Vec<f64>,
    squares: Vec<f64>,
}

/// Solves the dual from 0, until the violation is at most `tolerance`.
pub(crate) fn solve(
    products: &mut Products<'_>,
    variables: &[Variable],
    tolerance: f64,
    max_iterations: usize,
) -> Machine {
    let squares: Vec<f64> = products.points.chunks_exact(products.n_columns).map(|x| dot(x, x)).collect();
    let mut state = State {
        variables,
        alpha: vec![0.0; variables.len()],
        gradient: variables.iter().map(|variable| variable.linear).collect(),
        squares,
    };
    let mut n_iterations = 0;
    let violation = loop {
        let (i, j, violation) = state.choose(products);
        let Some(j) = j.filter(|_| violation > tolerance && n_iterations < max_iterations) else {
            break violation.max(0.0);
        };
        state.step(i, j, products);
        n_iterations += 1;
    };
    let mut weights = vec![0.0; products.n_columns];
    for (variable, alpha) in variables.iter().zip(&state.alpha).filter(|(_, alpha)| **alpha > 0.0) {
        add_scaled(&mut weights, variable.sign * alpha, products.row(variable.point));
    }
    Machine { weights, bias: state.bias(), violation, n_iterations }
}

impl State<'_> {
    fn may_rise(&self, t: usize) -> bool {
        if self.variables[t].sign > 0.0 {
            self.alpha[t] < self.variables[t].upper
        } else {
            self.alpha[t] > 0.0
        }
    }

    fn may_fall(&self, t: usize) -> bool {
        if self.variables[t].sign > 0.0 {
            self.alpha[t] > 0.0
        } else {
            self.alpha[t] < self.variables[t].upper
        }
    }

    /// The pair to move, and the largest violation.
    fn choose(&self, products: &mut Products<'_>) -> (usize, Option<usize>, f64) {
        let score = |t: usize| -self.variables[t].sign * self.gradient[t];
        let mut first = (usize::MAX, f64::NEG_INFINITY);
        for t in (0..self.alpha.len()).filter(|&t| self.may_rise(t)) {
            if score(t) >= first.1 {
                first = (t, score(t));
            }
        }
        let (i, highest) = first;
        if i == usize::MAX {
            return (0, None, 0.0);
        }
        let point = self.variables[i].point;
        let row = products.of(point);
        let (mut lowest, mut second, mut gain) = (f64::INFINITY, None, 0.0);
        for t in (0..self.alpha.len()).filter(|&t| self.may_fall(t)) {
            lowest = lowest.min(score(t));
            let difference = highest - score(t);
            if difference > 0.0 {
                let other = self.variables[t].point;
                let curvature = (self.squares[point] + self.squares[other] - 2.0 * row[other]).max(FLAT);
                if difference * difference / curvature >= gain {
                    (second, gain) = (Some(t), difference * difference / curvature);
                }
            }
        }
        (i, second, highest - lowest)
    }

    /// Moves a pair along the constraint to its minimum or to a bound.
    fn step(&mut self, i: usize, j: usize, products: &mut Products<'_>) {
        let (a, b) = (self.variables[i], self.variables[j]);
        let (row_a, row_b) = (products.of(a.point), products.of(b.point));
        let curvature = (self.squares[a.point] + self.squares[b.point] - 2.0 * row_a[b.point]).max(FLAT);
        let descent = b.sign * self.gradient[j] - a.sign * self.gradient[i];
        let room = |t: usize, rises: bool| {
            if rises { self.variables[t].upper - self.alpha[t] } else { self.alpha[t] }
        };
        let (room_i, room_j) = (room(i, a.sign > 0.0), room(j, b.sign < 0.0));
        let length = (descent / curvature).min(room_i).min(room_j);
        // A bound that is reached is reached exactly.
        self.alpha[i] = moved(self.alpha[i], a.sign * length, a.upper, length == room_i);
        self.alpha[j] = moved(self.alpha[j], -b.sign * length, b.upper, length == room_j);
        for (t, variable) in self.variables.iter().enumerate() {
            self.gradient[t] += variable.sign * length * (row_a[variable.point] - row_b[variable.point]);
        }
    }

    /// The bias: of free variables the mean, else the middle of what the bounds allow.
    fn bias(&self) -> f64 {
        let (mut sum, mut n_free) = (0.0, 0);
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for t in 0..self.alpha.len() {
            let score = -self.variables[t].sign * self.gradient[t];
            match (self.may_rise(t), self.may_fall(t)) {
                (true, true) => (sum, n_free) = (sum + score, n_free + 1),
                (true, false) => low = low.max(score),
                (false, true) => high = high.min(score),
                (false, false) => {}
            }
        }
        match (n_free, low.is_finite(), high.is_finite()) {
            (0, true, true) => 0.5 * (low + high),
            (0, true, false) => low,
            (0, false, true) => high,
            (0, false, false) => 0.0,
            _ => sum / f64::from(n_free),
        }
    }
}

/// A bound that is reached up to rounding is reached: whether a variable is free decides the bias.
fn moved(alpha: f64, by: f64, upper: f64, to_bound: bool) -> f64 {
    let near = ROUNDING * upper;
    match alpha + by {
        _ if to_bound => {
            if by > 0.0 {
                upper
            } else {
                0.0
            }
        }
        moved if moved < near => 0.0,
        moved if moved > upper - near => upper,
        moved => moved,
    }
}
