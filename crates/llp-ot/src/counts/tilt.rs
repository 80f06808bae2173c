//! The exponential tilt under which given counts are the expected ones.

use super::linear::{Factor, covariance};

/// Above this change of the tilt since probabilities were computed from their logarithms, they are computed again: a
/// product of factors cannot bring back what has become 0.
const REACH: f64 = 30.0;
const MAX_STEPS: usize = 100;
/// Largest step of an entry of the tilt.
const MAX_CHANGE: f64 = 20.0;
/// The residual at which the tilt is exact, as a share of the bag.
const EXACT: f64 = 1e-13;
/// A residual at which one more step is all that double precision has to give.
const NEARLY_EXACT: f64 = 1e-7;

/// Tilted probabilities `u_ic = p_ic exp(g_c) / sum_d p_id exp(g_d)`, whose sums over the bag are the counts.
pub(super) struct Tilt {
    /// `[instance, class]`.
    pub(super) probs: Vec<f64>,
    /// `x g - sum_i log sum_c p_ic exp(g_c)`: the divergence of the tilted probabilities from the given ones.
    pub(super) divergence: f64,
}

impl Tilt {
    /// For positive counts that add up to the size of the bag. `log_probs` is `[instance, class]`.
    pub(super) fn new(log_probs: &[f64], counts: &[f64]) -> Self {
        let mut search = Search::new(log_probs, counts);
        // Proportional fitting brings any start near; Newton's method ends it.
        for _ in 0..2 {
            let sums = search.sums();
            let change: Vec<f64> =
                counts.iter().zip(&sums).map(|(x, s)| (x / s.max(f64::MIN_POSITIVE)).ln()).collect();
            search.move_by(&change);
        }
        let n: f64 = counts.iter().sum();
        for _ in 0..MAX_STEPS {
            let residual = search.residual();
            let largest = residual.iter().fold(0.0_f64, |largest, r| largest.max(r.abs()));
            if largest <= EXACT * n || !search.newton(residual) || largest <= NEARLY_EXACT * n {
                break;
            }
        }
        Self { divergence: search.divergence, probs: search.probs }
    }
}

struct Search<'a> {
    log_probs: &'a [f64],
    counts: &'a [f64],
    tilt: Vec<f64>,
    /// At the present tilt, `[instance, class]`.
    probs: Vec<f64>,
    divergence: f64,
    /// The tilt at which `probs` were last computed from logarithms.
    origin: Vec<f64>,
}

impl<'a> Search<'a> {
    fn new(log_probs: &'a [f64], counts: &'a [f64]) -> Self {
        let k = counts.len();
        let mut search = Self {
            log_probs,
            counts,
            tilt: vec![0.0; k],
            probs: vec![0.0; log_probs.len()],
            divergence: 0.0,
            origin: vec![0.0; k],
        };
        search.compute_anew();
        search
    }

    fn sums(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.counts.len()];
        for row in self.probs.chunks_exact(sums.len()) {
            sums.iter_mut().zip(row).for_each(|(sum, u)| *sum += u);
        }
        sums
    }

    fn residual(&self) -> Vec<f64> {
        self.counts.iter().zip(self.sums()).map(|(x, s)| x - s).collect()
    }

    /// One damped step; whether the divergence has grown or kept its value.
    fn newton(&mut self, mut step: Vec<f64>) -> bool {
        let residual = step.clone();
        let k = self.counts.len();
        Factor::new(&covariance(&self.probs, k), k).solve(&mut step);
        let largest = step.iter().fold(0.0_f64, |largest, s| largest.max(s.abs()));
        let slope: f64 = residual.iter().zip(&step).map(|(r, s)| r * s).sum();
        let mut length = (MAX_CHANGE / largest).min(1.0);
        let (before, start) = (self.divergence, self.tilt.clone());
        let rounding = 1e-14 * (1.0 + before.abs());
        for _ in 0..30 {
            let change: Vec<f64> =
                start.iter().zip(&self.tilt).zip(&step).map(|((g, now), s)| g + length * s - now).collect();
            self.move_by(&change);
            if self.divergence >= before + 1e-4 * length * slope - rounding {
                return true;
            }
            length /= 2.0;
        }
        let back: Vec<f64> = start.iter().zip(&self.tilt).map(|(g, now)| g - now).collect();
        self.move_by(&back);
        false
    }

    fn move_by(&mut self, change: &[f64]) {
        self.tilt.iter_mut().zip(change).for_each(|(g, c)| *g += c);
        let moved = self.tilt.iter().zip(&self.origin).fold(0.0_f64, |far, (g, o)| far.max((g - o).abs()));
        if moved > REACH {
            self.compute_anew();
            return;
        }
        let factors: Vec<f64> = change.iter().map(|c| c.exp()).collect();
        let mut log_sums = 0.0;
        for row in self.probs.chunks_exact_mut(factors.len()) {
            row.iter_mut().zip(&factors).for_each(|(u, factor)| *u *= factor);
            let sum: f64 = row.iter().sum();
            let inverse = sum.recip();
            for u in row.iter_mut() {
                *u *= inverse;
            }
            log_sums += sum.ln();
        }
        self.divergence += self.counts.iter().zip(change).map(|(x, c)| x * c).sum::<f64>() - log_sums;
    }

    fn compute_anew(&mut self) {
        let k = self.counts.len();
        let mut log_sums = 0.0;
        for (row, log_p) in self.probs.chunks_exact_mut(k).zip(self.log_probs.chunks_exact(k)) {
            for ((u, log_p), g) in row.iter_mut().zip(log_p).zip(&self.tilt) {
                *u = log_p + g;
            }
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            for u in row.iter_mut() {
                *u = (*u - max).exp();
            }
            let sum: f64 = row.iter().sum();
            for u in row.iter_mut() {
                *u /= sum;
            }
            log_sums += max + sum.ln();
        }
        self.divergence = self.counts.iter().zip(&self.tilt).map(|(x, g)| x * g).sum::<f64>() - log_sums;
        self.origin.clone_from(&self.tilt);
    }
}
